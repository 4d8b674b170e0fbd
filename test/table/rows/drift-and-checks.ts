/** What changed outside, what a plan hides, and what a module checks. */
import { expect } from 'vitest';
import { outside, type Row } from '../row.js';

const thing = (lines: string): ReturnType<typeof outside> =>
  outside(`variable "v" {
  default = "one"
}
resource "outside_thing" "a" {
  name = "a"
${lines}
}
`);

/** Indices of more things than an answer carries inline. */
const MANY = Array.from({ length: 205 }, (_, index) => index);

const many = outside(`variable "v" {
  default = "one"
}
resource "outside_thing" "many" {
  count = ${MANY.length}
  name  = "many-\${count.index}"
  value = var.v
}
`);
const PARALLELISM = { parallelism: 50 };

/** Through a worker: all of it is in the plan that is approved. */
export const manyDriftedRow: Row = {
  name: 'more drift than fits inline is shown and accepted',
  outside: true,
  files: many,
  steps: [
    { plan: MANY.map((index) => `create outside_thing.many[${index}]`), options: PARALLELISM },
    {
      of: 'refresh',
      options: PARALLELISM,
      before: (world) => {
        for (const index of MANY) world.change(`many-${index}`, { size: index + 1 });
      },
      plan: MANY.map((index) => `drift update outside_thing.many[${index}]`),
      apply: 'moves-on',
    },
  ],
};

export const driftRows: readonly Row[] = [
  {
    name: 'more drift than fits inline, beside as many changes',
    outside: true,
    files: many,
    steps: [
      { plan: MANY.map((index) => `create outside_thing.many[${index}]`), options: PARALLELISM },
      {
        before: (world) => {
          for (const index of MANY) world.change(`many-${index}`, { size: index + 1 });
        },
        inputs: { v: 'two' },
        options: PARALLELISM,
        plan: [
          ...MANY.map((index) => `drift update outside_thing.many[${index}]`),
          ...MANY.map((index) => `update outside_thing.many[${index}]`),
        ],
        apply: 'no',
        preview: ({ drift, drift_file, changes_file }) => {
          expect(drift).toHaveLength(200);
          expect(drift_file?.count).toBe(MANY.length);
          expect(changes_file?.count).toBe(MANY.length);
        },
      },
    ],
  },
  {
    name: 'drift beside changes: an attribute that comes back, and one that changes on both sides',
    outside: true,
    files: thing('  value = var.v\n  tags  = { k = "v" }\n  list  = ["a", "b"]'),
    steps: [
      { plan: ['create outside_thing.a'] },
      {
        before: (world) => void world.change('a', { list: ['a', 'by hand'] }),
        inputs: { v: 'two' },
        plan: ['update outside_thing.a', 'drift update outside_thing.a'],
        preview: ({ drift }) =>
          expect(drift?.[0]).toMatchObject({
            before: { list: ['a', 'b'] },
            after: { list: ['a', 'by hand'] },
          }),
      },
    ],
  },
  {
    name: 'drift that the module ignores is still told',
    outside: true,
    files: thing('  value = "v"\n  lifecycle {\n    ignore_changes = [value]\n  }'),
    steps: [
      { plan: ['create outside_thing.a'] },
      {
        before: (world) => void world.change('a', { value: 'by hand' }),
        plan: ['drift update outside_thing.a'],
        applied: (_, world) => {
          expect(world.count('update')).toBe(0);
          expect(world.thing('a')?.properties['value']).toBe('by hand');
        },
      },
    ],
  },
  {
    name: 'nothing that is written in another way is no drift',
    outside: true,
    files: thing('  value = "v"'),
    steps: [
      { plan: ['create outside_thing.a'] },
      {
        of: 'refresh',
        before: (world) =>
          void world.change('a', { list: [], tags: {}, enabled: false, size: 0, frozen: '' }),
        plan: [],
        apply: 'no',
      },
      {
        of: 'refresh',
        before: (world) => void world.change('a', { size: 1 }),
        plan: ['drift update outside_thing.a'],
        apply: 'no',
      },
    ],
  },
  {
    name: 'an object that is gone is created again',
    outside: true,
    files: thing('  value = "v"'),
    steps: [
      { plan: ['create outside_thing.a'] },
      {
        before: (world) => world.remove('a'),
        plan: ['create outside_thing.a', 'drift delete outside_thing.a'],
      },
    ],
  },
  {
    name: 'refresh: what changed outside, and its acceptance into the state',
    outside: true,
    files: {
      ...thing('  value = var.v\n  secret = "s3cr3t-of-old"'),
      'outputs.tf': 'output "v" {\n  value = outside_thing.a.value\n}\n',
    },
    steps: [
      { plan: ['create outside_thing.a', 'create output.v'] },
      {
        of: 'refresh',
        before: (world) => void world.change('a', { value: 'by hand', secret: 's3cr3t-by-hand' }),
        plan: ['drift update outside_thing.a', 'update output.v'],
        secrets: ['s3cr3t'],
        applied: ({ outputs }, world) => {
          expect(outputs['v']?.value).toBe('by hand');
          expect(world.count('update')).toBe(0);
        },
      },
      { of: 'refresh', plan: [] },
      { inputs: { v: 'by hand' }, plan: ['update outside_thing.a'], secrets: ['s3cr3t'] },
    ],
  },
  {
    name: 'refresh: an object that is gone, and nothing to accept',
    outside: true,
    files: thing(''),
    steps: [
      { plan: ['create outside_thing.a'] },
      { of: 'refresh', plan: [] },
      {
        of: 'refresh',
        before: (world) => world.remove('a'),
        plan: ['drift delete outside_thing.a'],
      },
      { plan: ['create outside_thing.a'] },
    ],
  },
  {
    name: 'planning without reading the outside world',
    outside: true,
    files: thing('  value = var.v'),
    steps: [
      { plan: ['create outside_thing.a'] },
      {
        before: (world) => void world.change('a', { value: 'by hand' }),
        options: { refresh: false },
        plan: [],
        apply: 'no',
        preview: (_, world) => {
          const lastApply = world.journal.findLastIndex(
            ({ op, event }) => op === 'create' && event === 'done',
          );
          // One read is the bare tool's, which looks after the apply whether something is left to do.
          expect(
            world.journal
              .slice(lastApply)
              .filter(({ event, op }) => event === 'done' && op === 'read'),
          ).toHaveLength(1);
        },
      },
    ],
  },
];

