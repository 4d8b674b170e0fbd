/** Failures half-way: what was done, what failed and why, what was not reached; and how the next plan goes on. */
import { expect } from 'vitest';
import type { ModuleResponse } from '../../../src/contract/response.js';
import { outside, type Row } from '../row.js';

const SECRET = 'hunter2-of-the-table';

const chain = outside(`variable "secret" {
  sensitive = true
  default   = "${SECRET}"
}
variable "v" {
  default = "one"
}
resource "outside_thing" "first" {
  name  = "first"
  value = var.v
}
resource "outside_thing" "second" {
  name   = "second"
  value  = "\${outside_thing.first.value}-2"
  secret = var.secret
}
resource "outside_thing" "third" {
  name  = "third"
  value = "\${outside_thing.second.value}-3"
}
output "first" {
  value = outside_thing.first.value
}
`);

/** Statuses of the receipt by resource. */
function receipt(response: ModuleResponse): Record<string, string> {
  return Object.fromEntries(
    (response.receipt?.entries ?? []).map(({ resource, status }) => [resource, status]),
  );
}

export const failureRows: readonly Row[] = [
  {
    name: 'a create fails with a secret in its message: the rest of the chain is not reached, the next plan goes on',
    outside: true,
    files: chain,
    steps: [
      {
        before: (world) =>
          world.behave('second', 'create', { fail: `quota exceeded for password ${SECRET}` }),
        plan: [
          'create output.first',
          'create outside_thing.first',
          'create outside_thing.second',
          'create outside_thing.third',
        ],
        secrets: [SECRET],
        apply: 'fails',
        applied: (response, world) => {
          expect(receipt(response)).toEqual({
            'outside_thing.second': 'failed',
            'outside_thing.third': 'not-reached',
            'outside_thing.first': 'done',
          });
          expect(response.failure).toMatchObject({
            code: 'ModuleFailed',
            detail: {
              diagnostics: [
                {
                  severity: 'error',
                  summary: 'Error creating thing second',
                  resource: 'outside_thing.second',
                  file: 'main.tf',
                  line: 12,
                },
              ],
            },
          });
          expect(response.error).toContain('Error creating thing second');
          expect(world.things().map(({ name }) => name)).toEqual(['first']);
        },
      },
      {
        before: (world) => world.behave('second', 'create', undefined),
        plan: ['create outside_thing.second', 'create outside_thing.third'],
        secrets: [SECRET],
        applied: (_, world) => {
          expect(world.count('create', 'first')).toBe(1);
          expect(world.count('create', 'third')).toBe(1);
        },
      },
    ],
  },
  {
    name: 'an update and a delete fail; what was done before stays done',
    outside: true,
    files: chain,
    steps: [
      {
        plan: [
          'create output.first',
          'create outside_thing.first',
          'create outside_thing.second',
          'create outside_thing.third',
        ],
      },
      {
        inputs: { v: 'two' },
        before: (world) => world.behave('second', 'update', { fail: 'refused' }),
        plan: [
          'update output.first',
          'update outside_thing.first',
          'update outside_thing.second',
          'update outside_thing.third',
        ],
        apply: 'fails',
        applied: (response) =>
          expect(receipt(response)).toEqual({
            'outside_thing.first': 'done',
            'outside_thing.second': 'failed',
            'outside_thing.third': 'not-reached',
          }),
      },
      {
        inputs: { v: 'two' },
        before: (world) => world.behave('second', 'update', undefined),
        plan: ['update outside_thing.second', 'update outside_thing.third'],
      },
      {
        inputs: { v: 'two' },
        of: 'destroy',
        before: (world) => world.behave('second', 'delete', { fail: 'still in use' }),
        plan: [
          'delete output.first',
          'delete outside_thing.first',
          'delete outside_thing.second',
          'delete outside_thing.third',
        ],
        apply: 'fails',
        applied: (response, world) => {
          expect(receipt(response)).toEqual({
            'outside_thing.third': 'done',
            'outside_thing.second': 'failed',
            'outside_thing.first': 'not-reached',
          });
          expect(world.things()).toHaveLength(2);
        },
      },
      {
        inputs: { v: 'two' },
        of: 'destroy',
        before: (world) => world.behave('second', 'delete', undefined),
        plan: ['delete output.first', 'delete outside_thing.first', 'delete outside_thing.second'],
        applied: (_, world) => expect(world.things()).toEqual([]),
      },
    ],
  },
  {
    name: 'the outside world cannot be read',
    outside: true,
    files: chain,
    steps: [
      {
        plan: [
          'create output.first',
          'create outside_thing.first',
          'create outside_thing.second',
          'create outside_thing.third',
        ],
      },
      {
        before: (world) => world.behave('first', 'read', { fail: 'the service is down' }),
        plan: 'ModuleFailed',
        preview: ({ failure }) =>
          expect(failure?.detail?.diagnostics?.[0]).toMatchObject({
            summary: 'Error reading thing first',
            detail: 'the service is down',
          }),
      },
    ],
  },
  {
    name: 'a command of a provisioner fails with a secret in it',
    files: {
      'main.tf': `variable "secret" {
  sensitive = true
}
resource "terraform_data" "a" {
  input = "x"
  provisioner "local-exec" {
    command = "echo \${var.secret} >&2; exit 3"
  }
}
`,
    },
    steps: [
      {
        inputs: { secret: SECRET },
        plan: ['create terraform_data.a'],
        apply: 'fails',
        secrets: [SECRET],
        applied: (response) => {
          expect(receipt(response)).toEqual({ 'terraform_data.a': 'failed' });
          expect(response.failure?.detail?.diagnostics?.[0]?.summary).toBe(
            'local-exec provisioner error',
          );
        },
      },
      {
        inputs: { secret: SECRET },
        plan: ['replace terraform_data.a'],
        apply: 'no',
        secrets: [SECRET],
      },
    ],
  },
  {
    name: 'several resources fail beside several that are done',
    outside: true,
    files: outside(`resource "outside_thing" "a" {
  count = 6
  name  = "a\${count.index}"
}
`),
    steps: [
      {
        before: (world) => {
          world.behave('a2', 'create', { fail: 'no' });
          world.behave('a4', 'create', { fail: 'no', commit: true });
        },
        plan: Array.from({ length: 6 }, (_, index) => `create outside_thing.a[${index}]`),
        apply: 'fails',
        applied: (response) => {
          expect(response.receipt).toMatchObject({
            done: 4,
            failed: 2,
            not_reached: 0,
            unapproved: 0,
          });
          expect(response.failure?.detail?.diagnostics).toHaveLength(2);
        },
      },
      {
        before: (world) => {
          world.behave('a2', 'create', undefined);
          world.behave('a4', 'create', undefined);
        },
        plan: ['create outside_thing.a[2]', 'replace outside_thing.a[4]'],
      },
    ],
  },
];
