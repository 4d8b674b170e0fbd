/** Modules as they are: file kinds, child modules, variable files, backends, versions, provisioners, templates. */
import { expect } from 'vitest';
import { outside, type Row } from '../row.js';

const output = (value: string): string => `output "v" {\n  value = ${value}\n}\n`;

export const moduleRows: readonly Row[] = [
  {
    name: '.tf, .tofu, .tf.json, .tofu.json and override files',
    files: {
      'a.tf': 'resource "terraform_data" "tf" {\n}\n',
      'b.tofu': 'resource "terraform_data" "tofu" {\n}\n',
      'c.tf.json': '{"resource": {"terraform_data": {"tf_json": {"input": "${1 + 1}"}}}}',
      'd.tofu.json': '{"resource": {"terraform_data": {"tofu_json": {}}}}',
      'e.tf': 'resource "terraform_data" "both" {\n  input = "not this one"\n}\n',
      'e.tofu': 'resource "terraform_data" "both" {\n  input = "this one"\n}\n',
      'override.tf': 'resource "terraform_data" "tf" {\n  input = "overridden"\n}\n',
      'v.tf': output(
        '[terraform_data.both.output, terraform_data.tf.output, terraform_data.tf_json.output]',
      ),
    },
    steps: [
      {
        plan: [
          'create output.v',
          'create terraform_data.both',
          'create terraform_data.tf',
          'create terraform_data.tf_json',
          'create terraform_data.tofu',
          'create terraform_data.tofu_json',
        ],
        applied: ({ outputs }) =>
          expect(outputs['v']?.value).toEqual(['this one', 'overridden', 2]),
      },
    ],
  },
  {
    name: 'only .tofu files',
    files: { 'main.tofu': `variable "v" {\n  default = 1\n}\n${output('var.v')}` },
    steps: [{ inputs: { v: 2 }, plan: ['create output.v'] }],
  },
  {
    name: 'child modules, with count, for_each and children of their own',
    files: {
      'main.tf': `module "one" {
  source = "./modules/outer"
  names  = ["a", "b.c"]
}
module "many" {
  source   = "./modules/inner"
  for_each = { x = 1, "y z" = 2 }
  size     = each.value
}
${output('[module.one.sizes, [for m in module.many : m.size]]')}`,
      'modules/outer/main.tf': `variable "names" {
  type = list(string)
}
module "inner" {
  source = "../inner"
  count  = length(var.names)
  size   = count.index
}
output "sizes" {
  value = module.inner[*].size
}
`,
      'modules/inner/main.tf': `variable "size" {
  type = number
}
resource "terraform_data" "a" {
  input = var.size
}
output "size" {
  value = terraform_data.a.output
}
`,
    },
    steps: [
      {
        plan: [
          'create module.many["x"].terraform_data.a',
          'create module.many["y z"].terraform_data.a',
          'create module.one.module.inner[0].terraform_data.a',
          'create module.one.module.inner[1].terraform_data.a',
          'create output.v',
        ],
      },
    ],
  },
  {
    name: 'variable files in the module count below the request',
    files: {
      'main.tf': `variable "a" {
  default = "default"
}
variable "b" {
  default = "default"
}
variable "c" {
  default = "default"
}
variable "d" {
  type = string
}
${output('[var.a, var.b, var.c, var.d]')}`,
      'terraform.tfvars': 'a = "tfvars"\nb = "tfvars"\nd = "tfvars"\n',
      'more.auto.tfvars': 'b = "auto"\n',
      'z.auto.tfvars.json': '{"c": "auto json"}',
    },
    steps: [
      {
        plan: ['create output.v'],
        applied: ({ outputs }) =>
          expect(outputs['v']?.value).toEqual(['tfvars', 'auto', 'auto json', 'tfvars']),
      },
      {
        inputs: { a: 'request', c: 'request' },
        plan: ['update output.v'],
        applied: ({ outputs }) =>
          expect(outputs['v']?.value).toEqual(['request', 'auto', 'request', 'tfvars']),
      },
    ],
  },
  ...['local', 's3', 'cloud'].map((kind): Row => ({
    name: `a ${kind} block is overridden, with a notice`,
    files: {
      'main.tf': `terraform {
  ${kind === 'cloud' ? 'cloud {\n    organization = "nobody"\n    workspaces {\n      name = "x"\n    }\n  }' : ''}${
    kind === 'local' ? 'backend "local" {\n    path = "/nowhere/else.tfstate"\n  }' : ''
  }${kind === 's3' ? 'backend "s3" {\n    bucket = "nobodys"\n    key    = "x"\n    region = "eu-west-1"\n  }' : ''}
}
resource "terraform_data" "a" {
}
`,
    },
    steps: [
      {
        plan: ['create terraform_data.a'],
        preview: ({ notices }) =>
          expect(notices?.join('\n')).toMatch(kind === 'cloud' ? /cloud/ : /backend/),
      },
    ],
  })),
  {
    name: 'required_version that fits, and provider requirements of built-in providers',
    files: {
      'main.tf': `terraform {
  required_version = ">= 1.6, < 2.0"
  required_providers {
    terraform = {
      source = "terraform.io/builtin/terraform"
    }
  }
}
resource "terraform_data" "a" {
}
`,
    },
    steps: [{ plan: ['create terraform_data.a'] }],
  },
  {
    name: 'files, templates and functions that are read at plan time',
    files: {
      'main.tf': `locals {
  names = jsondecode(file("\${path.module}/names.json"))
}
resource "terraform_data" "a" {
  input = templatefile("\${path.module}/templates/greeting.tftpl", { names = local.names })
}
output "v" {
  value = [terraform_data.a.output, filebase64("\${path.root}/binary"), [for f in fileset(path.module, "templates/*") : f], terraform.workspace]
}
`,
      'names.json': '["Ada", "Grace"]',
      'templates/greeting.tftpl': '%{ for name in names }Hello ${name}!\n%{ endfor }',
      binary: '\u0000\u0001\u0002',
    },
    steps: [
      {
        plan: ['create output.v', 'create terraform_data.a'],
        applied: ({ outputs }) =>
          expect(outputs['v']?.value).toEqual([
            'Hello Ada!\nHello Grace!\n',
            'AAEC',
            ['templates/greeting.tftpl'],
            'default',
          ]),
      },
    ],
  },
  {
    name: 'provisioners at creation and at destruction, with files beside the module',
    files: {
      'main.tf': `resource "terraform_data" "a" {
  input = "x"
  provisioner "local-exec" {
    command = "sh ./script.sh created && echo made > made.txt"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "sh ./script.sh destroyed"
  }
}
`,
      'script.sh': 'test "$1" = created -o "$1" = destroyed\n',
    },
    steps: [
      { plan: ['create terraform_data.a'] },
      { of: 'destroy', plan: ['delete terraform_data.a'] },
    ],
  },
  {
    name: 'a Dockerfile of its own, with a program that the module calls, and its .dockerignore',
    files: {
      'main.tf': `variable "v" {
  type = string
}
resource "terraform_data" "a" {
  input = var.v
  provisioner "local-exec" {
    command = "greet \${self.input} && test -e kept.txt && test ! -e left-out.txt"
  }
}
${output('var.v')}`,
      Dockerfile: `FROM cldctl-iac/opentofu
USER 0:0
COPY tools/ /usr/local/bin/
RUN ["chmod", "755", "/usr/local/bin/greet"]
COPY . /module
RUN ["/cldctl-entrypoint", "prepare"]
USER 10001:10001
`,
      'tools/greet': '#!/bin/sh\ntest "$1" = Ada\n',
      'kept.txt': 'kept',
      'left-out.txt': 'left out',
      '.dockerignore': 'left-out.txt\n',
    },
    steps: [
      {
        plan: 'InvalidInput',
        incomparable: 'the tool is not started',
        preview: ({ error }) => expect(error).toContain('"v" is required'),
      },
      { inputs: { v: 'Ada' }, plan: ['create output.v', 'create terraform_data.a'] },
    ],
  },
  {
    name: 'environment of the request reaches the tool and its commands',
    files: {
      'main.tf': `variable "v" {
  default = "default"
}
resource "terraform_data" "a" {
  input = var.v
  provisioner "local-exec" {
    command = "test \\"$OF_THE_REQUEST\\" = 'a \\"b\\" c'"
  }
}
`,
    },
    steps: [{ environment: { OF_THE_REQUEST: 'a "b" c' }, plan: ['create terraform_data.a'] }],
  },
  {
    name: 'a provider alias and a provider configured by a variable',
    outside: true,
    files: outside(`variable "token" {
  sensitive = true
}
provider "outside" {
  token = var.token
}
provider "outside" {
  alias = "second"
}
resource "outside_thing" "a" {
  name = "a"
}
resource "outside_thing" "b" {
  provider = outside.second
  name     = "b"
}
`),
    steps: [
      {
        inputs: { token: 'hunter2-of-the-table' },
        plan: ['create outside_thing.a', 'create outside_thing.b'],
        secrets: ['hunter2-of-the-table'],
      },
    ],
  },
  {
    name: 'an empty module',
    files: { 'main.tf': '# nothing yet\n' },
    steps: [{ plan: [] }],
  },
  {
    name: 'a module that is broken at run time: the place is told',
    files: {
      'main.tf': 'variable "n" {\n  default = 5\n}\noutput "v" {\n  value = ["a", "b"][var.n]\n}\n',
    },
    steps: [
      {
        plan: 'ModuleFailed',
        preview: ({ failure }) =>
          expect(failure?.detail?.diagnostics?.[0]).toMatchObject({
            summary: 'Invalid index',
            file: 'main.tf',
            line: 5,
          }),
      },
    ],
  },
  {
    name: 'a backend block that is kept on request, and would lose the state',
    files: {
      'main.tf':
        'terraform {\n  backend "local" {\n    path = "kept.tfstate"\n  }\n}\nresource "terraform_data" "a" {\n}\n',
    },
    steps: [
      {
        options: { keep_backend: true },
        plan: 'InvalidInput',
        incomparable: 'the bare tool runs where the file stays',
        preview: ({ error }) => expect(error).toContain('backend "local"'),
      },
    ],
  },
  {
    name: 'the state of another module, and functions of the built-in provider',
    files: {
      'main.tf': `terraform {
  required_providers {
    terraform = {
      source = "terraform.io/builtin/terraform"
    }
  }
}
data "terraform_remote_state" "other" {
  backend = "local"
  config = {
    path = "\${path.module}/other.json"
  }
}
resource "terraform_data" "a" {
  input = data.terraform_remote_state.other.outputs.address
}
output "v" {
  value = provider::terraform::encode_expr({ a = [1, "x"] })
}
`,
      'other.json': JSON.stringify({
        version: 4,
        terraform_version: '1.12.6',
        serial: 1,
        lineage: '5f1f4a80-6a52-4a56-9e50-3a0a0a0a0a0a',
        outputs: { address: { value: '10.0.0.1', type: 'string' } },
        resources: [],
      }),
    },
    steps: [{ plan: ['create output.v', 'create terraform_data.a'] }],
  },
  {
    name: 'a resource that is switched off and on',
    files: {
      'main.tf': `variable "on" {
  default = true
}
resource "terraform_data" "a" {
  lifecycle {
    enabled = var.on
  }
}
`,
    },
    steps: [
      { plan: ['create terraform_data.a'] },
      { inputs: { on: false }, plan: ['delete terraform_data.a'] },
      { inputs: { on: true }, plan: ['create terraform_data.a'] },
    ],
  },
  {
    name: 'a warning of the tool is a notice',
    files: {
      'main.tf': `variable "old" {
  default    = "x"
  deprecated = "use new"
}
module "child" {
  source = "./child"
  old    = var.old
}
`,
      'child/main.tf':
        'variable "old" {\n  type       = string\n  deprecated = "use the new one"\n}\n',
    },
    steps: [
      {
        plan: [],
        preview: ({ notices }) => expect(notices?.join('\n')).toContain('use the new one'),
      },
    ],
  },
];
