/** Warnings of the engine as notices. */
import type { Redactor } from '../../redact/redactor.js';
import type { EngineDiagnostic } from './engine-event.js';

/** Where a plugin is says nothing in an image; pending operations are told by us, with their names. */
const KNOWN = /^using pulumi-\S+ from \$PATH|^Attempting to deploy or update resources with/;
const MOST = 20;

/** Each warning once, in one line. */
export function warningNotices(
  diagnostics: readonly EngineDiagnostic[],
  redactor: Redactor,
): string[] {
  const lines = diagnostics
    .filter(({ severity, message }) => severity === 'warning' && !KNOWN.test(message))
    .map(({ message }) => redactor.text(message.replace(/\s+/g, ' ').trim()).slice(0, 500));
  return [...new Set(lines)].slice(0, MOST);
}
