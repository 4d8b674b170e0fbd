/** The `cldctl-iac` command line: parsing, and one way for every command to run, fail and end. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command, CommanderError, Option } from 'commander';
import { asCodedError, CodedError, isAbort } from '../src/errors.js';
import { packageRoot } from '../src/setup/package-root.js';
import type { CommandContext } from './command-context.js';
import { EXIT_CODE, exitCodeOfError, type ExitCode } from './exit-code.js';
import { renderFailure } from './render/failure.js';
import { createTerminal, type OutputStream } from './terminal.js';

/** The outside world of one call of the command. */
export interface CommandWorld {
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean };
  readonly stdout: OutputStream;
  readonly stderr: OutputStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly signal: AbortSignal;
}

/** What a command does; the exit code it returns, or 0. */
export type CommandWork<A extends unknown[]> = (
  context: CommandContext,
  ...args: A
) => Promise<ExitCode | void>;

/** Turns the work of a command into commander's action. */
export type Run = <A extends unknown[]>(work: CommandWork<A>) => (...args: A) => Promise<void>;

/** Adds one command (or a group) to the program. */
export type RegisterCommand = (program: Command, run: Run) => void;

/** Runs one command line to its end and returns its exit code; never throws. */
export async function runCommandLine(
  argv: readonly string[],
  world: CommandWorld,
  commands: readonly RegisterCommand[],
): Promise<number> {
  const program = new Command('cldctl-iac');
  let exitCode: number = EXIT_CODE.done;
  const terminalOf = (): ReturnType<typeof createTerminal> => {
    const flags = program.opts<{ json?: boolean; color?: boolean }>();
    return createTerminal({
      stdin: world.stdin,
      stdout: world.stdout,
      stderr: world.stderr,
      env: world.env,
      json: flags.json ?? argv.includes('--json'),
      ...(flags.color === false ? { colour: false } : {}),
    });
  };
  const run: Run =
    (work) =>
    async (...args) => {
      const terminal = terminalOf();
      const context: CommandContext = {
        terminal,
        env: world.env,
        cwd: world.cwd,
        signal: world.signal,
        readStdin: () => readAll(world.stdin),
        config: async () => (await import('../src/config.js')).loadConfig(world.env),
      };
      try {
        exitCode = (await work(context, ...args)) ?? EXIT_CODE.done;
      } catch (error) {
        terminal.progress.stop();
        exitCode = reportError(error, context);
      } finally {
        terminal.progress.stop();
      }
    };
  program
    .description(
      'Infrastructure-as-code modules as container images, run as durable Temporal workflows.',
    )
    .version(packageVersion(), '-V, --version')
    .addOption(
      new Option('--json', 'print one JSON document (or NDJSON) on stdout and nothing else'),
    )
    .addOption(new Option('--no-color', 'print without colours (also: NO_COLOR=1)'))
    .configureHelp({ showGlobalOptions: true, sortSubcommands: false })
    .showHelpAfterError(false)
    .addHelpText('after', EXAMPLES);
  for (const register of commands) register(program, run);
  onEveryCommand(program, world);
  try {
    await program.parseAsync(argv, { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return EXIT_CODE.done;
    if (error.code === 'commander.help') return EXIT_CODE.usage;
    const message = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
    const failure = new CodedError(
      'InvalidInput',
      `${message}; see ${usageOf(program, argv)} --help`,
    );
    terminalOf().error(failure.toFailure());
    return EXIT_CODE.usage;
  }
  return exitCode;
}

function reportError(error: unknown, { terminal, signal, env }: CommandContext): ExitCode {
  if (isAbort(error) || (signal.aborted && error === signal.reason)) {
    terminal.note('stopped');
    return EXIT_CODE.interrupted;
  }
  const coded = asCodedError(error);
  const failure = coded.toFailure();
  terminal.error(failure);
  for (const line of renderFailure(failure, terminal.style)) terminal.note(line);
  if (
    coded.code === 'InternalError' &&
    env['CLDCTL_LOG_LEVEL'] === 'debug' &&
    error instanceof Error
  )
    terminal.note(error.stack ?? '');
  return exitCodeOfError(coded.code);
}

function onEveryCommand(command: Command, world: CommandWorld): void {
  command.exitOverride().configureOutput({
    getOutHelpWidth: () => world.stdout.columns ?? 80,
    writeOut: (text) => void world.stdout.write(text),
    // Said once, coded, by runCommandLine; help that follows a missing sub-command still goes out.
    writeErr: (text) => void (text.startsWith('error:') || world.stderr.write(text)),
  });
  for (const child of command.commands) onEveryCommand(child, world);
}

function usageOf(program: Command, argv: readonly string[]): string {
  const words = [program.name()];
  let at: Command | undefined = program;
  for (const word of argv) {
    at = at?.commands.find((command) => command.name() === word);
    if (at === undefined) break;
    words.push(word);
  }
  return words.join(' ');
}

function packageVersion(): string {
  const manifest = readFileSync(join(packageRoot(), 'package.json'), 'utf8');
  return (JSON.parse(manifest) as { version: string }).version;
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(Buffer.from(chunk));
  return Buffer.concat(chunks).toString('utf8');
}

const EXAMPLES = `
Examples:
  cldctl-iac demo                                        see it work, from nothing to a database and back
  cldctl-iac build examples/postgres --tag postgres:1    build a module image
  cldctl-iac apply my-db --module postgres:1 --input name=my-db
  cldctl-iac approve my-db                               from anywhere that reaches Temporal
  cldctl-iac status my-db

Exit codes: 0 done, 1 failed, 2 usage or input, 3 rejected, expired or cancelled, 4 busy,
            5 outcome unknown, 6 no Docker, Temporal, registry or store, 130 Ctrl-C.`;
