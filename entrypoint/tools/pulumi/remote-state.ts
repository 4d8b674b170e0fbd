/** State behind a backend URL, read through the CLI. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { FailureError } from '../../failure-error.js';
import type { ToolContext } from '../tool.js';
import { parseState, type StackState } from './checkpoint.js';
import type { Cli, CliEnd } from './cli.js';
import { stackArguments } from './command-line.js';
import { classifyFailure } from './failure.js';
import type { StackName } from './state-home.js';

/** `stack export` and most other commands say so when there is no such stack. */
const NO_STACK = 6;

/** Reads a stack's state; makes the stack when it is the first time. Throws `FailureError` with what the CLI says. */
export async function exportState(
  context: ToolContext,
  cli: Cli,
  name: StackName,
): Promise<StackState> {
  const captureTo = join(context.paths.temporary, 'export.json');
  const directory = bareProject(context, name);
  const stack = (step: string, ...words: string[]): Promise<CliEnd> =>
    cli({
      step,
      argv: ['pulumi', '-C', directory, 'stack', ...words, ...stackArguments(name.full)],
      cwd: context.moduleDirectory,
      captureTo,
      interruptible: false,
    });
  let end = await stack('state', 'export');
  if (end.exitCode === NO_STACK) {
    const made = await stack('create stack', 'init', '--no-select');
    // Another run may have been first.
    if (made.exitCode !== 0 && !made.failed.standardError.includes('already exists'))
      throw failureOf(made);
    end = await stack('state', 'export');
  }
  if (end.exitCode !== 0) throw failureOf(end);
  const state = parseState(readFileSync(captureTo, 'utf8'));
  // A stack that was only made has a salt and nothing else: to everyone outside it has no state yet.
  return state.deployment.resources === undefined ? { ...state, fingerprint: null } : state;
}

/** A project of the same name that needs no language host: `stack init` writes a file beside it, and `/module` is read-only. */
function bareProject(context: ToolContext, { project }: StackName): string {
  const directory = join(context.paths.temporary, 'project');
  mkdirSync(directory, { recursive: true, mode: 0o700 });
  writeFileSync(join(directory, 'Pulumi.json'), JSON.stringify({ name: project, runtime: 'yaml' }));
  return directory;
}

function failureOf(end: CliEnd): FailureError {
  const { code, message, detail } = classifyFailure(end.failed);
  return new FailureError(code, message, detail);
}
