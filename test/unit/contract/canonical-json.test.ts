import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { LosslessNumber, parseJson, stringifyJson, type Json } from '../../../src/contract/json.js';
import { byCodePoint, canonicalJson } from '../../../src/contract/canonical-json.js';

const names = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc.constantFrom('__proto__', 'constructor', 'toString', '', '\u0000', '😀', '\ufb01', 'toJSON'),
);
/** JSON texts with numbers that no double holds and names that no object should have trouble with. */
const { json } = fc.letrec<{ json: string; list: string; object: string; number: string }>(
  (tie) => ({
    json: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom('null', 'true', 'false'),
      tie('number'),
      names.map((name) => JSON.stringify(name)),
      tie('list'),
      tie('object'),
    ),
    number: fc
      .tuple(
        fc.boolean(),
        fc.bigInt({ min: 0n, max: 10n ** 40n }),
        fc.option(fc.stringMatching(/^[0-9]{1,30}$/)),
        fc.option(fc.integer({ min: -400, max: 400 })),
      )
      .map(([negative, whole, fraction, exponent]) =>
        [
          negative ? '-' : '',
          whole,
          fraction === null ? '' : `.${fraction}`,
          exponent === null ? '' : `e${exponent}`,
        ].join(''),
      ),
    list: fc.array(tie('json'), { maxLength: 5 }).map((items) => `[${items.join(' , ')}]`),
    object: fc
      .uniqueArray(fc.tuple(names, tie('json')), { maxLength: 5, selector: ([name]) => name })
      .map(
        (members) =>
          `{${members.map(([name, value]) => `${JSON.stringify(name)} : ${value}`).join(',\n')}}`,
      ),
  }),
);

describe('canonical JSON', () => {
  test('does not depend on the order of members', () => {
    fc.assert(
      fc.property(json, (text) => {
        const value = parseJson(text);
        expect(canonicalJson(reversed(value))).toBe(canonicalJson(value));
      }),
    );
  });

  test('reads back as the same value and is its own canonical form', () => {
    fc.assert(
      fc.property(json, (text) => {
        const canonical = canonicalJson(parseJson(text));
        expect(canonicalJson(parseJson(canonical))).toBe(canonical);
        expect(canonicalJson(parseJson(stringifyJson(parseJson(text))))).toBe(canonical);
      }),
    );
  });

  test('differs when the value differs in one place', () => {
    fc.assert(
      fc.property(json, json, (a, b) => {
        const left = canonicalJson(parseJson(`[${a},1]`));
        expect(left === canonicalJson(parseJson(`[${b},1]`))).toBe(
          canonicalJson(parseJson(a)) === canonicalJson(parseJson(b)),
        );
        expect(left).not.toBe(canonicalJson(parseJson(`[${a},2]`)));
      }),
    );
  });

  test('numbers are equal exactly when their values are, whatever their digits', () => {
    const number = fc.tuple(
      fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }),
      fc.integer({ min: -60, max: 60 }),
    );
    fc.assert(
      fc.property(number, fc.nat(20), ([digits, exponent], zeros) => {
        const plain = canonicalJson(new LosslessNumber(`${digits}e${exponent}`));
        const shifted = `${digits * 10n ** BigInt(zeros)}e${exponent - zeros}`;
        expect(canonicalJson(new LosslessNumber(shifted))).toBe(plain);
        expect(
          canonicalJson(new LosslessNumber(`${digits}.${'0'.repeat(zeros + 1)}e${exponent}`)),
        ).toBe(plain);
        expect(canonicalJson(new LosslessNumber(`${digits + 1n}e${exponent}`))).not.toBe(plain);
      }),
    );
  });

  test.each([
    ['1.10', '1.1'],
    ['11e-1', '1.1'],
    ['-0', '0'],
    ['0.0', '0'],
    ['-0.0e5', '0'],
    ['3.0', '3'],
    ['1E2', '100'],
    ['9007199254740993', '9007199254740993'],
    ['12345678901234567.25', '12345678901234567.25'],
    ['0.00000000015', '0.00000000015'],
    ['1e30', `1${'0'.repeat(30)}`],
    ['1e400', '0.1e401'],
    ['10e399', '0.1e401'],
    ['-2.5e-99999999999999999999', '-0.25e-99999999999999999998'],
  ])('the number %s is written %s', (text, canonical) => {
    expect(canonicalJson(parseJson(text))).toBe(canonical);
  });

  test('a plain number and a lossless one of the same value are one', () => {
    for (const value of [
      0,
      -0,
      1,
      -1.5,
      1e21,
      1e-7,
      123456789.125,
      Number.MAX_SAFE_INTEGER,
      5e-324,
      1.7976931348623157e308,
    ]) {
      expect(canonicalJson(new LosslessNumber(String(value)))).toBe(canonicalJson(value));
    }
  });

  test('members are sorted by code point, not by UTF-16 unit', () => {
    expect(canonicalJson({ '😀': 1, '\ufb01': 2, z: 3, '': 4 })).toBe(
      '{"":4,"z":3,"\ufb01":2,"😀":1}',
    );
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), fc.string({ unit: 'grapheme' }), (a, b) => {
        const [left, right] = [a, b].map((text) =>
          Array.from(text, (char) => char.codePointAt(0)!),
        );
        const at = left!.findIndex((point, index) => point !== right![index]);
        const expected = at === -1 ? left!.length - right!.length : left![at]! - (right![at] ?? -1);
        expect(Math.sign(byCodePoint(a, b))).toBe(Math.sign(expected));
      }),
    );
  });

  test('strings stay as they are: composed and decomposed letters are two values', () => {
    expect(canonicalJson('\u00fc')).not.toBe(canonicalJson('u\u0308'));
  });

  test('a member named __proto__ is a member', () => {
    const value = parseJson('{"b":1,"__proto__":{"a":2}}');
    expect(canonicalJson(value)).toBe('{"__proto__":{"a":2},"b":1}');
    expect(stringifyJson(value)).toBe('{"b":1,"__proto__":{"a":2}}');
    expect((value as { a?: unknown }).a).toBeUndefined();
  });

  test('a member that calls itself a lossless number is none', () => {
    const text = '{"isLosslessNumber":true,"value":"1"}';
    expect(canonicalJson(parseJson(text))).toBe(text);
    expect(stringifyJson(parseJson(text))).toBe(text);
  });

  test.each([NaN, Infinity, -Infinity])('%s is refused', (value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
  });
});

function reversed(value: Json): Json {
  if (Array.isArray(value)) return value.map((item) => reversed(item as Json));
  if (value === null || typeof value !== 'object' || value instanceof LosslessNumber) return value;
  const members = Object.entries(value as Record<string, Json>).reverse();
  return Object.fromEntries(members.map(([name, member]) => [name, reversed(member)]));
}
