import { mkdtempSync, mkdirSync, writeFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { topLevelNames } from '../../../entrypoint/tools/opentofu/assigned-names.js';
import { urlBackend } from '../../../entrypoint/tools/opentofu/backend.js';
import { classifyFailure, lockHolder } from '../../../entrypoint/tools/opentofu/failure.js';
import { ownBackend } from '../../../entrypoint/tools/opentofu/own-backend.js';
import { requirementsOf } from '../../../entrypoint/tools/opentofu/prepare-requirements.js';
import { readStateText } from '../../../entrypoint/tools/opentofu/state-file.js';
import { stateSecrets } from '../../../entrypoint/tools/opentofu/state-secrets.js';
import { createStreamReader } from '../../../entrypoint/tools/opentofu/stream.js';
import type { TofuEnd } from '../../../entrypoint/tools/opentofu/tofu.js';
import { ownVariableFiles } from '../../../entrypoint/tools/opentofu/variables.js';
import { createLineSplitter } from '../../../entrypoint/process/line-splitter.js';

const directory = (files: Record<string, string>): string => {
  const root = mkdtempSync(join(tmpdir(), 'module-'));
  onTestFinished(() => rmSync(root, { recursive: true, force: true }));
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, name)), { recursive: true });
    writeFileSync(join(root, name), text);
  }
  return root;
};

describe('variable files of a module', () => {
  test('names that HCL assigns at the top level', () => {
    const text = `# a = 1
// b = 1
/* c = 1
d = 1 */
one = 1
two="x = \\"y\\" = 2" # three = 3
map = {
  inner = 1
  "k" = [ { deep = 1 } ]
}
text = <<-EOT
  inside = 1
    EOT
other = <<X
  more = 2
X
last-name = [
  "a = b"
]
cond = 1 == 2
`;
    expect(topLevelNames(text)).toEqual([
      'one',
      'two',
      'map',
      'text',
      'other',
      'last-name',
      'cond',
    ]);
  });

  test("OpenTofu's order", () => {
    const root = directory({
      'b.auto.tfvars': '',
      'terraform.tfvars.json': '{}',
      'a.auto.tfvars.json': '{}',
      'terraform.tfvars': '',
      'other.tfvars': '',
    });
    expect(ownVariableFiles(root)).toEqual([
      'terraform.tfvars',
      'terraform.tfvars.json',
      'a.auto.tfvars.json',
      'b.auto.tfvars',
    ]);
  });
});

describe("a module's own backend", () => {
  test.each([
    [{ 'main.tf': 'terraform {\n  backend "s3" {\n  }\n}\n' }, 'backend "s3" (main.tf)'],
    [{ 'x.tofu': 'terraform {\n  cloud {\n  }\n}\n' }, 'cloud block (x.tofu)'],
    [{ 'a.tf.json': '{"terraform":{"backend":{"gcs":{}}}}' }, 'backend "gcs" (a.tf.json)'],
    [{ 'a.tf.json': '{"terraform":[{"cloud":{}}]}' }, 'cloud block (a.tf.json)'],
    [
      {
        'main.tf':
          '# terraform {\n#  backend "s3" {}\n# }\nresource "aws_backend" "backend" {\n}\n',
      },
      undefined,
    ],
  ])('%j: %s', (files, expected) => {
    expect(ownBackend(directory(files as Record<string, string>))).toBe(expected);
  });
});

