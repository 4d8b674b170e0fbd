/**
 * The Markdown that the Temporal UI shows for a running operation. The page is half a window wide, cuts
 * long lines and what is below its frame (seen in UI 2.42): short lines, the important first.
 */
import {
  summarize,
  type Change,
  type ChangeSummary,
  type Receipt,
} from '../src/contract/change.js';
import type { LostRun } from '../src/contract/lost-run.js';
import type { OperationState, PlanView } from '../src/contract/operation.js';

/** Longest line that the page shows whole. */
export const LINE = 60;
/** Hex digits of a digest that a person types. */
export const DIGEST_PREFIX = 16;
const CHANGES_SHOWN = 20;

const SYMBOL: Readonly<Record<Change['action'], string>> = {
  create: '+',
  update: '~',
  delete: '-',
  replace: '±',
  read: '?',
  move: '>',
  import: '<',
  forget: '.',
};

/** First hex digits of a digest, enough to name a plan. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, DIGEST_PREFIX);
}

/** Counts that are not zero, e.g. `2 create, 1 delete`. */
export function countsLine(summary: ChangeSummary): string {
  const counts = Object.entries(summary).filter(([, count]) => count > 0);
  return counts.length === 0
    ? 'no changes'
    : counts.map(([name, count]) => `${count} ${name}`).join(', ');
}

/** The exact JSON that a person pastes into the update `decide`; one line would lose the form's first click. */
export function decideJson(planDigest: string): string {
  return JSON.stringify(
    { decision: 'approve', planDigest: shortDigest(planDigest), by: 'YOUR NAME' },
    null,
    2,
  );
}

/**
 * Renders state, plan and what else is to be told. The frame is as high as the list of events beside it: a waiting run
 * has few, so what a decision needs takes as few lines as can be. Paragraphs wrap, blocks of code are cut.
 */
export function renderDetails(
  state: OperationState,
  plan: PlanView | undefined,
  told: readonly string[] = [],
): string {
  const asks = plan !== undefined && state.phase === 'awaiting-approval';
  const facts = [
    ...(state.outcome === undefined ? [] : [`outcome: ${state.outcome}`]),
    ...(plan === undefined ? [] : [countsLine(plan.summary)]),
    ...(asks ? [`until ${minute(state.decideUntil)}`] : []),
    ...(plan === undefined || asks ? [] : [`plan \`${shortDigest(plan.planDigest)}\``]),
    ...(state.requestedBy === undefined ? [] : [`asked by ${cut(state.requestedBy, LINE / 2)}`]),
  ];
  const links = [
    ...(plan?.link === undefined ? [] : [`[the whole plan](${plan.link})`]),
    ...(state.logs === undefined ? [] : [`[the log](${state.logs})`]),
  ];
  const paragraphs = [
    `**${state.operation} ${cut(state.stackId, LINE - 32)}**: ${state.phase}`,
    ...told.map((line) => cut(line, LINE)),
    ...(plan?.lostRun === undefined ? [] : [lostLine(plan.lostRun)]),
    facts.join(' · '),
    links.join(' · '),
    ...(asks
      ? ['Send the Update `decide`:', `\`\`\`json\n${decideJson(plan.planDigest)}\n\`\`\``]
      : []),
    ...(plan === undefined ? [] : planLines(plan)),
  ];
  return paragraphs.filter((paragraph) => paragraph !== '').join('\n\n');
}

/** What became of the approved changes, e.g. `receipt: 3 done, 1 failed`. */
export function receiptLine(receipt: Receipt): string {
  const { done, failed, not_reached: notReached, unapproved, unknown = 0 } = receipt;
  const counts = { done, failed, unknown, 'not reached': notReached, unapproved };
  const shown = Object.entries(counts).filter(([, count]) => count > 0);
  const text = shown.map(([name, count]) => `${count} ${name}`).join(', ');
  return `receipt: ${text === '' ? 'nothing was to be done' : text}`;
}

/** That a run was lost before, and what it is known to have done. */
function lostLine({ operation, at, receipt }: LostRun): string {
  const known = receipt === undefined ? '' : ` · ${receiptLine(receipt)}`;
  return `⚠ the ${operation} of ${minute(at)} was lost${known}`;
}

function planLines(plan: PlanView): string[] {
  const rows = plan.changes
    .filter(({ action }) => action !== 'read')
    .slice(0, CHANGES_SHOWN)
    .map((change) => cut(`${SYMBOL[change.action]} ${change.resource}`, LINE));
  const outputs = plan.outputChanges
    .slice(0, CHANGES_SHOWN)
    .map(({ name, action }) => cut(`  output ${name}: ${action}`, LINE));
  const left = plan.changeCount - rows.length;
  const drifted = countsLine(plan.driftSummary ?? summarize(plan.drift, 0));
  const drift = drifted === 'no changes' ? [] : [`changed outside: ${drifted}`];
  const body = [
    ...rows,
    ...(left > 0 && rows.length > 0 ? [`… and ${left} more`] : []),
    ...outputs,
  ];
  return [
    ...(body.length === 0 ? [] : [`\`\`\`\n${body.join('\n')}\n\`\`\``]),
    ...drift,
    ...plan.notices.slice(0, 3).map((notice) => cut(notice, LINE)),
    cut(`image \`${cut(plan.image, LINE - 10)}\``, LINE),
  ];
}

function cut(text: string, length: number): string {
  const line = text.replace(/\s+/g, ' ');
  return line.length <= length ? line : `${line.slice(0, length - 1)}…`;
}

function minute(time: string | undefined): string {
  return time === undefined ? '' : `${time.slice(0, 16).replace('T', ' ')} UTC`;
}
