/** Runs the Pulumi CLI and reads what it says. */
import { join } from 'node:path';
import type { CommandEnd } from '../../process/run-command.js';
import { relayLines } from '../../output/relay-lines.js';
import type { ToolContext } from '../tool.js';
import { createChangeCollector, isCounted, type ChangeCollector } from './change-collector.js';
import {
  parseEngineEvent,
  type EngineDiagnostic,
  type ResourceStep,
  type StepOperation,
} from './engine-event.js';
import { shownMessage, type FailedCommand } from './failure.js';

/** How a command ended and what its events said. */
export interface CliEnd extends CommandEnd {
  readonly succeeded: boolean;
  readonly changes: ChangeCollector;
  readonly diagnostics: readonly EngineDiagnostic[];
  readonly failed: FailedCommand;
}

export interface CliCommand {
  /** Name of the step in events and timings. */
  readonly step: string;
  readonly argv: readonly [string, ...string[]];
  readonly cwd: string;
  /** File for standard output; such a command (`stack export`) prints no events. */
  readonly captureTo?: string;
  readonly interruptible?: boolean;
  /** True for what changes something: its resource steps become events. */
  readonly mutates?: boolean;
  /** Called while the command runs, about every 50 ms. */
  readonly onPause?: () => void;
}

export type Cli = (command: CliCommand) => Promise<CliEnd>;

/** Steps in the words that both engines' events use; a replacement is announced by its halves. */
const operationNames: Partial<Record<StepOperation, string>> = {
  create: 'create',
  'create-replacement': 'create',
  update: 'update',
  delete: 'delete',
  'delete-replaced': 'delete',
  read: 'read',
  import: 'import',
  'import-replacement': 'import',
};

const ERROR_TEXT = 16 * 1024;
const MOST_DIAGNOSTICS = 1000;

/** Makes the function that runs the CLI; what the program prints becomes log events, resource steps become resource events. */
export function createCli(
  context: ToolContext,
  environment: Readonly<Record<string, string>>,
): Cli {
  const { events, paths, redactor, timings } = context;
  return async (command) => {
    const changes = createChangeCollector();
    const diagnostics: EngineDiagnostic[] = [];
    const relay = relayLines(events, redactor);
    const say = (stream: 'stdout' | 'stderr', text: string): void => {
      for (const line of text.split('\n')) if (line !== '') relay.line(stream, line, true);
    };
    const started = new Map<string, number>();
    let standardError = '';
    let result: string | undefined;
    let resourceFailed = false;

    const report = (step: ResourceStep, status: 'started' | 'done' | 'failed'): void => {
      const action = isCounted(step) ? operationNames[step.op] : undefined;
      if (action === undefined) return;
      const since = status === 'started' ? undefined : started.get(`${step.op} ${step.urn}`);
      const seconds =
        since === undefined ? {} : { seconds: Math.round(performance.now() - since) / 1000 };
      events.emit({ type: 'resource', resource: step.urn, action, status, ...seconds });
    };

    const onEvent = (line: Buffer): void => {
      const text = line.toString('utf8');
      const event = parseEngineEvent(text);
      if (event === undefined) return say('stdout', text);
      switch (event.kind) {
        case 'step-started': {
          changes.started(event.step);
          started.set(`${event.step.op} ${event.step.urn}`, performance.now());
          if (command.mutates === true) report(event.step, 'started');
          return;
        }
        case 'step-done':
        case 'step-failed': {
          const failed = event.kind === 'step-failed';
          resourceFailed ||= failed;
          changes.finished(event.step, failed);
          if (command.mutates === true) report(event.step, failed ? 'failed' : 'done');
          return;
        }
        case 'diagnostic': {
          const { diagnostic } = event;
          if (diagnostic.severity !== 'info' && diagnostics.length < MOST_DIAGNOSTICS)
            diagnostics.push(diagnostic);
          return say(
            diagnostic.severity === 'info' ? 'stdout' : 'stderr',
            shownMessage(diagnostic),
          );
        }
        case 'text':
          return say('stdout', event.message);
        case 'summary':
          result = event.result;
          return;
        case 'other':
      }
    };

    events.emit({ type: 'step', step: command.step });
    const stream = join(paths.temporary, 'events.ndjson');
    const end = await timings.measure(command.step, () =>
      context.run({
        argv: command.argv,
        cwd: command.cwd,
        environment,
        captureTo: command.captureTo ?? stream,
        ...(command.captureTo === undefined ? { follow: { path: stream, onLine: onEvent } } : {}),
        ...(command.interruptible === undefined ? {} : { interruptible: command.interruptible }),
        onLine: (source, line, ends) => {
          if (source === 'stderr') standardError = `${standardError}${line}\n`.slice(-ERROR_TEXT);
          relay.line(source, line, ends);
        },
        onPause: async () => {
          command.onPause?.();
          await events.flush();
        },
      }),
    );
    relay.end();
    await events.flush();
    return {
      ...end,
      // Events that end before the summary leave open what else was done, whatever the exit code says.
      succeeded:
        end.exitCode === 0 &&
        (command.captureTo !== undefined || result !== undefined) &&
        result !== 'failed' &&
        result !== 'canceled',
      changes,
      diagnostics,
      failed: {
        exitCode: end.exitCode,
        signal: end.signal,
        diagnostics,
        standardError,
        resourceFailed,
        result,
        interrupted: context.interruption.requested,
        moduleDirectory: context.moduleDirectory,
      },
    };
  };
}