describe('state URLs', () => {
  test('PostgreSQL: all of it in the environment, the schema from the stack', () => {
    expect(
      urlBackend('postgres://u:p%40w@host:5432/db?sslmode=disable', { stack_name: 'prod' }),
    ).toEqual({
      type: 'pg',
      config: {},
      environment: {
        PG_CONN_STR: 'postgres://u:p%40w@host:5432/db?sslmode=disable',
        PG_SCHEMA_NAME: 'prod',
      },
    });
    expect(urlBackend('pg://host/db?schema=own', {}).environment['PG_SCHEMA_NAME']).toBe('own');
  });

  test('S3: secrets in the environment only', () => {
    const backend = urlBackend(
      's3://key:sec%2Fret@bucket/team/states?region=eu-west-1&endpoint=http://store:7070&path_style=true',
      {
        stack_name: 'prod',
      },
    );
    expect(backend.config).toMatchObject({
      bucket: 'bucket',
      key: 'team/states/prod.tfstate',
      use_lockfile: true,
      use_path_style: true,
    });
    expect(JSON.stringify(backend.config)).not.toContain('ret');
    expect(backend.environment).toEqual({
      AWS_REGION: 'eu-west-1',
      AWS_ENDPOINT_URL_S3: 'http://store:7070',
      AWS_ACCESS_KEY_ID: 'key',
      AWS_SECRET_ACCESS_KEY: 'sec/ret',
    });
    expect(urlBackend('s3://b/exact.tfstate', { stack_name: 'x' }).config['key']).toBe(
      'exact.tfstate',
    );
  });

  test.each(['not a url', 'http://user:secret@x/', 'gs://b'])(
    '%s is refused without repeating it',
    (url) => {
      expect(() => urlBackend(url, {})).toThrow(/state\.url/);
      expect(() => urlBackend(url, {})).not.toThrow(/secret/);
    },
  );
});

test('provider requirements from the tree, built-in ones left out, constraints joined', () => {
  const tree = `
Providers required by configuration:
.
├── provider[registry.opentofu.org/hashicorp/time] >= 0.9.0
├── provider[terraform.io/builtin/terraform]
├── module.child
│   ├── provider[registry.opentofu.org/hashicorp/time] ~> 0.14, != 0.14.1
│   └── provider[registry.opentofu.org/hashicorp/local]
`;
  expect(requirementsOf(tree)).toEqual({
    terraform: [
      {
        required_providers: [
          {
            p0: { source: 'registry.opentofu.org/hashicorp/local' },
            p1: {
              source: 'registry.opentofu.org/hashicorp/time',
              version: '!= 0.14.1, >= 0.9.0, ~> 0.14',
            },
          },
        ],
      },
    ],
  });
});

describe('state files', () => {
  const state = JSON.stringify({
    version: 4,
    serial: 3,
    lineage: 'l',
    outputs: {
      a: { value: 1, type: 'number' },
      s: { value: 'x', type: 'string', sensitive: true },
    },
    resources: [
      { mode: 'managed', instances: [{}, {}] },
      { mode: 'data', instances: [{}] },
    ],
  });

  test('what a state says', () => {
    expect(readStateText(state)).toMatchObject({
      fingerprint: 'l/3',
      serial: 3,
      resources: 2,
      outputs: { a: { value: 1 }, s: { value: 'x', sensitive: true } },
    });
  });

  test.each(['', '  \n', '{"version":4,"serial":0,"lineage":"","outputs":{},"resources":[]}'])(
    '%j is none',
    (text) => expect(readStateText(text)).toBe('none'),
  );
  test('every cut of a state is damaged, never a state', () => {
    for (let length = 1; length < state.length; length += 1)
      expect(readStateText(state.slice(0, length))).toBe('damaged');
  });
  test.each(['null', '[]', '{}', '{"serial":1}', '{"serial":1,"lineage":"l"}'])(
    '%s is damaged',
    (text) => expect(readStateText(text)).toBe('damaged'),
  );
  test('an encrypted state has a fingerprint and no outputs', () => {
    expect(
      readStateText('{"serial":2,"lineage":"l","meta":{},"encrypted_data":"x"}'),
    ).toMatchObject({ fingerprint: 'l/2', outputs: undefined });
  });
  test('what a state itself calls sensitive', () => {
    const text = JSON.stringify({
      serial: 1,
      lineage: 'l',
      outputs: { o: { value: 'out-secret', sensitive: true }, p: { value: 'public' } },
      resources: [
        {
          instances: [
            {
              attributes: {
                input: { value: ['a', 'deep-secret'], type: ['tuple', ['string', 'string']] },
                password: 'attr-secret',
                type: 't',
                value: 'v',
              },
              sensitive_attributes: [
                [
                  { type: 'get_attr', value: 'input' },
                  { type: 'index', value: { value: 1, type: 'number' } },
                ],
                [{ type: 'get_attr', value: 'password' }],
                [
                  { type: 'get_attr', value: 'gone' },
                  { type: 'get_attr', value: 'deeper' },
                ],
              ],
            },
          ],
        },
      ],
    });
    const found = readStateText(text);
    expect(typeof found === 'string' ? found : [...stateSecrets(found)]).toEqual([
      'out-secret',
      'deep-secret',
      'attr-secret',
    ]);
  });
});

