import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { createRedactor, REDACTED } from '../../../entrypoint/redact/redactor.js';
import { addRequestSecrets } from '../../../entrypoint/redact/request-secrets.js';

const redactorOf = (...values: string[]): ReturnType<typeof createRedactor> => {
  const redactor = createRedactor();
  redactor.add(values);
  return redactor;
};

describe('one value in its forms', () => {
  const secret = 'p"a\\ss <&> wörd/+=?';
  const redactor = redactorOf(secret);
  test.each([
    ['raw', secret],
    ['JSON', JSON.stringify(secret)],
    [
      'JSON of Go',
      JSON.stringify(secret)
        .replaceAll('<', '\\u003c')
        .replaceAll('>', '\\u003e')
        .replaceAll('&', '\\u0026'),
    ],
    ['URL', encodeURIComponent(secret)],
    ['form', encodeURIComponent(secret).replaceAll('%20', '+')],
  ])('%s', (_, text) => {
    const redacted = redactor.text(`before ${text} after`);
    expect(redacted).toContain(REDACTED);
    expect(redacted).not.toContain('wörd');
    expect(redacted).not.toContain('w%C3%B6rd');
  });

  test.each([0, 1, 2, 3])('base64 behind %i other bytes', (before) => {
    const encoded = Buffer.from(`${'x'.repeat(before)}${secret}tail`).toString('base64');
    expect(redactor.text(encoded)).toContain(REDACTED);
  });
});

test('each line of a secret of several lines', () => {
  const redactor = redactorOf(
    '-----BEGIN KEY-----\nMIIEvQIBADANBg\nkqhkiG9w0BAQEF\n-----END KEY-----\n',
  );
  expect(redactor.text('x MIIEvQIBADANBg y')).toBe(`x ${REDACTED} y`);
});

test('short values and plain words are left alone', () => {
  const redactor = redactorOf('abc', 'true', 'null');
  expect(redactor.text('abc true null')).toBe('abc true null');
});

test('numbers and deep values', () => {
  const redactor = createRedactor();
  redactor.add({ a: [123456, { b: 'hidden-value' }] });
  expect(redactor.text('port 123456 is hidden-value')).toBe(`port ${REDACTED} is ${REDACTED}`);
});

test('property: a secret is found however the text is cut into pieces', () => {
  fc.assert(
    fc.property(
      fc.string({ minLength: 8, maxLength: 20, unit: 'grapheme-ascii' }),
      fc.array(fc.nat(60), { maxLength: 6 }),
      (secret, cuts) => {
        fc.pre(secret.trim() === secret && !/^(.)\1*$/.test(secret));
        const text = `some text ${secret} and more of it ${secret}`;
        const places = [...new Set(cuts.filter((cut) => cut < text.length))].sort((a, b) => a - b);
        const pieces = redactorOf(secret).pieces();
        let out = '';
        let from = 0;
        for (const place of places) {
          out += pieces.push(text.slice(from, place), false);
          from = place;
        }
        out += pieces.push(text.slice(from), true);
        expect(out).toBe(redactorOf(secret).text(text));
      },
    ),
  );
});

test('every secret of a request', () => {
  const redactor = createRedactor();
  addRequestSecrets(
    redactor,
    {
      action: 'apply',
      inputs: { named: 'named-secret', declared: 'declared-secret', open: 'open-value' },
      secret_inputs: ['named'],
      credentials: { AWS_SECRET_ACCESS_KEY: 'aws-secret', AWS_REGION: 'eu-west-1' },
      credential_files: { KUBECONFIG: 'token: kube-token-of-the-cluster\n' },
      passphrase: 'the-passphrase',
      state: { url: 'postgres://user:pg%40password@host/db' },
    },
    {
      engine: 'opentofu',
      variables: {
        declared: { required: true, sensitive: true },
        preset: { required: false, sensitive: true, default: 'preset-secret' },
      },
      outputs: {},
    },
  );
  const text = redactor.text(
    'named-secret declared-secret open-value aws-secret eu-west-1 kube-token-of-the-cluster the-passphrase pg%40password pg@password preset-secret',
  );
  expect(text.replaceAll(REDACTED, '').split(/\s+/).filter(Boolean)).toEqual([
    'open-value',
    'eu-west-1',
  ]);
});
