/** A plan as lines for a terminal, as readable as the tool's own: what drifted, what will happen, why, and how much. */
import type { Change, ChangeSummary, Check, OutputChange } from '../../src/contract/change.js';
import { hasChanges } from '../../src/contract/change.js';
import type { PlanView } from '../../src/contract/operation.js';
import { blockLabel, headerLines, symbolOf } from './change-header.js';
import { renderLostRun } from './lost-run.js';
import { printable } from './printable.js';
import type { Style } from './style.js';
import { diffMembers, diffValue, paintMark, type DiffContext } from './value-diff.js';

/** What can be rendered as a plan: a plan view, or the answer of a module to a preview. */
export type RenderablePlan = Pick<
  PlanView,
  'summary' | 'changes' | 'changeCount' | 'outputChanges' | 'drift' | 'checks' | 'notices'
> &
  Partial<Pick<PlanView, 'operation' | 'driftSummary' | 'link' | 'lostRun'>>;

const SHOWN_UNCHANGED = new Set(['id', 'name', 'tags']);

/** Lines of a whole plan, from drift to the line of counts; pure. */
export function renderPlan(plan: RenderablePlan, style: Style): string[] {
  const sections: string[][] = [];
  if (plan.lostRun !== undefined) sections.push(renderLostRun(plan.lostRun, style));
  if (plan.drift.length > 0) sections.push(driftLines(plan, style));
  if (plan.changes.length > 0) sections.push(changeLines(plan, style));
  if (plan.outputChanges.length > 0) sections.push(outputLines(plan.outputChanges, style));
  if (plan.checks.length > 0) sections.push(checkLines(plan.checks, style));
  sections.push([countsLine(plan, style)]);
  if (plan.notices.length > 0)
    sections.push(plan.notices.map((notice) => `${style.yellow('notice:')} ${printable(notice)}`));
  return sections.flatMap((section, place) => (place === 0 ? section : ['', ...section]));
}

/** Lines of one change: why, then the attributes. */
export function renderChange(change: Change, style: Style): string[] {
  const symbol = paintMark(symbolOf(change), style);
  const padding = ' '.repeat(Math.max(0, 3 - symbolOf(change).length));
  const context: DiffContext = {
    style,
    forcing: new Set(change.action === 'replace' ? change.replace_reasons : []),
    alwaysShown: SHOWN_UNCHANGED,
    showAll: change.action === 'import',
    omitEmpty: change.action === 'create' || change.action === 'delete',
  };
  const header = headerLines(change, style).map((line) => `  ${line}`);
  const body = diffMembers(change.before, change.after, context, '', '      ');
  const open = `${padding}${symbol} ${blockLabel(change)} {`;
  return body.length === 0 ? header : [...header, open, ...body, '    }'];
}

/** `Plan: 3 to add, 1 to change, 1 to destroy.`: a replacement adds and destroys, so the numbers are the tool's own. */
export function countsLine(
  plan: Pick<RenderablePlan, 'summary' | 'operation' | 'drift' | 'driftSummary'>,
  style: Style,
): string {
  const { summary } = plan;
  const drifted = driftCount(plan);
  if (plan.operation === 'refresh')
    return drifted === 0
      ? `${style.bold(style.green('No drift.'))} What is there matches the state.`
      : `${style.bold('Plan:')} ${drifted} drifted object${drifted === 1 ? '' : 's'} to accept into the state.`;
  if (!hasChanges(summary) && summary.read === 0)
    return `${style.bold(style.green('No changes.'))} What is there matches the configuration.`;
  return `${style.bold('Plan:')} ${counts(summary)}.`;
}

function driftCount({
  drift,
  driftSummary,
}: Pick<RenderablePlan, 'drift' | 'driftSummary'>): number {
  const { output: _output, ...counted } = driftSummary ?? ({} as Partial<ChangeSummary>);
  return Math.max(
    drift.length,
    Object.values(counted).reduce((sum, count) => sum + count, 0),
  );
}

