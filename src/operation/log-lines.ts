/** What of a container's events belongs into the log of its operation. */
import type { EntrypointEvent } from '../contract/event.js';
import type { StepControl } from './dependencies.js';
import type { RunInputs } from './run-inputs.js';

/** Passes a run's log lines on, with its secrets taken out once more: an image of the seed's form does not redact. */
export function logLines(
  { onLine }: Pick<StepControl, 'onLine'>,
  { redact, hasSecrets }: Pick<RunInputs, 'redact' | 'hasSecrets'>,
): (event: EntrypointEvent, at: string) => Promise<void> | undefined {
  return (event, at) => {
    const text = textOf(event);
    if (text === undefined) return undefined;
    return onLine?.({ at, text: hasSecrets ? redact(text) : text });
  };
}

function textOf(event: EntrypointEvent): string | undefined {
  if (event.type === 'log') return event.message;
  return event.type === 'dropped' ? `[${event.bytes} bytes of output were dropped]` : undefined;
}
