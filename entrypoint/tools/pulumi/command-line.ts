/** Command lines of the CLI (3.259.0) for each action. */
import type { EngineOptions } from '../../../src/contract/index.js';

/** Actions that change something, each with a preview of its own. */
export type Mutation = 'apply' | 'destroy' | 'refresh' | 'import';

export interface CommandLineOptions {
  readonly executable: string;
  /** `organization/PROJECT/STACK` */
  readonly stack: string;
  readonly configFile: string;
  readonly options: EngineOptions;
  /** Update plan to write (preview of `apply`) or to keep to (`apply`). */
  readonly updatePlan?: string | undefined;
  /** File that lists what to import. */
  readonly importFile?: string | undefined;
  /** Drop creates that were under way when an earlier run died; refresh only. */
  readonly clearPendingCreates?: boolean;
}

/** What shows a mutation without doing it. */
export function previewCommand(action: Mutation, line: CommandLineOptions): [string, ...string[]] {
  const verb = action === 'apply' ? ['preview'] : [cliVerb(action), '--preview-only'];
  const plan =
    action === 'apply' && line.updatePlan !== undefined ? ['--save-plan', line.updatePlan] : [];
  return [line.executable, ...verb, ...plan, ...common(action, line)];
}

/** What does it. `--skip-preview`: the program would run twice otherwise. */
export function mutatingCommand(action: Mutation, line: CommandLineOptions): [string, ...string[]] {
  const plan =
    action === 'apply' && line.updatePlan !== undefined ? ['--plan', line.updatePlan] : [];
  const pending =
    action === 'refresh' && line.clearPendingCreates === true ? ['--clear-pending-creates'] : [];
  return [
    line.executable,
    cliVerb(action),
    '--yes',
    '--skip-preview',
    ...plan,
    ...pending,
    ...common(action, line),
  ];
}

/** What picks the stack, for every command. */
export function stackArguments(stack: string): string[] {
  return ['--stack', stack, '--non-interactive', '--color', 'never'];
}

function cliVerb(action: Mutation): string {
  return action === 'apply' ? 'up' : action;
}

function common(
  action: Mutation,
  { stack, configFile, options, importFile }: CommandLineOptions,
): string[] {
  const { targets = [], replace = [], parallelism, refresh } = options;
  const takesRefresh = action === 'apply' || action === 'destroy';
  return [
    '--json',
    '--suppress-progress',
    ...stackArguments(stack),
    '--config-file',
    configFile,
    ...(action === 'import' ? [] : targets.flatMap((urn) => ['--target', urn])),
    ...(action === 'apply' ? replace.flatMap((urn) => ['--replace', urn]) : []),
    ...(parallelism === undefined ? [] : ['--parallel', String(parallelism)]),
    ...(takesRefresh ? [`--refresh=${refresh ?? true}`] : []),
    ...(action === 'import' && importFile !== undefined
      ? ['--file', importFile, '--generate-code=false', '--protect=false']
      : []),
  ];
}
