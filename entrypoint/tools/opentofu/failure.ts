import type { Diagnostic, ErrorCode, Failure, LockHolder } from '../../../src/contract/index.js';
import { errorsOf, type TofuEnd } from './tofu.js';

interface Row {
  readonly code: ErrorCode;
  readonly summary: RegExp;
  /** Both have to match when it is there. */
  readonly detail?: RegExp;
  /** What to do about it. */
  readonly next?: string;
  /** Only what is about no resource and no place in the module: the backend's words, not a provider's. */
  readonly backend?: true;
}

/** The caller itself, which some backends name when somebody else has the lock: its host, and since when it runs. */
export interface LockSeeker {
  readonly host: string;
  readonly since: Date;
}

const NEW_PREVIEW = 'preview again';
const LOGIN = "look at user and password of the state URL, or of the module's own backend";
const REACH = "look at the state URL, or the module's own backend, and at the network";
/** What is said when a state can't be read or locked; the reason is in the detail. */
const STATE_ACCESS = /^Error (refreshing state|loading state|acquiring the state lock)$/;

/** Which error text of OpenTofu 1.12 means which code; the first row that matches counts, none is `ModuleFailed`. */
const ROWS: readonly Row[] = [
  { code: 'PlanStale', summary: /^Saved plan is stale$/, next: NEW_PREVIEW },
  { code: 'PlanStale', summary: /^Saved plan does not match the given state$/, next: NEW_PREVIEW },
  { code: 'PlanStale', summary: /^Cannot apply incomplete plan$/, next: NEW_PREVIEW },
  {
    code: 'PlanStale',
    summary: /^Failed to (load|read plan from) .*plan file$/,
    next: NEW_PREVIEW,
  },
  { code: 'PlanStale', summary: /^Inconsistent dependency lock file$/, next: NEW_PREVIEW },
  {
    code: 'InvalidInput',
    summary: /^Mismatch between input and plan variable value$/,
    next: 'give the inputs of the preview',
  },
  { code: 'InvalidInput', summary: /^No value for required variable$/ },
  { code: 'InvalidInput', summary: /^Invalid value for (input )?variable$/ },
  {
    code: 'InvalidInput',
    summary: /^Invalid (target|resource address|import address|resource instance)/i,
  },
  { code: 'InvalidInput', summary: /^Configuration for import target does not exist$/ },
  {
    code: 'InvalidInput',
    summary: /^(Cannot import non-existent remote object|Resource already managed by OpenTofu)$/,
  },
  {
    code: 'InvalidConfiguration',
    backend: true,
    summary:
      /password authentication failed|no pg_hba\.conf entry|(role|database) "[^"]*" does not exist/,
    next: LOGIN,
  },
  {
    code: 'InvalidConfiguration',
    summary: /^(error loading state|failed to (load|get) .*state)\b[^]*StatusCode: (401|403)/i,
    next: LOGIN,
  },
  {
    code: 'StoreUnavailable',
    backend: true,
    summary: /dial tcp|connection refused|no such host|i\/o timeout|the database system is/,
    next: REACH,
  },
  {
    code: 'StoreUnavailable',
    summary:
      /^error loading state\b[^]*(dial tcp|StatusCode: 5\d\d|i\/o timeout|giving up after \d)/i,
    next: REACH,
  },
  {
    code: 'InvalidConfiguration',
    backend: true,
    summary: STATE_ACCESS,
    detail: /endpoint (requires|invalid) auth|StatusCode: 40[13]/,
    next: LOGIN,
  },
  {
    code: 'InvalidConfiguration',
    backend: true,
    summary: STATE_ACCESS,
    detail: /Unexpected HTTP response code 4\d\d/,
    next: "look at addresses and methods of the module's own backend",
  },
  {
    code: 'StoreUnavailable',
    backend: true,
    summary: STATE_ACCESS,
    detail:
      /dial tcp|connection refused|connection reset|no such host|i\/o timeout|giving up after \d|internal server error|StatusCode: 5\d\d|HTTP response code 5\d\d/,
    next: REACH,
  },
  {
    code: 'StateDamaged',
    summary: /state lock/,
    detail: /could not be parsed|unsupported state file/i,
  },
  {
    code: 'InvalidConfiguration',
    summary: /state lock/,
    detail: /read-only file system|no space left|permission denied/,
  },
  {
    code: 'StateLocked',
    summary: /^Error acquiring the state lock$/,
    next: 'wait for the holder, or give options.lock_timeout',
  },
  {
    code: 'StateDamaged',
    summary:
      /^(Failed to persist state|Unsupported state file format|State snapshot|Failed to load state|Error refreshing state|Failed to save state)/,
  },
  {
    code: 'InvalidModule',
    summary:
      /^(Backend initialization required|Required plugins are not installed|Module not installed|Inconsistent dependency lock)/,
    next: 'build the image again',
  },
  {
    code: 'InvalidModule',
    summary: /^(Incompatible module|Unsupported OpenTofu Core version)$/,
    next: 'use a base image with that version',
  },
];

