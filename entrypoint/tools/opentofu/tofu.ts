import { join } from 'node:path';
import type { Diagnostic } from '../../../src/contract/index.js';
import type { CommandEnd } from '../../process/run-command.js';
import type { ToolContext } from '../tool.js';
import { relayLines } from '../../output/relay-lines.js';
import { createStreamReader, type StreamReader } from './stream.js';
import { toolVariables } from './tool-environment.js';

/** How a `tofu` command ended and what its machine-readable stream said. */
export interface TofuEnd extends CommandEnd {
  readonly stream: Omit<StreamReader, 'push'>;
  /** The last of what it wrote to standard error. */
  readonly errorText: string;
}

/** One `tofu` command in the working copy of the module. */
export interface TofuCommand {
  readonly step: string;
  readonly arguments: readonly string[];
  /** File for standard output; such a command (`show`, `state pull`) has no machine-readable stream. */
  readonly captureTo?: string;
  readonly interruptible?: boolean;
}

export type Tofu = (command: TofuCommand) => Promise<TofuEnd>;

const ERROR_TEXT = 16 * 1024;

/** Makes the function that runs `tofu`; its human text becomes log events, its stream resource events. */
export function createTofu(
  context: ToolContext,
  variables: Readonly<Record<string, string>>,
): Tofu {
  const { events, paths, redactor, timings } = context;
  const environment = { ...toolVariables(context.environment), ...variables };
  // Standard error holds the diagnostics again, as text that may hold more than their data: only a debug log is passed on.
  const debugging = environment['TF_LOG'] !== undefined;
  return async (command) => {
    const stream = createStreamReader((progress) => events.emit({ type: 'resource', ...progress }));
    const relay = relayLines(events, redactor);
    let errorText = '';
    events.emit({ type: 'step', step: command.step });
    const streamPath = join(paths.temporary, 'stream.ndjson');
    const [name = '', ...rest] = command.arguments;
    const captured = command.captureTo !== undefined;
    const end = await timings.measure(command.step, () =>
      context.run({
        argv: ['tofu', name, ...(captured ? [] : [`-json-into=${streamPath}`]), ...rest],
        cwd: paths.module,
        environment,
        ...(captured
          ? { captureTo: command.captureTo ?? '' }
          : { follow: { path: streamPath, onLine: stream.push } }),
        ...(command.interruptible === undefined ? {} : { interruptible: command.interruptible }),
        onLine: (source, line, ends) => {
          if (source === 'stderr') errorText = `${errorText}${line}\n`.slice(-ERROR_TEXT);
          if (source === 'stdout' || debugging) relay.line(source, line, ends);
        },
        onPause: () => events.flush(),
      }),
    );
    relay.end();
    await events.flush();
    return { ...end, stream, errorText };
  };
}

/** The findings that are errors. */
export function errorsOf(end: TofuEnd): Diagnostic[] {
  return end.stream.diagnostics.filter(({ severity }) => severity === 'error');
}
