/** Every kind of change, told exactly. */
import { expect } from 'vitest';
import { outside, type Row } from '../row.js';

const data = (value: string, more = ''): string => `resource "terraform_data" "a" {
  input = ${value}
${more}}
`;

export const changeRows: readonly Row[] = [
  {
    name: 'create, update in place, nothing, destroy, nothing to destroy',
    files: { 'main.tf': `variable "v" {\n  default = "one"\n}\n${data('var.v')}` },
    steps: [
      { plan: ['create terraform_data.a'] },
      { inputs: { v: 'two' }, plan: ['update terraform_data.a'] },
      { inputs: { v: 'two' }, plan: [] },
      { of: 'destroy', plan: ['delete terraform_data.a'] },
      { of: 'destroy', plan: [] },
    ],
  },
  {
    name: 'no-ops are left out',
    files: {
      'main.tf': `variable "changed" {
  default = -1
}
resource "terraform_data" "many" {
  count = 12
  input = count.index == var.changed ? "changed" : "same"
}
`,
    },
    steps: [
      { plan: Array.from({ length: 12 }, (_, index) => `create terraform_data.many[${index}]`) },
      { inputs: { changed: 7 }, plan: ['update terraform_data.many[7]'] },
    ],
  },
  {
    name: 'delete: the resource, an instance and a key are gone from the configuration',
    files: {
      'main.tf': `${data('"x"')}resource "terraform_data" "n" {
  count = 2
}
resource "terraform_data" "k" {
  for_each = toset(["one", "two words", "q\\"uote"])
}
`,
    },
    steps: [
      {
        plan: [
          'create terraform_data.a',
          'create terraform_data.k["one"]',
          'create terraform_data.k["q\\"uote"]',
          'create terraform_data.k["two words"]',
          'create terraform_data.n[0]',
          'create terraform_data.n[1]',
        ],
      },
      {
        files: {
          'main.tf': `resource "terraform_data" "n" {
  count = 1
}
resource "terraform_data" "k" {
  for_each = toset(["one"])
}
`,
        },
        plan: [
          'delete terraform_data.a',
          'delete terraform_data.k["q\\"uote"]',
          'delete terraform_data.k["two words"]',
          'delete terraform_data.n[1]',
        ],
      },
    ],
  },
  {
    name: 'replace, old one first: the attributes that force it, also inside a block',
    outside: true,
    files: outside(`variable "name" {
  default = "first"
}
variable "internal" {
  default = 80
}
resource "outside_thing" "a" {
  name  = var.name
  value = "same"
  tags  = { "odd key" = "v" }
  port {
    internal = 443
  }
  port {
    internal = var.internal
    external = 8080
  }
}
`),
    steps: [
      { plan: ['create outside_thing.a'] },
      {
        inputs: { name: 'second', internal: 81 },
        plan: ['replace outside_thing.a'],
        preview: ({ changes }) =>
          expect(changes?.[0]).toMatchObject({
            replace_order: 'delete-before-create',
            replace_reasons: expect.arrayContaining(['name', 'port[1].internal']) as string[],
          }),
        applied: (_, world) => {
          expect(world.count('delete', 'first')).toBe(1);
          expect(world.count('create', 'second')).toBe(1);
          expect(world.things()).toHaveLength(1);
        },
      },
    ],
  },
  {
    name: 'replace, new one first',
    outside: true,
    files: outside(`variable "frozen" {
  default = "a"
}
resource "outside_thing" "a" {
  name   = "thing"
  frozen = var.frozen
  lifecycle {
    create_before_destroy = true
  }
}
`),
    steps: [
      { plan: ['create outside_thing.a'] },
      {
        inputs: { frozen: 'b' },
        plan: ['replace outside_thing.a'],
        preview: ({ changes }) =>
          expect(changes?.[0]).toMatchObject({
            replace_order: 'create-before-delete',
            replace_reasons: ['frozen'],
          }),
        applied: (_, world) =>
          expect(
            world.journal
              .filter(({ event, op }) => event === 'done' && /create|delete/.test(op))
              .map(({ op }) => op),
          ).toEqual(['create', 'create', 'delete']),
      },
    ],
  },
  {
    name: 'replace because another resource changed, because it is tainted, because it was asked for',
    files: {
      'main.tf': `variable "v" {
  default = "one"
}
resource "terraform_data" "trigger" {
  input = var.v
}
resource "terraform_data" "a" {
  input            = "same"
  triggers_replace = [var.v]
}
resource "terraform_data" "follows" {
  lifecycle {
    replace_triggered_by = [terraform_data.trigger]
  }
}
`,
    },
    steps: [
      {
        plan: [
          'create terraform_data.a',
          'create terraform_data.follows',
          'create terraform_data.trigger',
        ],
      },
      {
        inputs: { v: 'two' },
        plan: [
          'replace terraform_data.a',
          'replace terraform_data.follows',
          'update terraform_data.trigger',
        ],
      },
      {
        inputs: { v: 'two' },
        options: { replace: ['terraform_data.a'] },
        plan: ['replace terraform_data.a'],
        preview: ({ changes }) => expect(changes?.[0]?.reason).toBe('requested'),
      },
    ],
  },
  {
    name: 'a tainted object is replaced',
    outside: true,
    files: outside(`resource "outside_thing" "a" {
  name = "thing"
}
`),
    steps: [
      {
        before: (world) => world.behave('thing', 'create', { fail: 'half done', commit: true }),
        plan: ['create outside_thing.a'],
        apply: 'fails',
      },
      {
        before: (world) => world.behave('thing', 'create', undefined),
        plan: ['replace outside_thing.a'],
        preview: ({ changes }) => expect(changes?.[0]?.reason).toBe('tainted'),
        applied: (_, world) => expect(world.things()).toHaveLength(1),
      },
    ],
  },
  {
    name: 'a deposed object that a failed replacement left behind is deleted by the next plan',
    outside: true,
    files: outside(`variable "frozen" {
  default = "a"
}
resource "outside_thing" "a" {
  name   = "thing"
  frozen = var.frozen
  lifecycle {
    create_before_destroy = true
  }
}
`),
    steps: [
      { plan: ['create outside_thing.a'] },
      {
        inputs: { frozen: 'b' },
        before: (world) => world.behave('thing', 'delete', { fail: 'still in use' }),
        plan: ['replace outside_thing.a'],
        apply: 'fails',
      },
      {
        inputs: { frozen: 'b' },
        before: (world) => world.behave('thing', 'delete', undefined),
        plan: ['delete outside_thing.a'],
        preview: ({ changes }) => expect(changes?.[0]?.deposed).toMatch(/^[0-9a-f]{8}$/),
        applied: (_, world) => expect(world.things()).toHaveLength(1),
      },
    ],
  },
  {
    name: 'a data source is read while planning, or later when it depends on a change',
    outside: true,
    files: outside(`variable "v" {
  default = "one"
}
resource "outside_thing" "a" {
  name  = "a"
  value = var.v
}
data "outside_thing" "later" {
  name       = outside_thing.a.name
  depends_on = [outside_thing.a]
}
data "outside_thing" "now" {
  name = "there"
}
output "later" {
  value = data.outside_thing.later.value
}
output "now" {
  value = data.outside_thing.now.value
}
`),
    steps: [
      {
        before: (world) => void world.change('there', { value: 'of old' }),
        plan: [
          'create outside_thing.a',
          'create output.later',
          'create output.now',
          'read data.outside_thing.later',
        ],
      },
      {
        inputs: { v: 'two' },
        plan: ['read data.outside_thing.later', 'update output.later', 'update outside_thing.a'],
        applied: ({ outputs }) => expect(outputs['later']?.value).toBe('two'),
      },
    ],
  },
  {
    name: 'move, move with an update, move into a module and to a key',
    files: {
      'main.tf': `${data('"x"')}resource "terraform_data" "b" {\n  input = 1\n}\nresource "terraform_data" "c" {\n}\n`,
    },
    steps: [
      { plan: ['create terraform_data.a', 'create terraform_data.b', 'create terraform_data.c'] },
      {
        files: {
          'main.tf': `module "child" {
  source = "./child"
}
resource "terraform_data" "new_b" {
  input = 2
}
resource "terraform_data" "c" {
  for_each = toset(["the key"])
}
moved {
  from = terraform_data.a
  to   = module.child.terraform_data.a
}
moved {
  from = terraform_data.b
  to   = terraform_data.new_b
}
moved {
  from = terraform_data.c
  to   = terraform_data.c["the key"]
}
`,
          'child/main.tf': data('"x"'),
        },
        plan: [
          'move module.child.terraform_data.a',
          'move terraform_data.c["the key"]',
          'update terraform_data.new_b',
        ],
        preview: ({ changes }) =>
          expect(changes?.find(({ action }) => action === 'update')?.previous_resource).toBe(
            'terraform_data.b',
          ),
      },
    ],
  },
  {
    name: 'import by a block: as it is, and with an update',
    outside: true,
    files: outside(`resource "outside_thing" "same" {
  name  = "same"
  value = "v"
}
resource "outside_thing" "other" {
  name  = "other"
  value = "new"
}
import {
  to = outside_thing.same
  id = "same-00000001"
}
import {
  to = outside_thing.other
  id = "other-00000001"
}
`),
    steps: [
      {
        before: (world) => {
          world.change('same', { value: 'v' }, 'same-00000001');
          world.change('other', { value: 'old' }, 'other-00000001');
        },
        plan: ['import outside_thing.same', 'update outside_thing.other'],
        preview: ({ changes, summary }) => {
          expect(changes?.map(({ importing }) => importing?.id).sort()).toEqual([
            'other-00000001',
            'same-00000001',
          ]);
          expect(summary).toMatchObject({ import: 1, update: 1 });
        },
        applied: (_, world) => expect(world.count('create')).toBe(0),
      },
    ],
  },
  {
    name: 'import by the request',
    outside: true,
    files: outside(`resource "outside_thing" "a" {
  for_each = toset(["x", "y"])
  name     = each.key
}
`),
    steps: [
      {
        of: 'import',
        imports: [
          { address: 'outside_thing.a["x"]', id: 'x-00000001' },
          { address: 'outside_thing.a["y"]', id: 'y-00000001' },
        ],
        before: (world) => {
          world.change('x', {}, 'x-00000001');
          world.change('y', {}, 'y-00000001');
        },
        plan: ['import outside_thing.a["x"]', 'import outside_thing.a["y"]'],
        applied: (_, world) => expect(world.count('create')).toBe(0),
      },
    ],
  },
  {
    name: 'import by type and name: that, and nothing besides',
    outside: true,
    files: outside(`resource "outside_thing" "b" {
  name = "b"
}
resource "outside_thing" "another" {
  name = "another"
}
`),
    steps: [
      {
        of: 'import',
        imports: [{ type: 'outside_thing', name: 'b', id: 'b-00000001' }],
        before: (world) => void world.change('b', {}, 'b-00000001'),
        plan: ['import outside_thing.b'],
        apply: 'moves-on',
        applied: (_, world) => expect(world.count('create')).toBe(0),
      },
    ],
  },
  {
    name: 'an import that cannot be: no such object, no such address',
    outside: true,
    files: outside(`resource "outside_thing" "a" {
  name = "x"
}
`),
    steps: [
      {
        of: 'import',
        imports: [{ address: 'outside_thing.a', id: 'x-00000000' }],
        plan: 'InvalidInput',
      },
      {
        of: 'import',
        imports: [{ address: 'outside_thing.b', id: 'x-00000001' }],
        before: (world) => void world.change('x', {}, 'x-00000001'),
        plan: 'InvalidInput',
      },
    ],
  },
  {
    name: 'forget: out of the state, not out of the world',
    outside: true,
    files: outside(`resource "outside_thing" "a" {
  name = "kept"
}
`),
    steps: [
      { plan: ['create outside_thing.a'] },
      {
        files: outside(`removed {
  from = outside_thing.a
  lifecycle {
    destroy = false
  }
}
`),
        plan: ['forget outside_thing.a'],
        applied: (_, world) => expect(world.thing('kept')).toBeDefined(),
      },
    ],
  },
  {
    name: 'only outputs change',
    files: { 'main.tf': 'output "a" {\n  value = "one"\n}\noutput "b" {\n  value = 1\n}\n' },
    steps: [
      { plan: ['create output.a', 'create output.b'] },
      {
        files: {
          'main.tf':
            'output "a" {\n  value = "two"\n}\noutput "c" {\n  value = [1, null, "x"]\n}\n',
        },
        plan: ['create output.c', 'delete output.b', 'update output.a'],
      },
    ],
  },
  {
    name: 'only some targets',
    files: {
      'main.tf': `${data('"x"')}resource "terraform_data" "b" {
  input = terraform_data.a.output
}
resource "terraform_data" "c" {
}
`,
    },
    steps: [
      {
        options: { targets: ['terraform_data.b'] },
        plan: ['create terraform_data.a', 'create terraform_data.b'],
        apply: 'moves-on',
      },
      { plan: ['create terraform_data.c'] },
      {
        of: 'destroy',
        options: { targets: ['terraform_data.a'], parallelism: 1 },
        plan: ['delete terraform_data.a', 'delete terraform_data.b'],
        apply: 'moves-on',
      },
    ],
  },
  {
    name: 'looking without a lock, and waiting for one',
    files: { 'main.tf': data('"x"') },
    steps: [
      { options: { lock: false }, plan: ['create terraform_data.a'], apply: 'no' },
      { options: { lock_timeout: 5, parallelism: 1 }, plan: ['create terraform_data.a'] },
    ],
  },
  {
    name: 'more changes than fit inline',
    files: {
      'main.tf': 'resource "terraform_data" "many" {\n  count = 230\n  input = count.index\n}\n',
    },
    steps: [
      {
        plan: Array.from({ length: 230 }, (_, index) => `create terraform_data.many[${index}]`),
        preview: ({ summary, changes, changes_file }) => {
          expect(summary?.create).toBe(230);
          expect(changes).toHaveLength(200);
          expect(changes_file?.count).toBe(230);
        },
      },
      {
        of: 'destroy',
        plan: Array.from({ length: 230 }, (_, index) => `delete terraform_data.many[${index}]`),
      },
    ],
  },
];
