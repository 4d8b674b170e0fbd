import type { Diagnostic } from '../../../src/contract/index.js';
import type { Redactor } from '../../redact/redactor.js';
import { oneLine } from './failure.js';

/** Warnings that say nothing new: the answer tells checks by itself, and the caller chose the targets. */
const KNOWN =
  /^(Check block assertion failed|Resource targeting is in effect|Applied changes may be incomplete|Values? for undeclared variables?)/;
const MOST = 20;

/** The tool's warnings as notices, each once. */
export function warningNotices(diagnostics: readonly Diagnostic[], redactor: Redactor): string[] {
  const lines = diagnostics
    .filter(({ severity, summary }) => severity === 'warning' && !KNOWN.test(summary))
    .map((diagnostic) => redactor.text(oneLine(diagnostic)));
  return [...new Set(lines)].slice(0, MOST);
}
