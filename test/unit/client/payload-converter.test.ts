import { expect, test } from 'vitest';
import { stringifyJson } from '../../../src/contract/json.js';
import { payloadConverter } from '../../../src/temporal/payload-converter.js';

const text = (value: unknown): string =>
  Buffer.from(payloadConverter.toPayload(value).data ?? []).toString('utf8');

test('numbers that a double cannot hold pass digit for digit', () => {
  const numbers =
    '{"big":12345678901234567890,"fine":0.1000000000000000000001,"plain":42,"small":1.5}';
  const payload = { metadata: { encoding: Buffer.from('json/plain') }, data: Buffer.from(numbers) };
  const value = payloadConverter.fromPayload<Record<string, unknown>>(payload);
  expect(value['plain']).toBe(42);
  expect(text(value)).toBe(numbers);
});

test('what the standard converter writes and reads is the same for ordinary values', () => {
  const value = { list: [1, null, 'ä"\n', { deep: true }], absent: undefined };
  expect(text(value)).toBe(JSON.stringify(value));
  expect(payloadConverter.fromPayload(payloadConverter.toPayload(value))).toEqual({
    list: value.list,
  });
});

test('nothing and bytes have forms of their own', () => {
  expect(payloadConverter.fromPayload(payloadConverter.toPayload(undefined))).toBeUndefined();
  const bytes = payloadConverter.fromPayload<Uint8Array>(
    payloadConverter.toPayload(new Uint8Array([1, 2])),
  );
  expect([...bytes]).toEqual([1, 2]);
  expect(stringifyJson({ a: 1 })).toBe('{"a":1}');
});
