import type { RetryView } from '../../src/client/index.js';
import { printable } from './printable.js';

/** `try 3 at 14:05:09: RegistryUnavailable: …`, in local time. */
export function retryLine({ attempt, at, reason }: RetryView): string {
  const when = at === undefined ? '' : ` at ${at.toTimeString().slice(0, 8)}`;
  return `try ${attempt}${when}: ${printable(reason)}`;
}