describe('failures', () => {
  const end = (
    ...diagnostics: { summary: string; detail?: string; severity?: string }[]
  ): TofuEnd => {
    const stream = createStreamReader();
    for (const diagnostic of diagnostics)
      stream.push(
        Buffer.from(
          JSON.stringify({ type: 'diagnostic', diagnostic: { severity: 'error', ...diagnostic } }),
        ),
      );
    return { exitCode: 1, signal: undefined, errorText: '', stream };
  };

  test.each([
    ['Saved plan is stale', undefined, 'PlanStale'],
    ['Saved plan does not match the given state', undefined, 'PlanStale'],
    ['Cannot apply incomplete plan', undefined, 'PlanStale'],
    ['Failed to load "plan.bin" as a plan file', undefined, 'PlanStale'],
    ['Failed to read plan from plan file', undefined, 'PlanStale'],
    ['Inconsistent dependency lock file', undefined, 'PlanStale'],
    ['Mismatch between input and plan variable value', undefined, 'InvalidInput'],
    ['No value for required variable', undefined, 'InvalidInput'],
    ['Invalid value for input variable', undefined, 'InvalidInput'],
    ['Error acquiring the state lock', 'resource temporarily unavailable', 'StateLocked'],
    [
      'Error acquiring the state lock',
      'failed to write backup file: … could not be parsed',
      'StateDamaged',
    ],
    ['Error acquiring the state lock', 'open state: read-only file system', 'InvalidConfiguration'],
    ['Unsupported state file format', undefined, 'StateDamaged'],
    [
      'Error acquiring the state lock',
      'Error message: HTTP remote state already locked: ID=x',
      'StateLocked',
    ],
    ['Error refreshing state', 'HTTP remote state endpoint invalid auth', 'InvalidConfiguration'],
    [
      'Error acquiring the state lock',
      'Error message: HTTP remote state endpoint requires auth',
      'InvalidConfiguration',
    ],
    [
      'Error acquiring the state lock',
      'Error message: Unexpected HTTP response code 405',
      'InvalidConfiguration',
    ],
    [
      'Error refreshing state',
      'Failed to get state: GET http://server/x giving up after 1 attempt(s)',
      'StoreUnavailable',
    ],
    [
      'Error acquiring the state lock',
      'Error message: Failed to lock: LOCK http://server/x giving up after 3 attempt(s): Lock "http://server/x": EOF',
      'StoreUnavailable',
    ],
    ['Error refreshing state', 'unsupported checkable object kind', 'StateDamaged'],
    ['Required plugins are not installed', undefined, 'InvalidModule'],
    ['Error creating bucket', 'AccessDenied', 'ModuleFailed'],
  ])('%s (%s) is %s', (summary, detail, code) => {
    expect(
      classifyFailure('apply', end({ summary, ...(detail === undefined ? {} : { detail }) })).code,
    ).toBe(code);
  });

  test('the error that has a code leads, whatever comes first; the place is named', () => {
    const failure = classifyFailure(
      'plan',
      end({ summary: 'Other' }, { summary: 'No value for required variable' }),
    );
    expect(failure.message).toBe('No value for required variable (and 1 more)');
  });

  test('without a diagnostic the standard error tells', () => {
    expect(
      classifyFailure('plan', { ...end(), errorText: '\u001b[31mError: bad\u001b[0m flag\n' })
        .message,
    ).toBe('tofu plan ended with exit code 1: Error: bad flag');
  });

  const lock =
    'Lock Info:\n  ID:        9db590f1\n  Path:      state\n  Operation: OperationTypeApply\n  Who:       module@9f2d\n  Version:   1.12.6\n  Created:   2026-10-18 21:24:34 +0000 UTC\n  Info:      \n';
  test('the holder of a lock, except where the tool shows the caller itself', () => {
    const holder = (detail: string, since = '2026-10-18T21:24:34.900Z', host = '9f2d'): unknown =>
      lockHolder(end({ summary: 'Error acquiring the state lock', detail }).stream.diagnostics, {
        host,
        since: new Date(since),
      });
    // An earlier container of the same name.
    expect(holder(`resource temporarily unavailable\n${lock}`)).toEqual({
      id: '9db590f1',
      who: 'module@9f2d',
      created: '2026-10-18 21:24:34 +0000 UTC',
      operation: 'OperationTypeApply',
    });
    const now = lock.replace(':34 +0000', ':34.912345678 +0000');
    expect(holder(`Workspace is already locked: default\n${now}`)).toBeUndefined();
    expect(holder(`HTTP remote state already locked: ID=x\n${now}`, undefined, 'other')).toEqual(
      expect.objectContaining({ who: 'module@9f2d' }),
    );
  });

  test('a holder of whom the backend knows an id only, or nothing', () => {
    const holder = (id: string): unknown =>
      lockHolder(
        end({
          summary: 'Error acquiring the state lock',
          detail: `Lock Info:\n  ID:        ${id}\n  Path:      \n  Operation: \n  Who:       \n  Version:   \n  Created:   0001-01-01 00:00:00 +0000 UTC\n  Info:      \n`,
        }).stream.diagnostics,
        { host: '9f2d', since: new Date() },
      );
    expect(holder('x')).toEqual({ id: 'x', who: 'somebody whom the backend does not name' });
    expect(holder('')).toBeUndefined();
  });
});

