import { describe, expect, it } from 'vitest';
import type { RegisterCommand } from '../../../cli/program.js';
import { CodedError } from '../../../src/errors.js';
import { commandPaths } from '../../../cli/command-paths.js';
import { commandLine } from './command-line.js';

const failing =
  (error: unknown): RegisterCommand =>
  (program, run) => {
    program.command('fail').action(run(() => Promise.reject(error)));
  };

const greeting: RegisterCommand = (program, run) => {
  program.command('greet <name>').action(
    run(async ({ terminal }, name: string) => {
      terminal.print(`hello ${name}`);
      terminal.note('a note');
      terminal.document({ hello: name });
      return Promise.resolve();
    }),
  );
};

const paths = commandPaths().map((path) => path.join(' '));
const commands = paths.filter((path) => !paths.some((other) => other.startsWith(`${path} `)));

describe('every command', () => {
  it.each(commands)('%s has help with an example of itself', async (path) => {
    const { exitCode, stdout } = await commandLine([...path.split(' '), '--help']);
    expect(exitCode).toBe(0);
    const [, examples = ''] = stdout.split('Examples:');
    expect(examples).toContain(`cldctl-iac ${path}`);
    expect(stdout).toContain('--json');
  });
});

describe('the command line', () => {
  it('prints for people on stdout, and remarks on stderr', async () => {
    const result = await commandLine(['greet', 'you'], { commands: [greeting] });
    expect(result).toEqual({ exitCode: 0, stdout: 'hello you\n', stderr: 'a note\n' });
  });

  it.each([
    ['--json', 'greet', 'you'],
    ['greet', 'you', '--json'],
    ['greet', '--json', 'you'],
  ])('prints one JSON document and nothing else with %s %s %s', async (...argv) => {
    const result = await commandLine(argv, { commands: [greeting] });
    expect(result).toEqual({ exitCode: 0, stdout: '{"hello":"you"}\n', stderr: '' });
  });

  it.each([
    [['nonsense'], "unknown command 'nonsense'"],
    [['greet'], "missing required argument 'name'"],
    [['greet', 'a', 'b'], 'too many arguments'],
    [['greet', 'a', '--what'], "unknown option '--what'"],
  ])('refuses %j with one coded line and exit code 2', async (argv, message) => {
    const { exitCode, stdout, stderr } = await commandLine(argv, { commands: [greeting] });
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^error: InvalidInput: [^\n]+; see cldctl-iac[^\n]* --help\n$/);
    expect(stderr).toContain(message);
  });

  it('says a usage error as JSON with --json', async () => {
    const { exitCode, stdout } = await commandLine(['greet', '--json'], { commands: [greeting] });
    expect(exitCode).toBe(2);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'InvalidInput' } });
  });

  it.each([
    ['InvalidInput', 2],
    ['StackNotFound', 2],
    ['ScheduleNotFound', 2],
    ['BuildFailed', 1],
    ['PlanViolated', 1],
    ['InternalError', 1],
    ['OperationCanceled', 3],
    ['PlanExpired', 3],
    ['StackBusy', 4],
    ['StateLocked', 4],
    ['OutcomeUnknown', 5],
    ['DockerUnavailable', 6],
    ['TemporalUnavailable', 6],
  ] as const)('ends with the exit code of %s: %i', async (code, expected) => {
    const commands = [failing(new CodedError(code, 'cause;\n  next step'))];
    const plain = await commandLine(['fail'], { commands });
    expect(plain).toEqual({
      exitCode: expected,
      stdout: '',
      stderr: `error: ${code}: cause; next step\n`,
    });
    const json = await commandLine(['fail', '--json'], { commands });
    expect(JSON.parse(json.stdout)).toMatchObject({ error: { code } });
    expect(json.exitCode).toBe(expected);
  });

  it('shows the findings of the tool, or its last lines, and what was done before', async () => {
    const receipt = {
      done: 1,
      failed: 0,
      not_reached: 0,
      unapproved: 0,
      entries: [{ resource: 'a.b', action: 'create', status: 'done' }],
    };
    const finding = {
      severity: 'error' as const,
      summary: 'Bad thing',
      file: 'main.tf',
      line: 7,
      detail: 'more\u001b[2J',
      snippet: 'x = y',
    };
    const failed = async (detail: NonNullable<CodedError['detail']>): Promise<string> => {
      const error = new CodedError('ModuleFailed', 'the plan failed', { detail });
      return (await commandLine(['fail'], { commands: [failing(error)] })).stderr;
    };
    expect(await failed({ diagnostics: [finding], logTail: 'not shown', receipt })).toBe(
      `error: ModuleFailed: the plan failed
  main.tf:7: Bad thing
      x = y
  more\\u001b[2J
Receipt: 1 done
  done         create  a.b
`,
    );
    expect(await failed({ logTail: 'line one\nline two\n', result: { receipt } })).toBe(
      `error: ModuleFailed: the plan failed
  line one
  line two
Receipt: 1 done
  done         create  a.b
`,
    );
  });

  it('ends with 130 after Ctrl-C', async () => {
    const interrupt = new AbortController();
    const waiting: RegisterCommand = (program, run) => {
      program.command('wait').action(
        run(async ({ signal }) => {
          await new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(signal.reason as Error));
            interrupt.abort(new DOMException('stopped', 'AbortError'));
          });
        }),
      );
    };
    const result = await commandLine(['wait'], { commands: [waiting], signal: interrupt.signal });
    expect(result).toEqual({ exitCode: 130, stdout: '', stderr: 'stopped\n' });
  });

  it('prints its help with examples and exit codes', async () => {
    const { exitCode, stdout } = await commandLine(['--help']);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('Examples:');
    expect(stdout).toContain('4 busy');
  });

  it('shows its help and ends with 2 when no command is given', async () => {
    const { exitCode, stdout, stderr } = await commandLine([]);
    expect(exitCode).toBe(2);
    expect(stdout + stderr).toContain('Usage: cldctl-iac');
  });

  it('names an unknown CLDCTL_ variable before anything is done', async () => {
    const { exitCode, stderr } = await commandLine(['status', 'x'], {
      env: { CLDCTL_NONSENSE: '1' },
    });
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(/^error: InvalidConfiguration: .*CLDCTL_NONSENSE/);
  });

  it('says how to get a Temporal server when none answers', async () => {
    const { exitCode, stderr } = await commandLine(['status', 'x'], {
      env: { TEMPORAL_ADDRESS: '127.0.0.1:1' },
    });
    expect(exitCode).toBe(6);
    expect(stderr).toMatch(/^error: TemporalUnavailable: .*127\.0\.0\.1:1.*TEMPORAL_ADDRESS\n$/);
  });
});
