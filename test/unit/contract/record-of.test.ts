import fc from 'fast-check';
import { expect, test } from 'vitest';
import * as z from 'zod';
import { parseJson, stringifyJson, type Json } from '../../../src/contract/json.js';
import { moduleDescriptionSchema } from '../../../src/contract/module-schema.js';
import { operationInputSchema, operationResultSchema } from '../../../src/contract/operation.js';
import { parsePulumiProject } from '../../../src/contract/pulumi-project.js';
import { recordOf } from '../../../src/contract/record-of.js';
import { moduleRequestSchema } from '../../../src/contract/request.js';
import { moduleResponseSchema } from '../../../src/contract/response.js';
import { stackViewSchema } from '../../../src/contract/stack.js';

const oddName = fc.oneof(
  fc.constantFrom('__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '0', '${x}', 'a b'),
  fc.string(),
);
const anything: fc.Arbitrary<string> = fc.letrec<{ value: string }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc
      .oneof(fc.string(), fc.boolean(), fc.constant(null), fc.integer())
      .map((one) => JSON.stringify(one)),
    fc.constantFrom('123456789012345678901234567890', '1.10'),
    fc.array(tie('value'), { maxLength: 3 }).map((items) => `[${items.join(',')}]`),
    objectText(tie('value')),
  ),
})).value;

/** JSON text of an object, so that no step of the test can lose a name. */
function objectText(value: fc.Arbitrary<string>): fc.Arbitrary<string> {
  return fc
    .uniqueArray(fc.tuple(oddName, value), { maxLength: 4, selector: ([name]) => name })
    .map(
      (members) =>
        `{${members.map(([name, text]) => `${JSON.stringify(name)}:${text}`).join(',')}}`,
    );
}

/** The forms in which people's names cross a boundary. */
const FORMS: readonly (readonly [string, z.ZodType, (members: string) => string])[] = [
  [
    'inputs of a request',
    moduleRequestSchema,
    (members) => `{"action":"apply","inputs":${members}}`,
  ],
  [
    'inputs of an operation',
    operationInputSchema,
    (members) => `{"stackId":"a","operation":"apply","inputs":${members}}`,
  ],
  [
    'outputs of an answer',
    moduleResponseSchema,
    (members) => `{"success":true,"action":"apply","outputs":${outputs(members)}}`,
  ],
  [
    'outputs of a result',
    operationResultSchema,
    (members) =>
      `{"outcome":"succeeded","stackId":"a","operation":"apply","outputs":${outputs(members)},"decisions":[],"timings":{}}`,
  ],
  [
    'outputs of a stack',
    stackViewSchema,
    (members) => `{"stackId":"a","createdAt":"","outputs":${outputs(members)},"operations":[]}`,
  ],
];

function outputs(members: string): string {
  const values = Object.entries(parseJson(members) as Record<string, Json>);
  return stringifyJson(Object.fromEntries(values.map(([name, value]) => [name, { value }])));
}

test.each(FORMS)('%s: every name and value passes exactly', (_, schema, write) => {
  fc.assert(
    fc.property(objectText(anything), (members) => {
      const value = parseJson(write(members));
      expect(stringifyJson(schema.parse(value))).toBe(stringifyJson(value));
    }),
    { examples: [['{"b":1,"__proto__":{"__proto__":2},"a":3}']] },
  );
});

test('a variable and an output of a module may be called __proto__', () => {
  const description = parseJson(
    '{"engine":"opentofu","variables":{"__proto__":{"required":true}},"outputs":{"__proto__":{"sensitive":true}}}',
  );
  expect(stringifyJson(moduleDescriptionSchema.parse(description))).toBe(
    stringifyJson(description),
  );
  const { config, outputs: named } = parsePulumiProject(
    'name: a\nruntime: yaml\nconfig:\n  __proto__: {type: string}\noutputs:\n  __proto__: 1\n',
    'Pulumi.yaml',
  );
  expect([Object.keys(config), named]).toEqual([['__proto__'], ['__proto__']]);
});

test('a member named __proto__ is checked as any other, and named when it is wrong', () => {
  const schema = z.object({ sizes: recordOf(z.number()) });
  const wrong = schema.safeParse(parseJson('{"sizes":{"__proto__":"x","b":"y"}}'));
  expect(wrong.error?.issues.map(({ path, message }) => [path.join('.'), message])).toEqual([
    ['sizes.b', 'Invalid input: expected number, received string'],
    ['sizes.__proto__', 'Invalid input: expected number, received string'],
  ]);
  expect(schema.safeParse({ sizes: [1] }).success).toBe(false);
  const short = recordOf(z.string(), z.string().max(3));
  expect(short.safeParse(parseJson('{"__proto__":"x"}')).success).toBe(false);
});

test('what was checked has the prototype of any object', () => {
  const parsed = recordOf(z.unknown()).parse(parseJson('{"__proto__":{"admin":true}}'));
  expect(Object.getPrototypeOf(parsed)).toBe(Object.prototype);
  expect((parsed as { admin?: unknown }).admin).toBeUndefined();
});

test('a described or optional record keeps it too, and its JSON Schema is that of a record', () => {
  const value = parseJson('{"__proto__":1}');
  for (const schema of [
    recordOf(z.number()).describe('sizes'),
    recordOf(z.number()).optional(),
    recordOf(z.number()).default({}),
    recordOf(z.number()).refine(() => true),
  ])
    expect(stringifyJson(schema.parse(value))).toBe('{"__proto__":1}');
  expect(z.toJSONSchema(recordOf(z.number()))).toEqual(
    z.toJSONSchema(z.record(z.string(), z.number())),
  );
});
