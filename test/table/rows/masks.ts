/** Secret and unknown values at any depth. */
import { expect } from 'vitest';
import { outside, type Row } from '../row.js';

const SECRET = 'hunter2-of-the-table';

export const maskRows: readonly Row[] = [
  {
    name: 'sensitive values: whole, in a list, in an object, in a map, in an output',
    files: {
      'main.tf': `variable "s" {
  type      = string
  sensitive = true
}
variable "v" {
  default = 1
}
resource "terraform_data" "whole" {
  input = var.s
}
resource "terraform_data" "list" {
  input = ["a", var.s, var.v]
}
resource "terraform_data" "deep" {
  input = {
    plain = { n = var.v }
    deep  = [{ x = "y", s = var.s }]
    "odd key" = var.s
  }
}
output "s" {
  value     = "prefix-\${var.s}"
  sensitive = true
}
output "plain" {
  value = nonsensitive(length(var.s))
}
`,
    },
    steps: [
      {
        inputs: { s: SECRET },
        plan: [
          'create output.plain',
          'create output.s',
          'create terraform_data.deep',
          'create terraform_data.list',
          'create terraform_data.whole',
        ],
        applied: ({ outputs }) =>
          expect(outputs['s']).toEqual({ value: `prefix-${SECRET}`, sensitive: true }),
        secrets: [SECRET],
      },
      {
        inputs: { s: `${SECRET}-new`, v: 2 },
        plan: [
          'update output.plain',
          'update output.s',
          'update terraform_data.deep',
          'update terraform_data.list',
          'update terraform_data.whole',
        ],
        secrets: [SECRET],
      },
      {
        inputs: { s: SECRET },
        of: 'destroy',
        plan: [
          'delete output.plain',
          'delete output.s',
          'delete terraform_data.deep',
          'delete terraform_data.list',
          'delete terraform_data.whole',
        ],
        secrets: [SECRET],
      },
    ],
  },
  {
    name: 'sensitive by the schema, and computed',
    outside: true,
    files: outside(`variable "s" {
  sensitive = true
}
variable "v" {
  default = "one"
}
resource "outside_thing" "a" {
  name   = "a"
  value  = var.v
  secret = var.s
  nested = { text = "t", secret = var.s, size = 0.1, items = [var.s] }
}
`),
    steps: [
      { inputs: { s: SECRET }, plan: ['create outside_thing.a'], secrets: [SECRET, 'key-of-'] },
      {
        inputs: { s: SECRET, v: 'two' },
        plan: ['update outside_thing.a'],
        secrets: [SECRET, 'key-of-'],
      },
      {
        inputs: { s: `${SECRET}2` },
        plan: ['update outside_thing.a'],
        secrets: [SECRET, 'key-of-'],
      },
    ],
  },
  {
    name: 'what becomes sensitive, and what stops being it',
    files: {
      'main.tf': `variable "hide" {
  default = false
}
resource "terraform_data" "a" {
  input = var.hide ? sensitive("${SECRET}") : "shown"
}
`,
    },
    steps: [
      { plan: ['create terraform_data.a'] },
      { inputs: { hide: true }, plan: ['update terraform_data.a'], secrets: [SECRET] },
      // Here the tool's own plan shows the old value of `output`, which its state does not call sensitive.
      { plan: ['update terraform_data.a'], secrets: [SECRET] },
    ],
  },
  {
    name: 'unknown values: whole, in a list, in an object, in outputs',
    files: {
      'main.tf': `resource "terraform_data" "a" {
  input = "x"
}
resource "terraform_data" "list" {
  input = ["a", terraform_data.a.id, ["b", terraform_data.a.output]]
}
resource "terraform_data" "deep" {
  input = { known = { n = 1 }, more = [{ id = terraform_data.a.id, s = sensitive(terraform_data.a.id) }] }
}
output "whole" {
  value = terraform_data.a.id
}
output "deep" {
  value = { id = terraform_data.a.id, n = [1, terraform_data.a.output] }
}
output "secret" {
  value     = terraform_data.a.id
  sensitive = true
}
`,
    },
    steps: [
      {
        plan: [
          'create output.deep',
          'create output.secret',
          'create output.whole',
          'create terraform_data.a',
          'create terraform_data.deep',
          'create terraform_data.list',
        ],
        preview: ({ has_unknown }) => expect(has_unknown).toBe(true),
      },
    ],
  },
  {
    name: 'inputs that the request calls secret are shown nowhere',
    files: {
      'main.tf': `variable "password" {
  type = string
}
variable "n" {
  default = 1
}
resource "terraform_data" "a" {
  input = { user = "u", password = var.password, n = var.n }
  provisioner "local-exec" {
    command = "echo connecting with $PASSWORD"
    environment = {
      PASSWORD = var.password
    }
  }
}
`,
    },
    steps: [
      {
        inputs: { password: SECRET },
        secretInputs: ['password'],
        plan: ['create terraform_data.a'],
        secrets: [SECRET],
        incomparable: 'the request masks more than the module does',
      },
    ],
  },
  {
    name: 'an ephemeral input is used and kept nowhere',
    files: {
      'main.tf': `variable "token" {
  type      = string
  ephemeral = true
}
resource "terraform_data" "a" {
  input = "x"
  provisioner "local-exec" {
    command = "test -n \\"$TOKEN\\""
    environment = {
      TOKEN = var.token
    }
  }
}
`,
    },
    steps: [{ inputs: { token: SECRET }, plan: ['create terraform_data.a'], secrets: [SECRET] }],
  },
];
