import { mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { stateBackend } from '../../../../entrypoint/tools/pulumi/backend-url.js';
import {
  checkpointText,
  parseState,
  pendingOperations,
} from '../../../../entrypoint/tools/pulumi/checkpoint.js';
import { cliEnvironment } from '../../../../entrypoint/tools/pulumi/cli-environment.js';
import {
  mutatingCommand,
  previewCommand,
} from '../../../../entrypoint/tools/pulumi/command-line.js';
import { parseEngineEvent } from '../../../../entrypoint/tools/pulumi/engine-event.js';
import {
  inputsDigest,
  readPlan,
  writePlan,
} from '../../../../entrypoint/tools/pulumi/plan-file.js';
import { openValue } from '../../../../entrypoint/tools/pulumi/property-value.js';
import { createStateMirror } from '../../../../entrypoint/tools/pulumi/state-mirror.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pulumi-unit-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe('state URLs', () => {
  it.each([
    ['postgres://u:p@h:5432/d?sslmode=disable', 'postgres://u:p@h:5432/d?sslmode=disable', {}],
    ['postgresql://u:p@h/d?schema=x', 'postgres://u:p@h/d', {}],
    ['s3://b/p/', 's3://b/p?region=us-east-1', {}],
    [
      's3://key:sec%2Fret@b/p?region=eu&endpoint=http://h:7070&path_style=true',
      's3://b/p?region=eu&s3ForcePathStyle=true&endpoint=h%3A7070&disableSSL=true',
      { AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'sec/ret' },
    ],
  ])('%s', (url, backend, environment) => {
    expect(stateBackend(url)).toEqual({ url: backend, environment });
  });

  it.each(['not a url', 'http://user:pa55@h/'])('refuses %s without repeating it', (url) => {
    expect(() => stateBackend(url)).toThrow(/state\.url/);
    expect(() => stateBackend(url)).not.toThrow(/pa55/);
  });
});

describe('command lines', () => {
  const line = {
    executable: 'pulumi',
    stack: 'organization/p/s',
    configFile: '/c.json',
    updatePlan: '/u.json',
    options: { targets: ['u1'], replace: ['u2'], parallelism: 3 },
  };
  it('preview under a saved plan, apply under the same', () => {
    expect(previewCommand('apply', line).join(' ')).toBe(
      'pulumi preview --save-plan /u.json --json --suppress-progress --stack organization/p/s --non-interactive --color never --config-file /c.json --target u1 --replace u2 --parallel 3 --refresh=true',
    );
    expect(mutatingCommand('apply', line).slice(0, 6)).toEqual([
      'pulumi',
      'up',
      '--yes',
      '--skip-preview',
      '--plan',
      '/u.json',
    ]);
  });
  it('never say yes to a preview', () => {
    for (const action of ['destroy', 'refresh', 'import'] as const) {
      expect(previewCommand(action, line)).toContain('--preview-only');
      expect(previewCommand(action, line)).not.toContain('--yes');
      expect(mutatingCommand(action, line)).not.toContain('--plan');
    }
  });
});

it('environment: what would change the meaning of a command is taken out, the passphrase is a file', () => {
  const environment = cliEnvironment(
    {
      PATH: '/bin',
      PULUMI_SKIP_CONFIRMATIONS: 'true',
      PULUMI_ACCESS_TOKEN: 't',
      PULUMI_CONFIG_PASSPHRASE: 'p',
      PULUMI_K8S_CLIENT_QPS: '5',
    },
    { home: '/h', backendUrl: 'file:///b', passphraseFile: '/w/passphrase' },
  );
  expect(environment).toMatchObject({
    PATH: '/bin',
    PULUMI_K8S_CLIENT_QPS: '5',
    PULUMI_CONFIG_PASSPHRASE_FILE: '/w/passphrase',
  });
  for (const name of [
    'PULUMI_SKIP_CONFIRMATIONS',
    'PULUMI_ACCESS_TOKEN',
    'PULUMI_CONFIG_PASSPHRASE',
  ])
    expect(environment).not.toHaveProperty(name);
});

