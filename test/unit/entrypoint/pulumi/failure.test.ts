import { describe, expect, it } from 'vitest';
import type { EngineDiagnostic } from '../../../../entrypoint/tools/pulumi/engine-event.js';
import {
  classifyFailure,
  isOnlyLock,
  parseLockHolder,
  type FailedCommand,
} from '../../../../entrypoint/tools/pulumi/failure.js';

const LOCKED = `error: the stack is currently locked by 1 lock(s). Either wait for the other process(es) to end or delete the lock file with \`pulumi cancel\`.
  file:///w/.pulumi/locks/organization/p/s/4f5ac8e1-9d1a-4f70-a0e2-7a4d6c1f0a11.json: created by root@ctr0123abcd (pid 1) at 2026-11-23T10:00:00Z
`;

function failed(more: Partial<FailedCommand>): FailedCommand {
  return {
    exitCode: 1,
    signal: undefined,
    diagnostics: [],
    standardError: '',
    resourceFailed: false,
    result: undefined,
    interrupted: false,
    moduleDirectory: '/module',
    ...more,
  };
}
const error = (message: string, more: Partial<EngineDiagnostic> = {}): EngineDiagnostic => ({
  severity: 'error',
  message,
  ...more,
});

describe('each text of the CLI has its code', () => {
  it.each<[string, Partial<FailedCommand>, string, RegExp]>([
    [
      'locked',
      { standardError: LOCKED },
      'StateLocked',
      /locked by root@ctr0123abcd since 2026-11-23T10:00:00Z/,
    ],
    [
      'wrong passphrase',
      { standardError: 'error: get stack secrets manager: incorrect passphrase' },
      'InvalidInput',
      /passphrase does not match/,
    ],
    [
      'another salt',
      { standardError: 'error: decrypting secret value: cipher: message authentication failed' },
      'InvalidInput',
      /passphrase/,
    ],
    [
      'plugin missing',
      {
        diagnostics: [
          error(
            "no resource plugin 'pulumi-resource-random' found in the workspace or on your $PATH",
          ),
        ],
      },
      'InvalidModule',
      /plugin random is not in the image/,
    ],
    [
      'language host missing',
      {
        standardError:
          "error: failed to load language plugin dotnet: no language plugin 'pulumi-language-dotnet' found in the workspace or on your $PATH",
      },
      'InvalidModule',
      /runtime dotnet/,
    ],
    [
      'dependency missing, nodejs',
      {
        diagnostics: [
          error(
            "Running program '/module' failed with an unhandled exception:\nError: Cannot find module 'left-pad'",
          ),
        ],
      },
      'InvalidModule',
      /dependency left-pad/,
    ],
    [
      'dependency missing, python',
      {
        diagnostics: [
          error(
            "Program failed with an unhandled exception:\nModuleNotFoundError: No module named 'requests'",
          ),
        ],
      },
      'InvalidModule',
      /dependency requests/,
    ],
    [
      'configuration missing',
      { diagnostics: [error("Missing required configuration variable 'p:name'")] },
      'InvalidInput',
      /p:name/,
    ],
    [
      'backend out of reach',
      { standardError: 'error: unable to open state database "postgres://***": timeout' },
      'StoreUnavailable',
      /state backend/,
    ],
    [
      'import of nothing',
      { diagnostics: [error("Preview failed: resource 'x-1' does not exist")] },
      'InvalidInput',
      /"x-1"/,
    ],
    [
      'a program that throws',
      {
        diagnostics: [
          error(
            "Running program '/module' failed with an unhandled exception:\nError: boom\n    at x",
          ),
        ],
      },
      'ModuleFailed',
      /^Error: boom$/,
    ],
    [
      'a resource that fails',
      {
        diagnostics: [
          error('quota exceeded', { urn: 'urn:pulumi:s::p::a:b:C$x:y:Z::n' }),
          error('update failed'),
        ],
        resourceFailed: true,
      },
      'ModuleFailed',
      /^x:y:Z n: quota exceeded$/,
    ],
    [
      'only program output, no error event',
      { diagnostics: [error('resource "x" is not defined', { severity: 'info#err' })] },
      'ModuleFailed',
      /"x" is not defined/,
    ],
    ['only standard error', { standardError: 'one\nerror: two\n' }, 'ModuleFailed', /^two$/],
    ['nothing at all', { exitCode: 255 }, 'ModuleFailed', /exit code 255 before it was done/],
    ['two signals', { exitCode: 8, result: 'canceled' }, 'ModuleFailed', /interrupted/],
  ])('%s', (_name, command, code, message) => {
    const failure = classifyFailure(failed(command));
    expect(failure.code).toBe(code);
    expect(failure.message).toMatch(message);
  });
});