/** Why a `tofu` command failed, as data. Undefined diagnostics texts come from its standard error. */
export function classifyFailure(step: string, end: TofuEnd): Failure {
  const errors = errorsOf(end);
  const warnings = end.stream.diagnostics.filter(({ severity }) => severity === 'warning');
  const ranked = errors
    .map((error) => ({ error, row: rowOf(error) }))
    .sort((a, b) => rank(a.row) - rank(b.row));
  const { error, row } = ranked[0] ?? {};
  const detail = {
    diagnostics: [...errors, ...warnings].slice(0, 50),
    ...(end.exitCode === undefined ? {} : { exitCode: end.exitCode }),
    ...(errors.length === 0 && end.errorText !== '' ? { logTail: end.errorText.slice(-4096) } : {}),
  };
  if (error === undefined)
    return { code: 'ModuleFailed', message: `tofu ${step} ${howItEnded(end)}`, detail };
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more)` : '';
  const next = row?.next === undefined ? '' : `: ${row.next}`;
  return { code: row?.code ?? 'ModuleFailed', message: `${oneLine(error)}${more}${next}`, detail };
}

/** Who holds the state's lock, from the text of the error that says so; undefined when it names nobody but the caller itself. */
export function lockHolder(
  diagnostics: readonly Diagnostic[],
  seeker: LockSeeker,
): LockHolder | undefined {
  const text = diagnostics.find(({ summary }) => /state lock/.test(summary))?.detail ?? '';
  const field = (name: string): string | undefined =>
    new RegExp(`^\\s*${name}:[ \\t]*(\\S.*?)\\s*$`, 'm').exec(text)?.[1];
  const [id, said, operation] = [field('ID'), field('Created'), field('Operation')];
  // What a backend leaves out is Go's zero.
  const created = said?.startsWith('0001-') === true ? undefined : said;
  const who =
    field('Who') ?? (id === undefined ? undefined : 'somebody whom the backend does not name');
  if (who === undefined) return undefined;
  if (who.endsWith(`@${seeker.host}`) && madeAt(created) >= seeker.since.getTime())
    return undefined;
  return {
    who,
    ...(id === undefined ? {} : { id }),
    ...(created === undefined ? {} : { created }),
    ...(operation === undefined ? {} : { operation }),
  };
}

/** Go's `2026-01-02 03:04:05.678901234 +0000 UTC`, as OpenTofu makes it, in milliseconds. */
function madeAt(created = ''): number {
  const [, day, time] = /^(\S+) (\d\d:\d\d:\d\d(?:\.\d{1,3})?)\d* \+0000/.exec(created) ?? [];
  return Date.parse(`${day}T${time}Z`);
}

/** `Summary: first sentence of the detail (main.tf:3, aws_x.y)`. */
export function oneLine(diagnostic: Diagnostic): string {
  const detail = diagnostic.detail?.replace(/\s+/g, ' ').trim().slice(0, 300);
  const place = [
    diagnostic.file === undefined ? undefined : `${diagnostic.file}:${diagnostic.line ?? 1}`,
    diagnostic.resource,
  ].filter((part) => part !== undefined && part !== '');
  return `${diagnostic.summary}${detail === undefined ? '' : `: ${detail}`}${place.length === 0 ? '' : ` (${place.join(', ')})`}`;
}

function rowOf(error: Diagnostic): Row | undefined {
  const isBackends = error.resource === undefined && error.file === undefined;
  return ROWS.find(
    ({ summary, detail, backend }) =>
      (backend === undefined || isBackends) &&
      summary.test(error.summary) &&
      (detail === undefined || detail.test(error.detail ?? '')),
  );
}

function rank(row: Row | undefined): number {
  return row === undefined ? ROWS.length : ROWS.indexOf(row);
}

function howItEnded(end: TofuEnd): string {
  if (end.signal !== undefined) return `was ended by ${end.signal}`;
  const text = end.errorText
    .replace(/\u001b\[[\d;]*m/g, '')
    .replace(/\s+/g, ' ')
    .trim();
  return `ended with exit code ${end.exitCode ?? '?'}${text === '' ? '' : `: ${text.slice(0, 300)}`}`;
}
