import { mkdtempSync, readFileSync, existsSync, writeFileSync, mkdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { describe, expect, onTestFinished, test } from 'vitest';
import { FailureError } from '../../../entrypoint/failure-error.js';
import { checkInputs } from '../../../entrypoint/input/check-inputs.js';
import { readInputStream } from '../../../entrypoint/input/read-input.js';
import { readTar } from '../../../entrypoint/input/tar-archive.js';
import { validateRequest } from '../../../entrypoint/input/validate-request.js';
import { workspacePaths } from '../../../entrypoint/locations.js';
import { packArchive } from '../../../src/docker/archive.js';
import { stringifyJson } from '../../../src/contract/json.js';

const owner = { uid: 0, gid: 0, mode: 0o600 };
function workspace(): ReturnType<typeof workspacePaths> {
  const root = mkdtempSync(join(tmpdir(), 'input-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  return workspacePaths(root);
}
const archive = (files: Record<string, string>): Promise<Buffer> =>
  packArchive(Object.entries(files).map(([name, bytes]) => ({ name, bytes, ...owner })));
const streamOf = (bytes: Uint8Array, end = true): PassThrough => {
  const stream = new PassThrough();
  stream.write(bytes);
  if (end) stream.end();
  return stream;
};
const failureOf = (work: () => unknown): FailureError => {
  try {
    work();
  } catch (error) {
    if (error instanceof FailureError) return error;
    throw error;
  }
  throw new Error('nothing was thrown');
};

describe('the tar on standard input', () => {
  test('request and files; the request does not touch the disk; what an earlier run left is gone, its state is not', async () => {
    const paths = workspace();
    writeFileSync(paths.output, 'old');
    mkdirSync(join(paths.root, 'state'));
    writeFileSync(paths.state, 'kept');
    mkdirSync(paths.module);
    const long = `plan/${'d'.repeat(120)}/plan`;
    const input = await readInputStream(
      paths,
      streamOf(await archive({ 'input.json': '{"a":1}', [long]: 'P' })),
    );
    expect(input).toEqual({ text: '{"a":1}' });
    expect(readFileSync(join(paths.root, long), 'utf8')).toBe('P');
    expect([paths.input, paths.output, paths.module].filter(existsSync)).toEqual([]);
    expect(readFileSync(paths.state, 'utf8')).toBe('kept');
  });

  test('every cut before the end marker is incomplete', async () => {
    const whole = await archive({ 'input.json': '{}', 'state/state': 'x'.repeat(3000) });
    const end = 512 + 512 + 512 + 512 + 3072;
    expect(readTar(whole)).toHaveLength(2);
    for (let length = 0; length < end; length += 100)
      expect(readTar(whole.subarray(0, length))).toBeUndefined();
    const paths = workspace();
    expect(await readInputStream(paths, streamOf(whole.subarray(0, 1500)))).toBe('incomplete');
    expect(existsSync(paths.state)).toBe(false);
  });

  test('a stream that stays open is read to the marker; one that pauses too long is incomplete', async () => {
    const whole = await archive({ 'input.json': '{}' });
    expect(await readInputStream(workspace(), streamOf(whole, false))).toEqual({ text: '{}' });
    expect(await readInputStream(workspace(), streamOf(whole.subarray(0, 600), false), 50)).toBe(
      'incomplete',
    );
  });

  test('a path out of the workspace is refused', async () => {
    const bytes = await archive({ 'input.json': '{}', '../../evil': 'x' });
    await expect(readInputStream(workspace(), streamOf(bytes))).rejects.toThrow(
      /leads out of the workspace/,
    );
  });
});

describe('validation', () => {
  test("the seed's form is a whole request", () => {
    expect(
      validateRequest(
        '{"action":"apply","inputs":{"name":"db","version":"16"},"environment":{"AWS_REGION":"x"},"stack_name":"prod"}',
      ),
    ).toMatchObject({ action: 'apply', stack_name: 'prod' });
  });

  test('every issue is listed, with its place', () => {
    const { failure } = failureOf(() =>
      validateRequest(
        '{"action":"aply","extra":1,"options":{"parallelism":"many","more":true},"environment":{"1X":"y"}}',
      ),
    );
    expect(failure.code).toBe('InvalidInput');
    expect(failure.detail?.issues).toEqual(
      expect.arrayContaining([
        expect.stringMatching(/^action: expected one of "preview", "apply"/),
        'unknown field "extra"',
        expect.stringMatching(/^options\.parallelism: /),
        'options: unknown field "more"',
        expect.stringMatching(/^environment\.1X: /),
      ]),
    );
  });

  test('text that is not JSON', () => {
    expect(failureOf(() => validateRequest('{"action": "apply"')).message).toMatch(
      /input\.json is not JSON/,
    );
  });

  test('values pass exactly: odd keys and big numbers', () => {
    const text = '{"__proto__":{"x":1},"n":123456789012345678901234567890,"s":"${a} %{b}"}';
    const request = validateRequest(`{"action":"preview","inputs":${text}}`);
    expect(stringifyJson(request.inputs)).toBe(text);
  });
});

describe('inputs against the module', () => {
  const description = {
    engine: 'opentofu' as const,
    variables: { name: { required: true }, size: { required: false, default: 1 } },
    outputs: {},
  };

  test('missing and undeclared ones are named together', () => {
    const { failure } = failureOf(() =>
      checkInputs({ action: 'preview', inputs: { sise: 2 } }, description),
    );
    expect(failure.detail?.issues).toEqual([
      'input "name" is required and missing',
      'input "sise" is not declared by the module',
    ]);
    expect(failure.message).toContain('the module takes: name, size');
  });

  test('an approved plan brings its inputs along', () => {
    const plan = { path: 'plan/plan', digest: `sha256:${'0'.repeat(64)}` };
    expect(() => checkInputs({ action: 'apply', plan }, description)).not.toThrow();
  });
});
