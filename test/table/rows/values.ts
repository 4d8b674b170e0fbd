/** Inputs and outputs of every type, exactly. */
import { expect } from 'vitest';
import { LosslessNumber, parseJson, stringifyJson, type Json } from '../../../src/contract/json.js';
import { canonicalJson } from '../../../src/contract/canonical-json.js';
import type { Row } from '../row.js';

/** A module that gives back what it takes. */
const echo = (type: string, more = ''): { 'main.tf': string } => ({
  'main.tf': `variable "v" {
  type = ${type}
${more}}
resource "terraform_data" "a" {
  input = var.v
}
output "v" {
  value = var.v
}
`,
});

const CREATED = ['create output.v', 'create terraform_data.a'];

/** As JSON text: an object literal would set the prototype. */
const PROTO = parseJson(
  '{"__proto__":{"__proto__":[1],"a":12345678901234567890},"constructor":{"__proto__":null,"x":""},"b":{}}',
);

const number = (digits: string): LosslessNumber => new LosslessNumber(digits);

const NUMBERS = [
  number('9007199254740993'),
  number('123456789012345678901234567890'),
  number('12345678901234567.25'),
  1.5e-10,
  0.1,
  -42,
];

const STRINGS = {
  template: '${path.module} %{ if true }x%{ endif } $${a} %%{b}',
  quotes: `"double" 'single' \`back\` \\ back\\\\slash`,
  lines: 'first\nsecond\r\n\tthird\n',
  dashes: '--version',
  dash: '-',
  number: '007',
  yes: 'true',
  nothing: '',
  spaces: '  kept  ',
  unicode: 'gruß 漢字 🎉 e\u0301 \u2028 \u00a0',
  control: '\u0001\u001b[31mred\u001b[0m\u007f',
  html: '<a href="x">&amp;</a>',
  heredoc: '<<EOT\nEOT',
} as const;

