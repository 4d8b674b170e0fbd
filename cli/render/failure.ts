/** What an error carries besides its one line: findings of the tool, its last words, what was done before. */
import * as z from 'zod';
import { receiptSchema, type Receipt } from '../../src/contract/change.js';
import type { Diagnostic, Failure } from '../../src/contract/error-code.js';
import { printable } from './printable.js';
import { renderReceipt } from './receipt.js';
import type { Style } from './style.js';

const detailWithReceipt = z.looseObject({
  receipt: receiptSchema.optional(),
  /** A cancelled operation carries its whole result. */
  result: z.looseObject({ receipt: receiptSchema.optional() }).optional(),
});

/** Lines below the error's own; none when it says everything. */
export function renderFailure(failure: Failure, style: Style): string[] {
  const { detail } = failure;
  const findings = detail?.diagnostics ?? [];
  const tail = findings.length > 0 ? undefined : detail?.logTail;
  const receipt = receiptOf(detail);
  return [
    ...findings.flatMap((finding) => findingLines(finding, style)),
    ...(tail === undefined || tail.trim() === '' ? [] : indent(tail)),
    ...(receipt === undefined ? [] : renderReceipt(receipt, style)),
  ];
}

function findingLines(finding: Diagnostic, style: Style): string[] {
  const { file, line, summary, detail, snippet, resource } = finding;
  const place = file === undefined ? '' : `${file}${line === undefined ? '' : `:${line}`}: `;
  const about = resource === undefined ? '' : ` (${resource})`;
  return [
    ...indent(`${place}${summary}${about}`).map(style.bold),
    ...(snippet === undefined ? [] : indent(snippet, '      ')),
    ...(detail === undefined ? [] : indent(detail)),
  ];
}

function receiptOf(detail: Failure['detail']): Receipt | undefined {
  const parsed = detailWithReceipt.safeParse(detail ?? {});
  return parsed.data?.receipt ?? parsed.data?.result?.receipt;
}

function indent(text: string, by = '  '): string[] {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => `${by}${printable(line, '\t')}`);
}