export const checkRows: readonly Row[] = [
  {
    name: 'a check block that fails is told and stops nothing',
    files: {
      'main.tf': `resource "terraform_data" "a" {
  input = "x"
}
check "size" {
  assert {
    condition     = terraform_data.a.input == "y"
    error_message = "it is not y"
  }
}
check "fine" {
  assert {
    condition     = terraform_data.a.input == "x"
    error_message = "never"
  }
}
`,
    },
    steps: [
      {
        plan: ['create terraform_data.a'],
        preview: ({ checks }) =>
          expect(checks?.filter(({ status }) => status === 'fail')).toEqual([
            { address: 'check.size', status: 'fail', messages: ['it is not y'] },
          ]),
      },
    ],
  },
  {
    name: 'a precondition, a validation and a postcondition that fail',
    files: {
      'main.tf': `variable "v" {
  default = "good"
  validation {
    condition     = var.v != "invalid"
    error_message = "The value is not valid."
  }
}
resource "terraform_data" "a" {
  input = var.v
  lifecycle {
    precondition {
      condition     = var.v != "early"
      error_message = "Refused before."
    }
    postcondition {
      condition     = self.output != "late"
      error_message = "Refused after."
    }
  }
}
`,
    },
    steps: [
      { inputs: { v: 'invalid' }, plan: 'InvalidInput', preview: told('The value is not valid.') },
      { inputs: { v: 'early' }, plan: 'ModuleFailed', preview: told('Refused before.') },
      {
        inputs: { v: 'late' },
        plan: ['create terraform_data.a'],
        apply: 'fails',
        applied: told('Refused after.'),
      },
    ],
  },
  {
    name: 'prevent_destroy',
    files: {
      'main.tf':
        'resource "terraform_data" "a" {\n  lifecycle {\n    prevent_destroy = true\n  }\n}\n',
    },
    steps: [
      { plan: ['create terraform_data.a'] },
      { of: 'destroy', plan: 'ModuleFailed', preview: told('prevent_destroy') },
    ],
  },
  {
    name: 'destroy that leaves an object behind on purpose',
    files: {
      'main.tf': 'resource "terraform_data" "a" {\n  lifecycle {\n    destroy = false\n  }\n}\n',
    },
    steps: [
      { plan: ['create terraform_data.a'] },
      { of: 'destroy', plan: ['forget terraform_data.a'] },
    ],
  },
];

function told(
  text: string,
): (response: { failure?: { detail?: object | undefined } | undefined }) => void {
  return ({ failure }) => expect(JSON.stringify(failure?.detail)).toContain(text);
}