/** The counts of a summary in words: what is added, changed, destroyed, and the rest when there is any. */
export function counts(summary: ChangeSummary): string {
  const words = [
    summary.import > 0 ? `${summary.import} to import` : '',
    `${summary.create + summary.replace} to add`,
    `${summary.update} to change`,
    `${summary.delete + summary.replace} to destroy${summary.replace > 0 ? ` (${summary.replace} replaced)` : ''}`,
    summary.move > 0 ? `${summary.move} to move` : '',
    summary.forget > 0 ? `${summary.forget} to forget` : '',
    summary.read > 0 ? `${summary.read} to read` : '',
    summary.output > 0
      ? `${summary.output} output${summary.output === 1 ? '' : 's'} to change`
      : '',
  ];
  return words.filter((word) => word !== '').join(', ');
}

function changeLines(plan: RenderablePlan, style: Style): string[] {
  const lines = [style.bold('These changes will be made:'), ...legend(plan.changes, style)];
  for (const change of plan.changes) lines.push('', ...renderChange(change, style));
  if (plan.changeCount > plan.changes.length)
    lines.push(
      '',
      `  … and ${plan.changeCount - plan.changes.length} more changes that are not shown here`,
      ...(plan.link === undefined ? [] : [`  all of them: ${plan.link}`]),
    );
  return lines;
}

const LEGEND: readonly (readonly [string, string])[] = [
  ['+', 'create'],
  ['~', 'update in place'],
  ['-', 'destroy'],
  ['-/+', 'destroy and then create replacement'],
  ['+/-', 'create replacement and then destroy'],
  ['<=', 'read during apply'],
  ['.', 'forget'],
];

function legend(changes: readonly Change[], style: Style): string[] {
  const used = new Set(changes.map(symbolOf));
  return LEGEND.filter(([symbol]) => used.has(symbol)).map(
    ([symbol, meaning]) => `${' '.repeat(3 - symbol.length)}${paintMark(symbol, style)} ${meaning}`,
  );
}

function driftLines(
  plan: Pick<RenderablePlan, 'drift' | 'driftSummary' | 'link'>,
  style: Style,
): string[] {
  const lines = [style.bold('Changed outside of this stack since the last operation:')];
  const context: DiffContext = { style, forcing: new Set(), alwaysShown: SHOWN_UNCHANGED };
  for (const change of plan.drift) {
    const gone = change.action === 'delete';
    lines.push(
      '',
      `  # ${style.bold(printable(change.resource))} has ${gone ? 'been deleted' : 'changed'}`,
      `  ${paintMark(gone ? '-' : '~', style)} ${blockLabel(change)} {`,
      ...diffMembers(change.before, change.after, context, '', '      '),
      '    }',
    );
  }
  const left = driftCount(plan) - plan.drift.length;
  if (left > 0)
    lines.push(
      '',
      `  … and ${left} more that are not shown here`,
      ...(plan.link === undefined ? [] : [`  all of it: ${plan.link}`]),
    );
  return lines;
}

function outputLines(changes: readonly OutputChange[], style: Style): string[] {
  const width = Math.max(...changes.map(({ name }) => name.length));
  const context: DiffContext = { style, forcing: new Set(), alwaysShown: new Set() };
  return [
    style.bold('Changes to outputs:'),
    ...changes.flatMap(({ name, before, after }) =>
      diffValue({ text: `${name.padEnd(width)} = `, end: '' }, before, after, context, name, '  '),
    ),
  ];
}

function checkLines(checks: readonly Check[], style: Style): string[] {
  return checks.flatMap(({ address, status, messages }) => [
    `${style.yellow('Check:')} ${printable(address)} ${status === 'unknown' ? 'is known only after apply' : 'did not pass'}`,
    ...messages.map((message) => `    ${printable(message)}`),
  ]);
}
