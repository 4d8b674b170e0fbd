/** The story that the demo tells, step by step. */
import { randomBytes } from 'node:crypto';
import type { OperationInput } from '../../src/contract/operation.js';
import { removeInstallation } from '../../src/docker/remove-installation.js';
import { untagImages } from '../../src/docker/untag-images.js';
import { asCodedError, CodedError } from '../../src/errors.js';
import { readRecord, type StackRecord } from '../../src/stack/record.js';
import type { CommandContext } from '../command-context.js';
import { exitCodeOfOutcome, type ExitCode } from '../exit-code.js';
import { formatDuration } from '../render/duration.js';
import { readOutputs } from '../read-outputs.js';
import { whoTypes } from '../with-client.js';
import { askDatabase } from './ask-database.js';
import { startDemoSystem, type DemoSystem } from './local-system.js';
import { runDemoOperation } from './operation.js';

/** Runs the demo to its end; whatever happens, what it made is taken away again. */
export async function runDemo(yes: boolean, context: CommandContext): Promise<ExitCode> {
  const from = performance.now();
  const { terminal } = context;
  const heading = createHeading(context);
  heading('Set up: a Docker engine, Temporal, images, a registry, a worker');
  const system = await startDemoSystem(context);
  const random = randomBytes(3).toString('hex');
  const stackId = `demo-${random}`;
  const base = (operation: 'apply' | 'destroy'): OperationInput => ({
    stackId,
    operation,
    options: { dockerSocket: true },
    // The module talks to the engine's socket and to nothing else.
    limits: { network: 'none' },
    approval: { mode: 'on-changes', expiresIn: '1h' },
    requestedBy: whoTypes(),
  });
  const major = system.postgres.majorVersion;
  const apply: OperationInput = {
    ...base('apply'),
    module: { path: 'postgres' },
    inputs: { name: `my-database-${random}`, version: major, image: system.postgres.reference },
  };
  try {
    heading('Apply: build the module image, push it, plan, approve, carry out');
    const first = await runDemoOperation(system, apply, yes, context);
    if (first.result.outcome !== 'succeeded') {
      terminal.document({ stackId, apply: first.result });
      return exitCodeOfOutcome(first.result.outcome);
    }

    heading('Ask the database');
    const version = await askVersion(system, stackId, major);
    terminal.print(`select version()  →  ${version}`);

    heading('Apply again: nothing has changed, so nothing is asked and nothing is done');
    const second = await runDemoOperation(system, apply, yes, context);
    if (second.result.outcome !== 'no-changes')
      throw new CodedError(
        'InternalError',
        `the second apply was not empty (${second.result.outcome})`,
      );

    heading('Look at it in the Temporal UI');
    terminal.print(
      first.started.uiUrl ?? `run ${first.started.runId} of ${first.started.workflowId}`,
    );

    heading('Destroy: plan the removal, approve, carry out');
    const last = await runDemoOperation(system, base('destroy'), yes, context);
    const milliseconds = Math.round(performance.now() - from);
    terminal.print('', `The whole way took ${formatDuration(milliseconds)}.`);
    terminal.document({
      stackId,
      version,
      uiUrl: first.started.uiUrl ?? null,
      apply: first.result,
      second: second.result,
      destroy: last.result,
      milliseconds,
    });
    return exitCodeOfOutcome(last.result.outcome);
  } finally {
    terminal.progress.stop();
    // A stack whose first apply was stopped has a state, and no module yet that it was applied with.
    const destroy: OperationInput = {
      ...apply,
      operation: 'destroy',
      approval: { mode: 'auto', expiresIn: '1h' },
    };
    await cleanUp(system, destroy, context);
  }
}

async function askVersion(system: DemoSystem, stackId: string, major: string): Promise<string> {
  // The connection string is sensitive: only who holds the store's key reads it.
  const { url } = await readOutputs(system.store, stackId);
  if (typeof url?.value !== 'string')
    throw new CodedError('InternalError', 'the module gave no connection string');
  const version = await askDatabase(url.value, 'select version()');
  if (!version.startsWith(`PostgreSQL ${major}.`))
    throw new CodedError('InternalError', `asked for PostgreSQL ${major}, got: ${version}`);
  return version;
}

/** Removes what an unfinished demo left, then stops the local system; after Ctrl-C too. */
async function cleanUp(
  system: DemoSystem,
  destroy: OperationInput,
  { terminal }: CommandContext,
): Promise<void> {
  const { stackId } = destroy;
  try {
    // What still waits or runs ends first; ended already is what is wanted.
    await system.client.cancel(stackId).catch(() => undefined);
    await system.client.result(stackId).catch(() => undefined);
    const record = (await readRecord(system.store, stackId))?.record;
    if (record?.openRun !== undefined || (record?.state !== undefined && !isEmpty(record))) {
      terminal.progress.start('clean', 'take away what was made');
      await system.client.result(await system.client.start(destroy));
      terminal.progress.end('clean', 'done');
    }
  } catch (error) {
    terminal.progress.end('clean', 'failed', asCodedError(error).message);
  }
  terminal.progress.start('stop', 'stop worker, registry and Temporal');
  await untagImages(system.engine, system.config.registry ?? '').catch(() => 0);
  const { engine, store } = system;
  await system.stop();
  // What the worker would have tidied up in its own time.
  await removeInstallation(engine, store.installation).catch(() => 0);
  terminal.progress.end('stop', 'done');
}

function isEmpty({ state }: StackRecord): boolean {
  return state !== undefined && 'resources' in state && state.resources === 0;
}

function createHeading({ terminal, signal }: CommandContext): (title: string) => void {
  let number = 0;
  return (title) => {
    signal.throwIfAborted();
    number += 1;
    terminal.print(...(number === 1 ? [] : ['']), terminal.style.bold(`${number}. ${title}`));
  };
}
