import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { changeLists } from '../../../entrypoint/output/change-lists.js';
import type { Change } from '../../../src/contract/change.js';
import { parseJson, stringifyJson } from '../../../src/contract/json.js';
import type { ModuleResponse } from '../../../src/contract/response.js';
import { wholeAnswer } from '../../../src/plan/whole-answer.js';

function changes(count: number): Change[] {
  return Array.from({ length: count }, (_, index) => ({
    resource: `thing.a["${index}\n"]`,
    action: 'update',
    before: parseJson('{"__proto__":12345678901234567890}'),
    after: null,
  }));
}

/** The answer of a container with these changes and this drift, and its files. */
function answered(changeCount: number, driftCount: number) {
  const root = mkdtempSync(join(tmpdir(), 'lists-'));
  onTestFinished(() => rmSync(root, { recursive: true }));
  mkdirSync(join(root, 'plan'));
  const paths = {
    root,
    changes: join(root, 'plan', 'changes.ndjson'),
    drift: join(root, 'plan', 'drift.ndjson'),
  };
  const lists = changeLists({ changes: changes(changeCount), drift: changes(driftCount) }, paths);
  const response: ModuleResponse = { success: true, action: 'preview', outputs: {}, ...lists };
  const files = {
    ...(lists.changes_file && { changes: readFileSync(paths.changes) }),
    ...(lists.drift_file && { drift: readFileSync(paths.drift) }),
  };
  return { response, files };
}

test('up to 200 changes and as much drift are in the answer alone', async () => {
  const { response, files } = answered(200, 200);
  expect(files).toEqual({});
  expect(await wholeAnswer(response, {})).toEqual(response);
});

test.each([
  [201, 0],
  [0, 201],
  [450, 333],
])(
  '%d changes and %d drifted objects are cut in the answer, and whole with its files',
  async (a, b) => {
    const { response, files } = answered(a, b);
    expect([response.changes?.length, response.drift?.length]).toEqual([
      Math.min(a, 200),
      Math.min(b, 200),
    ]);
    const whole = await wholeAnswer(response, files);
    expect(stringifyJson(whole)).toBe(
      stringifyJson({
        success: true,
        action: 'preview',
        outputs: {},
        changes: changes(a),
        drift: changes(b),
      }),
    );
  },
);

test('a list whose file did not come stays cut, and says so', async () => {
  const { response } = answered(0, 201);
  const left = await wholeAnswer(response, {});
  expect(left.drift).toHaveLength(200);
  expect(left.drift_file?.count).toBe(201);
});

test('a file that is not the one the answer names is not believed', async () => {
  const { response } = answered(0, 201);
  const other = Buffer.from(`${stringifyJson(changes(1)[0])}\n`);
  await expect(wholeAnswer(response, { drift: other })).rejects.toThrow(/drift_file/);
  const file = response.drift_file;
  const digest = `sha256:${createHash('sha256').update(other).digest('hex')}`;
  await expect(
    wholeAnswer(
      { ...response, ...(file && { drift_file: { ...file, digest } }) },
      { drift: other },
    ),
  ).rejects.toThrow(/drift_file/);
});