export const valueRows: readonly Row[] = [
  {
    name: 'strings that mean something elsewhere',
    files: echo('map(string)'),
    steps: [
      {
        inputs: { v: STRINGS },
        plan: CREATED,
        applied: ({ outputs }) =>
          expect(outputs['v']?.value).toEqual({
            ...STRINGS,
            unicode: STRINGS.unicode.normalize('NFC'),
          }),
      },
    ],
  },
  {
    name: 'an input that begins with dashes, and one that looks like JSON',
    files: {
      'main.tf': `variable "a" {
  type = string
}
variable "b" {
  type = string
}
output "a" {
  value = var.a
}
output "b" {
  value = var.b
}
`,
    },
    steps: [
      {
        inputs: { a: '-var=b=x', b: '{"a": [1, "2"]}' },
        plan: ['create output.a', 'create output.b'],
        applied: ({ outputs }) => expect(outputs['b']?.value).toBe('{"a": [1, "2"]}'),
      },
    ],
  },
  {
    name: 'numbers at the edges',
    files: echo('list(number)'),
    steps: [
      {
        inputs: { v: [...NUMBERS, number('3.0'), '17'] },
        plan: CREATED,
        applied: ({ outputs }) => expect(outputs['v']?.value).toEqual([...NUMBERS, 3, 17]),
      },
    ],
  },
  {
    name: 'a variable, an output and members of values that are called __proto__',
    files: {
      'main.tf': `variable "__proto__" {
  type = any
}
variable "strings" {
  type = map(string)
}
resource "terraform_data" "a" {
  input = var.__proto__
}
output "__proto__" {
  value = var.__proto__
}
output "strings" {
  value = var.strings
}
`,
    },
    steps: [
      {
        inputs: Object.fromEntries([
          ['__proto__', PROTO],
          ['strings', parseJson('{"__proto__":"x","toString":"y"}')],
        ]),
        plan: ['create output.__proto__', 'create output.strings', 'create terraform_data.a'],
        preview: ({ changes }) =>
          expect(stringifyJson(changes?.[0]?.after)).toContain('{"__proto__":[1],'),
        applied: ({ outputs }) => {
          expect(Object.keys(outputs).sort()).toEqual(['__proto__', 'strings']);
          expect(canonicalJson(outputs['__proto__']?.value ?? null)).toBe(canonicalJson(PROTO));
          expect(stringifyJson(outputs['strings']?.value)).toBe('{"__proto__":"x","toString":"y"}');
        },
      },
    ],
  },
  {
    name: 'booleans, null, and values of any type',
    files: echo('any', '  default = "the default"\n'),
    steps: [
      { plan: CREATED, applied: ({ outputs }) => expect(outputs['v']?.value).toBe('the default') },
      ...[true, ['x', 1, null, { a: [] }], { a: { b: { c: [1, { d: 'e' }] } } }].map((value) => ({
        inputs: { v: value },
        plan: ['update output.v', 'update terraform_data.a'],
        applied: ({ outputs }: { outputs: Record<string, { value: Json }> }) =>
          expect(outputs['v']?.value).toEqual(value),
      })),
    ],
  },
  {
    name: 'null is not the default; a variable that is not nullable takes its default for null',
    files: {
      'main.tf': `variable "nullable" {
  type    = string
  default = "default"
}
variable "solid" {
  type     = string
  default  = "default"
  nullable = false
}
resource "terraform_data" "a" {
  input = [var.nullable == null, var.solid]
}
output "v" {
  value = [var.nullable == null, var.solid]
}
`,
    },
    steps: [
      {
        inputs: { nullable: null, solid: null },
        plan: CREATED,
        applied: ({ outputs }) => expect(outputs['v']?.value).toEqual([true, 'default']),
      },
    ],
  },
  {
    name: 'lists, sets, tuples, maps with odd keys',
    files: {
      'main.tf': `variable "list" {
  type = list(number)
}
variable "set" {
  type = set(string)
}
variable "tuple" {
  type = tuple([string, number, bool])
}
variable "map" {
  type = map(list(string))
}
resource "terraform_data" "a" {
  input = { list = var.list, set = var.set, tuple = var.tuple, map = var.map }
}
output "v" {
  value = { list = var.list, set = var.set, tuple = var.tuple, map = var.map }
}
`,
    },
    steps: [
      {
        inputs: {
          list: [3, 1, 2],
          set: ['b', 'a', 'b'],
          tuple: ['x', 1, false],
          map: { '': [], 'a.b': ['x'], 'with "quotes"': ['y'], 'new\nline': ['z'], '${x}': [] },
        },
        plan: CREATED,
        applied: ({ outputs }) =>
          expect(outputs['v']?.value).toMatchObject({ set: ['a', 'b'], list: [3, 1, 2] }),
      },
    ],
  },
  {
    name: 'objects with optional attributes, deep',
    files: echo(`list(object({
    name = string
    size = optional(number, 3)
    more = optional(object({ tags = optional(map(string), {}), on = optional(bool) }))
  }))`),
    steps: [
      {
        inputs: { v: [{ name: 'a' }, { name: 'b', size: '5', more: { tags: { x: 'y' } } }] },
        plan: CREATED,
        applied: ({ outputs }) =>
          expect(outputs['v']?.value).toEqual([
            { name: 'a', size: 3, more: null },
            { name: 'b', size: 5, more: { tags: { x: 'y' }, on: null } },
          ]),
      },
    ],
  },
  {
    name: 'inputs that are missing, undeclared or of a wrong type are named before anything starts',
    files: {
      'main.tf': `variable "required" {
  type = number
}
variable "also" {
  type = list(string)
}
output "v" {
  value = [var.required, var.also]
}
`,
    },
    steps: [
      {
        plan: 'InvalidInput',
        incomparable: 'the tool is not started',
        preview: ({ error }) => {
          expect(error).toContain('required');
          expect(error).toContain('also');
        },
      },
      {
        inputs: { required: 1, also: [], undeclared: 'x' },
        plan: 'InvalidInput',
        incomparable: 'the tool is not started',
        preview: ({ error }) => expect(error).toContain('undeclared'),
      },
      { inputs: { required: 'many', also: [] }, plan: 'InvalidInput' },
      { inputs: { required: 1, also: 'x' }, plan: 'InvalidInput' },
    ],
  },
  {
    name: 'five megabytes of input',
    files: {
      'main.tf': `variable "v" {
  type = string
}
output "length" {
  value = length(var.v)
}
output "hash" {
  value = sha256(var.v)
}
`,
    },
    steps: [
      {
        inputs: { v: 'ü'.repeat(2_500_000) },
        plan: ['create output.hash', 'create output.length'],
        applied: ({ outputs }) => expect(outputs['length']?.value).toBe(2_500_000),
      },
    ],
  },
];