describe('plan violations', () => {
  const urn = 'urn:pulumi:s::p::outside:index:Thing::a';
  const violation = error(
    `resource ${urn} violates plan: properties changed: =~secret[{&{{other-secret}}}], ~~value[{blue}!={green}]`,
    { urn },
  );

  it('name properties and never values', () => {
    const failure = classifyFailure(failed({ diagnostics: [violation] }));
    expect(failure.code).toBe('PlanViolated');
    expect(failure.message).toContain('value');
    expect(JSON.stringify(failure)).not.toMatch(/other-secret|blue|green/);
  });

  it('name the step that was not approved', () => {
    const failure = classifyFailure(
      failed({
        diagnostics: [
          error('delete is not allowed by the plan: this resource is constrained to update', {
            urn,
          }),
        ],
      }),
    );
    expect(failure).toMatchObject({
      code: 'PlanViolated',
      message: 'outside:index:Thing a: delete was not approved (approved: update)',
    });
  });

  it('after an ordinary failure are only what was not reached', () => {
    const failure = classifyFailure(
      failed({ diagnostics: [error('quota exceeded', { urn }), violation], resourceFailed: true }),
    );
    expect(failure.code).toBe('ModuleFailed');
  });
});

it('reads who holds a lock', () => {
  expect(parseLockHolder(LOCKED)).toEqual({
    id: '4f5ac8e1-9d1a-4f70-a0e2-7a4d6c1f0a11',
    who: 'root@ctr0123abcd',
    created: '2026-11-23T10:00:00Z',
  });
  expect(parseLockHolder('error: no lock')).toBeUndefined();
});

describe('the lock in a bucket, behind whose name the URL has settings', () => {
  const id = 'd3203280-c302-4576-9e2c-85591f4efc98';
  const line = (name: string): string =>
    `  s3://states/team/.pulumi/locks/organization/p/s/${name}.json?endpoint=http%3A%2F%2F172.17.0.1%3A29109&region=us-east-1: created by module@ctr (pid 22) at 2026-11-29T00:26:00Z\n`;

  it('has an id', () => {
    expect(parseLockHolder(line(id))).toMatchObject({ id, who: 'module@ctr' });
  });

  it('is the only one, or is not', () => {
    expect(isOnlyLock(line(id), id)).toBe(true);
    expect(isOnlyLock(line(id) + line(id.replace('d', 'e')), id)).toBe(false);
    expect(isOnlyLock(line(id) + line('something'), id)).toBe(false);
    expect(isOnlyLock('', id)).toBe(false);
  });
});

describe('a program that fails says where', () => {
  it.each<[string, string, string]>([
    [
      'python: the innermost frame of the module',
      `error: Program failed with an unhandled exception:
Traceback (most recent call last):
  File "/opt/cldctl/venv/lib/python3.11/site-packages/pulumi/runtime/stack.py", line 253, in run
    result = func()
  File "/module/infra/__main__.py", line 3, in <module>
    make()
  File "/module/infra/made.py", line 9, in make
    raise ValueError("nothing fits")
  File "/usr/lib/python3.11/runpy.py", line 1, in x
ValueError: nothing fits`,
      'ValueError: nothing fits (infra/made.py:9)',
    ],
    [
      'nodejs: the first frame of the module',
      `Running program '/module/index.js' failed with an unhandled exception:
<ref *1> Error: nothing fits
    at get (/module/node_modules/other/index.js:1:2)
    at make (file:///module/made.js:9:7)
    at file:///module/index.js:3:1`,
      '<ref *1> Error: nothing fits (made.js:9)',
    ],
    [
      'nodejs: a file that can not be read',
      "Running program '/module/index.js' failed with an unhandled exception:\nSyntaxError: Unexpected token",
      'SyntaxError: Unexpected token (index.js)',
    ],
    [
      'TypeScript',
      `Running program '/module/index.ts' failed with an unhandled exception:
TSError: ⨯ Unable to compile TypeScript:
index.ts(4,7): error TS2322: Type 'string' is not assignable to type 'number'.`,
      "TS2322: Type 'string' is not assignable to type 'number'. (index.ts:4)",
    ],
    [
      'yaml',
      'could not be found\n\n  on Main.yaml line 2:\n   2:   a: ${nowhere.b}',
      'could not be found (Main.yaml:2)',
    ],
    [
      'nowhere',
      'quota exceeded, see /var/log/provider.log:12',
      'quota exceeded, see /var/log/provider.log:12',
    ],
  ])('%s', (_title, message, told) => {
    const failure = classifyFailure(failed({ diagnostics: [error(message)] }));
    expect(failure.message).toBe(told);
    const place = / \(([^:()]+)(?::(\d+))?\)$/.exec(told);
    expect(failure.detail?.diagnostics?.[0]?.file).toBe(place?.[1]);
    expect(failure.detail?.diagnostics?.[0]?.line).toBe(
      place?.[2] === undefined ? undefined : Number(place[2]),
    );
  });
});
