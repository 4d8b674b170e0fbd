/** One reading of both builders' progress: steps, their output, the image, and which step failed. */
import { decodeTrace } from './build-trace.js';
import { progressError, type ProgressLine } from './progress-lines.js';

/** What people are shown while an image is built. */
export type BuildEvent =
  | { readonly type: 'step'; readonly message: string; readonly cached: boolean }
  | { readonly type: 'log'; readonly message: string };

/** Lines of output that a failure carries. */
const TAIL = 40;

export interface BuildProgress {
  /** Takes the next line; yields what it tells. */
  read(line: ProgressLine): Generator<BuildEvent>;
  /** The image that was made, once there is one. */
  readonly imageId: string | undefined;
  /** Step and last lines of output of the step that failed (or that ran last), for the error. */
  failure(): { step: string; logTail: string; message: string } | undefined;
}

/** Follows one build. */
export function followBuild(): BuildProgress {
  const names = new Map<string, string>();
  const told = new Set<string>();
  const tails = new Map<string, string[]>();
  const partial = new Map<string, string>();
  let current = '';
  let failed: string | undefined;
  let error: string | undefined;
  let imageId: string | undefined;

  const keep = (step: string, text: string): void => {
    const tail = tails.get(step) ?? [];
    tail.push(text);
    if (tail.length > TAIL) tail.shift();
    tails.set(step, tail);
  };
  /** Whole lines of a step's output; what has no line end yet waits. */
  const lines = function* (step: string, text: string): Generator<BuildEvent> {
    const pieces = ((partial.get(step) ?? '') + text).split(/\r?\n/);
    partial.set(step, pieces.pop() ?? '');
    for (const piece of pieces) {
      keep(step, piece);
      yield { type: 'log', message: piece };
    }
  };

  return {
    *read(line) {
      const aux = line.aux as { ID?: string } | string | undefined;
      error = progressError(line) ?? error;
      if (line.id === 'moby.buildkit.trace' && typeof aux === 'string') {
        const { steps, logs } = decodeTrace(aux);
        for (const step of steps) {
          names.set(step.digest, step.name);
          if (step.started) current = step.digest;
          if (step.error !== '') failed ??= step.digest;
          if (!step.started || told.has(step.digest) || step.name.startsWith('[internal]'))
            continue;
          told.add(step.digest);
          yield { type: 'step', message: step.name, cached: step.cached };
        }
        for (const log of logs) yield* lines(log.step, log.message.toString('utf8'));
      } else if (typeof aux === 'object' && aux.ID !== undefined) {
        imageId = aux.ID;
      } else if (line.stream !== undefined) {
        const step = /^(Step \d+\/\d+) : (.*)/s.exec(line.stream);
        const built = /^Successfully built ([0-9a-f]+)/.exec(line.stream);
        if (built !== null) imageId ??= built[1];
        if (step !== null) {
          current = step[1] ?? '';
          names.set(current, line.stream.trim());
          yield { type: 'step', message: line.stream.trim(), cached: false };
        } else yield* lines(current, line.stream);
      } else if (line.status !== undefined && line.progressDetail === undefined) {
        yield { type: 'log', message: line.id ? `${line.id}: ${line.status}` : line.status };
      }
    },
    get imageId() {
      return imageId;
    },
    failure() {
      if (error === undefined) return undefined;
      const step = failed ?? current;
      const rest = partial.get(step) ?? '';
      const tail = [...(tails.get(step) ?? []), ...(rest === '' ? [] : [rest])];
      return { step: names.get(step) ?? '', logTail: tail.join('\n').trim(), message: error };
    },
  };
}
