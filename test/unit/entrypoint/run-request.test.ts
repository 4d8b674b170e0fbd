/** Whole runs under Node with a stand-in for `tofu`, for what the real one can't be made to do on demand. */
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  writeFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import type { EntrypointEvent } from '../../../src/contract/event.js';
import { parseJournal, type JournalLine } from '../../../src/contract/journal.js';
import { parseJson, stringifyJson } from '../../../src/contract/json.js';
import type { ModuleRequest } from '../../../src/contract/request.js';
import type { ModuleResponse } from '../../../src/contract/response.js';
import { openFrame } from '../../../src/contract/sealed-frame.js';
import type { Interruption } from '../../../entrypoint/process/interruption.js';
import { loadNativeCalls } from '../../../entrypoint/process/native.js';
import { runRequest } from '../../../entrypoint/run.js';
import { createTools } from '../../../entrypoint/tools/index.js';

const STATE = {
  version: 4,
  serial: 2,
  lineage: 'l',
  outputs: { o: { value: 1, type: 'number' } },
  resources: [],
};
const PLAN = { resource_changes: [], output_changes: {} };

interface Ended {
  readonly code: number;
  readonly response: ModuleResponse;
  readonly events: readonly EntrypointEvent[];
  readonly workspace: string;
}

/** Runs a request against a `tofu` whose `apply` is the given shell text; `$EVENTS` is its event stream. */
async function runWith(
  apply: string,
  request: ModuleRequest = { action: 'apply' },
  interrupted: () => boolean = () => false,
  prepare: (workspace: string) => void = () => undefined,
): Promise<Ended> {
  const root = mkdtempSync(join(tmpdir(), 'run-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  const [workspace, module, bin] = ['w', 'm', 'bin'].map((name) => join(root, name)) as [
    string,
    string,
    string,
  ];
  for (const directory of [workspace, module, bin, join(root, 'prepared')]) mkdirSync(directory);
  writeFileSync(join(module, 'main.tf'), '');
  writeFileSync(
    join(root, 'module.json'),
    stringifyJson({ engine: 'opentofu', variables: {}, outputs: {} }),
  );
  const tofu = join(bin, 'tofu');
  writeFileSync(
    tofu,
    `#!/bin/bash
command=$1
for word in "$@"; do
  case $word in -json-into=*) EVENTS=\${word#*=} ;; -out=*) OUT=\${word#*=} ;; esac
done
STATE=${workspace}/state/state
[ -n "$EVENTS" ] && exec 9> "$EVENTS" && echo '{"type":"version","tofu":"1.12.6"}' >&9
case $command in
  plan) echo plan > "$OUT"; exit 2 ;;
  show) echo '${JSON.stringify(PLAN)}' ;;
  apply)
${apply}
  ;;
esac
`,
  );
  chmodSync(tofu, 0o755);
  writeFileSync(join(workspace, 'input.json'), stringifyJson(request));
  prepare(workspace);
  const events: EntrypointEvent[] = [];
  const interruption: Interruption = {
    get requested() {
      return interrupted();
    },
    signal: new AbortController().signal,
    forwardTo: () => () => undefined,
  };
  const code = await runRequest({
    locations: {
      workspace,
      modules: [module],
      description: join(root, 'module.json'),
      prepared: join(root, 'prepared'),
    },
    tools: createTools(),
    environment: { PATH: `${bin}:/usr/bin:/bin` },
    input: undefined,
    events: { emit: (event) => events.push(event), flush: () => Promise.resolve(), pending: 0 },
    interruption,
    native: loadNativeCalls(),
  });
  const response = parseJson(
    readFileSync(join(workspace, 'output.json'), 'utf8'),
  ) as unknown as ModuleResponse;
  return { code, response, events, workspace };
}

const writeState = (state: object = STATE): string => `echo '${JSON.stringify(state)}' > "$STATE"`;

test('exit 0: state and outputs are in the answer', async () => {
  const { code, response } = await runWith(writeState());
  expect(code).toBe(0);
  expect(response).toMatchObject({
    success: true,
    outputs: { o: { value: 1 } },
    state: { fingerprint: 'l/2', path: 'state/state' },
    approved: false,
  });
});

test('an output that holds a secret of the request is sensitive; credentials do not stay in the workspace', async () => {
  const outputs = {
    url: { value: 'db://u:hunter2-token@h', type: 'string' },
    n: { value: 1, type: 'number' },
  };
  const { response, workspace } = await runWith(
    `cat "$FILE"; echo "$TOKEN"; ${writeState({ ...STATE, outputs })}`,
    {
      action: 'apply',
      credentials: { TOKEN: 'hunter2-token' },
      credential_files: { FILE: 'a-key-of-more-than-16-letters' },
    },
  );
  expect(response.outputs).toEqual({
    url: { value: 'db://u:hunter2-token@h', sensitive: true },
    n: { value: 1 },
  });
  expect(readdirSync(workspace).sort()).toEqual([
    'home',
    'input.json',
    'module',
    'output.json',
    'plan',
    'state',
  ]);
});

test('a state file that is cut off is never the state', async () => {
  const { code, response } = await runWith(`echo '{"version":4,"serial":2,"line' > "$STATE"`);
  expect(code).toBe(1);
  expect(response.failure?.code).toBe('StateDamaged');
  expect(response.state).toBeUndefined();
  expect(response.outputs).toEqual({});
});

test('errored.tfstate takes the place of a state file that is cut off', async () => {
  const { response, workspace } = await runWith(
    `echo '{"version"' > "$STATE"; echo '${JSON.stringify({ ...STATE, serial: 7 })}' > errored.tfstate
     echo '{"type":"diagnostic","diagnostic":{"severity":"error","summary":"Failed to save state","detail":"no space left on device"}}' >&9; exit 1`,
  );
  expect(response).toMatchObject({
    success: false,
    state: { serial: 7, path: 'state/state' },
    failure: { code: 'ModuleFailed' },
  });
  expect(response.failure?.message).toContain('recovered');
  expect(parseJson(readFileSync(join(workspace, 'state/state'), 'utf8'))).toMatchObject({
    serial: 7,
  });
});

test('the state that the tool could only print is taken from its event stream', async () => {
  const { response, workspace } = await runWith(
    `: > "$STATE"; : > errored.tfstate; echo '{"type":"log","@message":"Emergency state dump","state":${JSON.stringify({ ...STATE, serial: 9 })}}' >&9; exit 1`,
  );
  expect(response.state).toMatchObject({ serial: 9, path: 'state/state' });
  expect(parseJson(readFileSync(join(workspace, 'state/state'), 'utf8'))).toMatchObject({
    serial: 9,
  });
});

test('exit 1: no outputs, the state that was saved, what was still open', async () => {
  const { response } = await runWith(
    `echo '{"type":"apply_start","hook":{"resource":{"addr":"a.b"},"action":"create"}}' >&9; ${writeState()}; exit 1`,
  );
  expect(response).toMatchObject({
    success: false,
    outputs: {},
    state: { serial: 2, pending: [{ resource: 'a.b', operation: 'create' }] },
  });
});

test('killed: the outcome is unknown', async () => {
  const { response } = await runWith('kill -9 $$');
  expect(response.failure).toMatchObject({ code: 'OutcomeUnknown' });
});

test('a line without an end comes in pieces, whole', async () => {
  const { events } = await runWith(`head -c 3000000 /dev/zero | tr '\\0' x; ${writeState()}`);
  const lines = events.flatMap((event) => (event.type === 'log' ? [event.message] : []));
  expect(lines.join('')).toBe('x'.repeat(3_000_000));
  expect(lines.length).toBeGreaterThan(40);
});

test('closed streams, and a process left behind that holds and floods the output', async () => {
  const closed = await runWith(`exec > /dev/null 2>&1 9>&-; sleep 0.2; ${writeState()}`);
  expect(closed.response.success).toBe(true);
  const start = performance.now();
  const left = await runWith(
    `(for i in $(seq 20000); do echo flood; done; sleep 3) & ${writeState()}`,
  );
  expect(left.response.success).toBe(true);
  expect(performance.now() - start).toBeLessThan(2900);
});

test('interrupted before the mutating command: nothing is applied', async () => {
  let steps = 0;
  // Not yet when the plan is read back; from then on.
  const late = (): boolean => (steps += 1) > 1;
  const { code, response, workspace } = await runWith(
    `touch $STATE.applied; ${writeState()}`,
    { action: 'apply' },
    late,
  );
  expect(code).toBe(130);
  expect(response).toMatchObject({ success: false, failure: { detail: { interrupted: true } } });
  expect(() => readFileSync(join(workspace, 'state/state.applied'))).toThrow();
});

test('an approved plan: another file, another tool and another state are stale, nothing runs', async () => {
  const digest = `sha256:${'0'.repeat(64)}`;
  const base = { action: 'apply' as const, plan: { path: 'input.json', digest } };
  for (const [request, message] of [
    [base, /digest differs/],
    [{ ...base, plan: { path: 'plan/none', digest } }, /no file/],
    [{ ...base, plan: { path: '../x', digest } }, /leads out/],
    [
      { action: 'apply' as const, state: { path: 'state/state', fingerprint: 'l/1' } },
      /the state moved/,
    ],
  ] as const) {
    const { code, response } = await runWith('exit 99', request);
    expect(code).toBe(1);
    expect(response.failure?.message).toMatch(message);
  }
});

test('a request that is no request, and a tool that is not there', async () => {
  const { code, response } = await runWith('', { action: 'no such' } as never);
  expect(code).toBe(1);
  expect(response).toMatchObject({
    success: false,
    action: 'preview',
    failure: { code: 'InvalidInput' },
  });
  expect(response.error).toContain('action');
});

test('the frame is a sealed copy of the answer with its files', async () => {
  const key = Buffer.alloc(32, 3).toString('base64');
  const { events } = await runWith(writeState(), { action: 'apply', seal_key: key });
  const last = events.at(-1);
  const frame = openFrame(last?.type === 'result' ? last.sealed : '', Buffer.from(key, 'base64'));
  expect(frame.exitCode).toBe(0);
  expect(Object.keys(frame.files).sort()).toEqual(['output.json', 'state']);
});

describe('what a mutation leaves in the volume for who finds it without its container', () => {
  const key = Buffer.alloc(32, 7);
  const request: ModuleRequest = { action: 'apply', seal_key: key.toString('base64') };
  const journal = (workspace: string): JournalLine[] =>
    parseJournal(readFileSync(join(workspace, 'journal.ndjson'), 'utf8')) ?? [];

  test('the command is announced before it starts, and what it did is written down while it works', async () => {
    const { workspace } = await runWith(
      `W=$(dirname $(dirname $STATE)); cp $W/journal.ndjson $W/before
       echo '{"type":"apply_start","hook":{"resource":{"addr":"a.b"},"action":"create"}}' >&9
       for try in $(seq 100); do grep -q a.b $W/journal.ndjson && break; sleep 0.05; done
       cp $W/journal.ndjson $W/during
       echo '{"type":"apply_complete","hook":{"resource":{"addr":"a.b"},"action":"create"}}' >&9
       ${writeState()}`,
      request,
    );
    const at = (name: string): (string | undefined)[] =>
      (parseJournal(readFileSync(join(workspace, name), 'utf8')) ?? []).map((line) =>
        line.type === 'resource' ? line.status : line.type,
      );
    expect(at('before')).toEqual(['opened', 'mutating']);
    expect(at('during')).toEqual(['opened', 'mutating', 'started']);
    expect(at('journal.ndjson')).toEqual(['opened', 'mutating', 'started', 'done', 'ended']);
    expect(journal(workspace).at(-1)).toMatchObject({ exitCode: 0 });
  });

  test('a run that changes nothing never announces a command', async () => {
    const { workspace, response } = await runWith('exit 0', {
      ...request,
      state: { path: 'state/state', fingerprint: 'l/9' },
    });
    expect(response.failure?.code).toBe('PlanStale');
    expect(journal(workspace).map(({ type }) => type)).toEqual(['opened']);
  });

  test('the sealed answer is the one on stdout, whole', async () => {
    const { workspace, events, response } = await runWith(writeState(), request);
    const sealed = readFileSync(join(workspace, 'answer.sealed'), 'utf8');
    expect(events.at(-1)).toEqual({ type: 'result', sealed });
    const { exitCode, files } = openFrame(sealed, key);
    expect(exitCode).toBe(0);
    expect(parseJson(Buffer.from(files['output.json'] ?? []).toString('utf8'))).toEqual(response);
  });

  test('an answer that is too large for stdout is in the volume all the same', async () => {
    const value = randomBytes(300_000).toString('base64');
    const { workspace, events } = await runWith(
      writeState({ ...STATE, outputs: { o: { value, type: 'string' } } as never }),
      request,
    );
    expect(events.some(({ type }) => type === 'result')).toBe(false);
    const { files } = openFrame(readFileSync(join(workspace, 'answer.sealed'), 'utf8'), key);
    expect(Buffer.from(files['output.json'] ?? []).includes(value)).toBe(true);
  });

  test('a journal that misses a line would lie: a full disk takes it away, and the run goes on', async () => {
    const { response, workspace } = await runWith(writeState(), request, undefined, (at) =>
      symlinkSync('/dev/full', join(at, 'journal.ndjson')),
    );
    expect(response.success).toBe(true);
    expect(existsSync(join(workspace, 'journal.ndjson'))).toBe(false);
  });
});