describe('the event stream', () => {
  const line = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const resource = { addr: 'a.b' };

  test('a failed command that holds a secret is not shown', () => {
    const stream = createStreamReader();
    stream.push(
      line({
        type: 'provision_progress',
        hook: { resource, output: '(output suppressed due to sensitive value in config)' },
      }),
    );
    stream.push(
      line({
        type: 'diagnostic',
        diagnostic: {
          severity: 'error',
          summary: 'local-exec provisioner error',
          detail: "Error running command 'echo hunter2': exit status 3. Output: hunter2",
          address: 'a.b',
          snippet: { code: 'command = "echo hunter2"' },
        },
      }),
    );
    expect(JSON.stringify(stream.diagnostics)).not.toContain('hunter2');
    expect(stream.diagnostics[0]?.detail).toContain('exit status 3');
  });

  test('operations that did not end stay open; the emergency state is taken exactly', () => {
    const stream = createStreamReader();
    stream.push(line({ type: 'apply_start', hook: { resource, action: 'create' } }));
    stream.push(line({ type: 'apply_start', hook: { resource: { addr: 'c' }, action: 'delete' } }));
    stream.push(
      line({ type: 'apply_complete', hook: { resource, action: 'create', elapsed_seconds: 1 } }),
    );
    stream.push(
      Buffer.from(
        '{"type":"log","@message":"Emergency state dump","state":{"serial":12345678901234567890}}',
      ),
    );
    stream.push(Buffer.from('not JSON'));
    expect([...stream.open]).toEqual(['delete c']);
    expect(stream.ended).toEqual([{ resource: 'a.b', action: 'create', failed: false }]);
    expect(stream.emergencyState).toBe('{"serial":12345678901234567890}');
  });
});

test('lines: cut chunks, carriage returns, long lines in pieces', () => {
  const splitter = createLineSplitter(4);
  const text = (lines: Buffer[]): string[] => lines.map(String);
  expect(text(splitter.push(Buffer.from('ab\r\nc')))).toEqual(['ab']);
  expect(text(splitter.push(Buffer.from('d\n\nefghij')))).toEqual(['cd', '', 'efgh']);
  expect(text(splitter.push(Buffer.from('\nxy')))).toEqual(['ij']);
  expect(text(splitter.end())).toEqual(['xy']);
});