describe('snapshots', () => {
  const checkpoint = (stack: string): string =>
    JSON.stringify({ version: 3, checkpoint: { stack, latest: { resources: [] } } });
  it('belong to one stack', () => {
    expect(checkpointText('organization/p/s', checkpoint('organization/p/s'))).toBe(
      checkpoint('organization/p/s'),
    );
    expect(() => checkpointText('organization/p/s', checkpoint('organization/p/other'))).toThrow(
      /belongs to stack organization\/p\/other/,
    );
  });
  it('can be an export of the stack', () => {
    const text = checkpointText(
      'organization/p/s',
      JSON.stringify({ version: 3, deployment: { resources: [] } }),
    );
    expect(text).toBe(checkpoint('organization/p/s'));
  });
  it.each(['', 'x', '[]', '{}', 'null'])(
    'that are no state are damaged, never empty: %j',
    (text) => {
      expect(() => parseState(text)).toThrow(/can't be used/);
    },
  );
  it('tell operations that were under way', () => {
    const { deployment } = parseState(
      JSON.stringify({
        checkpoint: {
          latest: { pending_operations: [{ type: 'creating', resource: { urn: 'u', type: 't' } }] },
        },
      }),
    );
    expect(pendingOperations(deployment)).toEqual([{ resource: 'u', operation: 'creating' }]);
  });
  it('follow the checkpoint while the CLI writes it', () => {
    const [source, snapshot] = [join(folder, 'checkpoint'), join(folder, 'state')];
    const write = (text: string): void => {
      writeFileSync(`${source}.tmp`, text);
      renameSync(`${source}.tmp`, source);
    };
    write('1');
    const mirror = createStateMirror(source, snapshot);
    mirror();
    expect(() => readFileSync(snapshot)).toThrow(/ENOENT/);
    write('22');
    mirror();
    write('333');
    expect(readFileSync(snapshot, 'utf8')).toBe('22');
  });
});

describe('plan files', () => {
  const plan = {
    format: 'cldctl-pulumi-plan/1' as const,
    action: 'apply' as const,
    stack: 'organization/p/s',
    toolVersion: '3',
    fingerprint: null,
    inputs: 'i',
    options: {},
    imports: [],
    config: '{}',
    changes: [],
  };
  it('are read back only as they were written, for what they were made', () => {
    const path = join(folder, 'plan');
    const { digest } = writePlan(path, plan);
    expect(readPlan(path, { digest, action: 'apply', stack: plan.stack })).toEqual(plan);
    expect(() => readPlan(path, { digest, action: 'destroy', stack: plan.stack })).toThrow(
      /plan is one of apply/,
    );
    expect(() => readPlan(path, { digest, action: 'apply', stack: 'organization/p/t' })).toThrow(
      /one of stack/,
    );
    writeFileSync(path, readFileSync(path, 'utf8').replace('"3"', '"4"'));
    expect(() => readPlan(path, { digest, action: 'apply', stack: plan.stack })).toThrow(
      /not the one that was approved/,
    );
  });
  it('know inputs by their values, not by the order of their names', () => {
    const of = (inputs: object, passphrase = 'pw'): string =>
      inputsDigest({ action: 'apply', inputs: inputs as never }, passphrase);
    expect(of({ a: 1, b: { c: 2, d: 3 } })).toBe(of({ b: { d: 3, c: 2 }, a: 1 }));
    expect(of({ a: 1 })).not.toBe(of({ a: '1' }));
    expect(of({ a: 1 })).not.toBe(of({ a: 1 }, 'other'));
  });
});

describe('events', () => {
  const line = (body: object): string => JSON.stringify({ sequence: 1, timestamp: 2, ...body });
  it('drop what prints secrets in clear', () => {
    expect(
      parseEngineEvent(line({ diagnosticEvent: { severity: 'debug', message: 'pw' } })),
    ).toEqual({ kind: 'other' });
    expect(parseEngineEvent(line({ preludeEvent: { config: { 'p:x': 'pw' } } }))).toEqual({
      kind: 'other',
    });
  });
  it('are told from what else comes', () => {
    expect(parseEngineEvent('error: hello')).toBeUndefined();
    expect(
      parseEngineEvent(line({ diagnosticEvent: { severity: 'info', message: 'hi\n\n' } })),
    ).toEqual({ kind: 'diagnostic', diagnostic: { severity: 'info', message: 'hi' } });
    expect(
      parseEngineEvent(line({ summaryEvent: { result: 'failed', maybeCorrupt: true } })),
    ).toEqual({ kind: 'summary', result: 'failed', maybeCorrupt: true });
  });
});

it('outputs: a secret at any depth makes the value sensitive, and comes in clear with its type', () => {
  const secret = {
    '4dabf18193072939515e22adb298388d': '1b47061264138c4ac30d75fd1eb44270',
    ciphertext: 'c',
  };
  expect(openValue({ a: [1, secret] }, () => '{"b":true}')).toEqual({
    value: { a: [1, { b: true }] },
    sensitive: true,
  });
  expect(openValue([1, 'x', null], () => undefined)).toEqual({
    value: [1, 'x', null],
    sensitive: false,
  });
  expect(() => openValue(secret, () => undefined)).toThrow(/can not be opened/);
});
