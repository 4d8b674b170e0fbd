import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  createRedactor,
  createStreamRedactor,
  redactJson,
  REDACTED,
} from '../../../src/secrets/redact.js';

const secret = 'p@ss/w0rd+"quoted" <&> ü€😀';
const pem = [
  '-----BEGIN PRIVATE KEY-----',
  'MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSj',
  'AgEAAoIBAQC7VJTUt9Us8cKjMzEfYyjiWA4R4/M2',
  '-----END PRIVATE KEY-----',
].join('\n');
const redact = createRedactor([secret, pem]);

describe('a known secret is redacted', () => {
  test.each([
    ['as it is', secret],
    ['in JSON', JSON.stringify(secret)],
    ['in JSON in JSON', JSON.stringify(JSON.stringify(secret))],
    [
      'as Go writes JSON',
      JSON.stringify(secret)
        .replace(/</g, '\\u003c')
        .replace(/>/g, '\\u003e')
        .replace(/&/g, '\\u0026'),
    ],
    ['in a URL', `https://u:${encodeURIComponent(secret)}@h/`],
    ['in a form', new URLSearchParams({ p: secret }).toString()],
    [
      'in a URL with small digits',
      encodeURIComponent(secret).replace(/%../g, (code) => code.toLowerCase()),
    ],
    ['many lines, in JSON', JSON.stringify({ key: pem })],
    ['many lines, indented', pem.replace(/^/gm, '      ')],
    ['many lines, with other ends', pem.replace(/\n/g, '\r\n')],
  ])('%s', (_how, text) => {
    const found = redact(`before ${text} after`);
    expect(found).toContain(REDACTED);
    expect(found).toMatch(/^before .* after$/s);
    for (const part of ['w0rd', 'quoted', 'MIIEvQ', '4R4/M2']) expect(found).not.toContain(part);
  });

  test('in base64 at every alignment, in both alphabets', () => {
    for (const prefix of ['', 'a', 'ab', 'abc', 'user:', 'ü']) {
      for (const suffix of ['', 'x', 'xy', 'xyz']) {
        for (const alphabet of ['base64', 'base64url'] as const) {
          const encoded = Buffer.from(prefix + secret + suffix).toString(alphabet);
          const found = redact(`Authorization: Basic ${encoded}.`);
          expect(found).toContain(REDACTED);
          // What is left shares at most one digit with the secret at either end.
          const left = found.replace(/Authorization: Basic |\.$/g, '').replace(REDACTED, '');
          expect(left.replace(/=/g, '').length).toBeLessThanOrEqual(
            Math.ceil((Buffer.byteLength(prefix) * 8) / 6) + Math.ceil((suffix.length * 8) / 6) + 2,
          );
        }
      }
    }
  });

  test('everywhere it stands, and where two overlap', () => {
    expect(createRedactor(['abcdef', 'defghi'])('xabcdefghix abcdef')).toBe(
      `x${REDACTED}x ${REDACTED}`,
    );
    expect(createRedactor(['abcd'])('abcdabcd')).toBe(REDACTED + REDACTED);
    expect(createRedactor(['abcd', 'abcdefgh'])('abcdefgh abcdefg')).toBe(
      `${REDACTED} ${REDACTED}efg`,
    );
    expect(createRedactor(['xxxx'])('axxxxxxxb')).toBe(`a${REDACTED}b`);
  });

  test('in structured values, names included, numbers untouched', () => {
    const found = redactJson({ [secret]: [1, null, { a: `x ${secret}` }] }, redact);
    expect(found).toEqual({ [REDACTED]: [1, null, { a: `x ${REDACTED}` }] });
  });
});

describe('ordinary text is left alone', () => {
  test('short and everyday values blind nothing', () => {
    const careful = createRedactor(['', 'a', 'abc', 'true', 'null', 'None']);
    const text = 'a true abc: null, none';
    expect(careful(text)).toBe(text);
  });

  test('without a secret every text comes through as it is', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        expect(createRedactor([])(text)).toBe(text);
        expect(createRedactor(['\u{10ffff}\u{10fffe}zz'])(text)).toBe(text);
      }),
    );
  });
});

describe('in a stream', () => {
  const values = ['needle', 'needles-and-pins', 'aab'.repeat(4), 'ünï-cödé'];
  const piece = fc.oneof(
    fc.constantFrom(
      ...values,
      ...values.map((value) => value.slice(0, 5)),
      'n',
      'ne',
      'a',
      'aab',
      ' ',
      '\n',
    ),
    fc.string({ maxLength: 6 }),
  );

  test('the borders of chunks change nothing', () => {
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 12 }),
        fc.array(fc.nat(60), { maxLength: 12 }),
        (pieces, cuts) => {
          const text = pieces.join('');
          const stream = createStreamRedactor(values);
          let output = '';
          let from = 0;
          for (const cut of [...cuts].sort((a, b) => a - b)) {
            output += stream.push(text.slice(from, Math.max(from, cut)));
            from = Math.max(from, cut);
          }
          output += stream.push(text.slice(from)) + stream.end();
          expect(output).toBe(createRedactor(values)(text));
          for (const value of values) expect(output).not.toContain(value);
        },
      ),
      { numRuns: 1000 },
    );
  });

  test('what cannot be a secret is passed on at once', () => {
    const stream = createStreamRedactor(['needle']);
    expect(stream.push('hello wor')).toBe('hello ');
    expect(stream.push('ld nee')).toBe('world ');
    expect(stream.push('d')).toBe('');
    expect(stream.push('le!')).toBe(`${REDACTED}`);
    expect(stream.end()).toBe('!');
  });

  test('a secret that is cut off at the end is redacted, a few letters of it are not', () => {
    const cut = (text: string): string => {
      const stream = createStreamRedactor(['correct-horse-battery']);
      return stream.push(text) + stream.end();
    };
    expect(cut('the correct-horse-b')).toBe(`the ${REDACTED}`);
    expect(cut('the correc')).toBe('the correc');
  });

  test('100 MB pass in seconds and in flat memory', () => {
    const stream = createStreamRedactor(
      Array.from({ length: 20 }, (_, index) => `secret-value-${index}-${'x'.repeat(index * 10)}`),
    );
    const line = `${'ordinary output of a module '.repeat(36)}\n`;
    const chunk = line.repeat(64);
    const from = performance.now();
    let size = 0;
    for (let written = 0; written < 100 * 1024 * 1024; written += chunk.length)
      size += stream.push(chunk).length;
    size += stream.end().length;
    expect(size).toBeGreaterThan(100 * 1024 * 1024 - 1);
    expect(performance.now() - from).toBeLessThan(10_000);
  });
});
