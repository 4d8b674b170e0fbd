/** The phases of an operation as progress, while something else waits for its plan or its end. */
import type { IacClient, OperationTarget } from '../src/client/index.js';
import type { Phase } from '../src/contract/operation.js';
import type { CommandContext } from './command-context.js';
import { retryLine } from './render/retry-line.js';

const LABEL: Readonly<Record<Phase, string>> = {
  detect: 'looking at the module',
  build: 'building the image',
  push: 'pushing the image',
  preview: 'planning',
  'awaiting-approval': 'waiting for a decision',
  apply: 'applying',
  done: 'done',
};

/** `stopped`: nobody watches any more, which says nothing about the phase. */
export type PhaseEnd = 'done' | 'failed' | 'stopped';

export interface PhaseWatch {
  /** Shows the phase of now, not of the last look. */
  refresh(): Promise<void>;
  /** Ends the watching and closes the phase that is shown; safe to call again. */
  stop(how?: PhaseEnd): Promise<void>;
}

/** Shows the phases until the operation ends or `stop` is called; trouble with watching never fails the command. */
export function followPhases(
  client: IacClient,
  target: OperationTarget,
  { terminal, signal }: CommandContext,
): PhaseWatch {
  const ended = new AbortController();
  let shown: Phase | undefined;
  const show = (phase: Phase | undefined, how: PhaseEnd = 'done'): void => {
    if (phase === shown) return;
    if (shown !== undefined && how !== 'stopped') terminal.progress.end(shown, how);
    else if (shown !== undefined) terminal.progress.drop(shown);
    shown = phase === 'done' ? undefined : phase;
    if (shown !== undefined) terminal.progress.start(shown, LABEL[shown]);
  };
  const watching = (async () => {
    try {
      const combined = AbortSignal.any([signal, ended.signal]);
      for await (const state of client.follow(target, { signal: combined, interval: 300 })) {
        if (combined.aborted) return;
        show(state.phase);
        if (shown !== undefined)
          terminal.progress.update(shown, state.retry === undefined ? '' : retryLine(state.retry));
      }
    } catch {
      // No worker or no server for a moment: what waits for the result says so.
    }
  })();
  return {
    async refresh() {
      show(
        await client.state(target).then(
          ({ phase }) => phase,
          () => shown,
        ),
      );
    },
    async stop(how) {
      ended.abort();
      await watching;
      show(undefined, how);
    },
  };
}
