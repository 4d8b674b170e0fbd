import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import {
  summarize,
  type Action,
  type Change,
  type ModuleResponse,
} from '../../../src/contract/index.js';
import { parseJsonFast } from '../../fast-json.js';
import { changeLists } from '../../output/change-lists.js';
import { FailureError } from '../../failure-error.js';
import { planChanges, planHasUnknown, planOutputChanges } from './changes.js';
import { planChecks } from './checks.js';
import { planDrift } from './drift.js';
import { createMasker } from './mask.js';
import type { PlanJson } from './plan-json.js';
import { failedAnswer, type Session } from './session.js';
import { readState, stateAnswer } from './state-access.js';
import { addStateSecrets } from './state-secrets.js';
import type { TofuEnd } from './tofu.js';
import { warningNotices } from './notices.js';

/** What is planned; the same words as the actions it leads to. */
export type PlanKind = Exclude<Action, 'preview'>;

/** A plan that was made: the answer to a preview, and all its changes for the receipt. */
export interface Planned {
  readonly answer: ModuleResponse;
  readonly changes: readonly Change[];
  /** True when applying the plan would do or write anything. */
  readonly effective: boolean;
}

/** Plans and reads the plan back as changes. A failed plan still tells the changes and checks that were found. */
export async function makePlan(session: Session, kind: PlanKind): Promise<Planned> {
  const { context, tofu } = session;
  const { paths } = context;
  const state = await readState(session, { interruptible: true });
  checkFingerprint(session, typeof state === 'string' ? null : state.fingerprint);
  if (typeof state !== 'string') addStateSecrets(context.redactor, state);
  mkdirSync(dirname(paths.plan), { recursive: true, mode: 0o700 });
  rmSync(paths.plan, { force: true });
  const end = await tofu({ step: 'plan', arguments: ['plan', ...planArguments(session, kind)] });
  if (existsSync(paths.plan)) chmodSync(paths.plan, 0o600);
  const planned = end.exitCode === 0 || end.exitCode === 2;
  const shown =
    existsSync(paths.plan) && !context.interruption.requested ? await showPlan(session) : undefined;
  const content = shown?.plan === undefined ? undefined : readPlan(session, shown.plan, kind);
  const base = {
    action: session.request.action,
    outputs: {},
    ...content?.answer,
    tool: { name: 'opentofu', version: end.stream.version ?? '' },
    notices: [...session.notices, ...warningNotices(end.stream.diagnostics, context.redactor)],
  };
  if (!planned || content === undefined) {
    rmSync(paths.plan, { force: true });
    const answer =
      planned && shown !== undefined
        ? failedAnswer(session, 'show', shown.end)
        : failedAnswer(session, 'plan', end);
    return { answer: { ...base, success: false, ...answer }, changes: [], effective: false };
  }
  const known = stateAnswer(session, state);
  return {
    answer: {
      ...base,
      success: true,
      plan: {
        path: relative(paths.root, paths.plan),
        digest: fileDigest(paths.plan),
        size: statSync(paths.plan).size,
      },
      ...(known === undefined ? {} : { state: known }),
    },
    changes: content.changes,
    effective: end.exitCode === 2,
  };
}

/** Throws `PlanStale` when the state is not the one the request names. */
export function checkFingerprint(session: Session, found: string | null): void {
  const expected = session.request.state?.fingerprint;
  if (expected === undefined || expected === found) return;
  throw new FailureError(
    'PlanStale',
    `the state moved: expected ${expected ?? 'none'}, found ${found ?? 'none'}: preview again`,
  );
}

/** `sha256:…` of a file. */
export function fileDigest(path: string): string {
  return `sha256:${createHash('sha256').update(readFileSync(path)).digest('hex')}`;
}

function planArguments(session: Session, kind: PlanKind): string[] {
  const { request, variables, context } = session;
  const {
    targets = [],
    replace = [],
    parallelism,
    refresh,
    lock,
    lock_timeout: lockTimeout,
  } = request.options ?? {};
  if (replace.length > 0 && (kind === 'destroy' || kind === 'refresh'))
    throw new FailureError('InvalidInput', `options.replace doesn't go with ${kind}`);
  if (refresh === false && kind === 'refresh')
    throw new FailureError('InvalidInput', 'options.refresh must not be false for refresh');
  // An import does what was asked for and nothing besides.
  const imports = kind === 'import' && targets.length === 0 ? (request.imports ?? []) : [];
  const only = [
    ...targets,
    ...imports.map((one) => ('address' in one ? one.address : `${one.type}.${one.name}`)),
  ];
  return [
    '-input=false',
    '-no-color',
    '-detailed-exitcode',
    `-out=${context.paths.plan}`,
    ...variables,
    ...(kind === 'destroy' ? ['-destroy'] : kind === 'refresh' ? ['-refresh-only'] : []),
    ...only.map((address) => `-target=${address}`),
    ...replace.map((address) => `-replace=${address}`),
    ...(parallelism === undefined ? [] : [`-parallelism=${parallelism}`]),
    ...(refresh === false ? ['-refresh=false'] : []),
    ...(lock === false ? ['-lock=false'] : []),
    ...(lockTimeout === undefined ? [] : [`-lock-timeout=${lockTimeout}s`]),
  ];
}

async function showPlan(session: Session): Promise<{ end: TofuEnd; plan?: PlanJson }> {
  const { paths } = session.context;
  const captureTo = join(paths.temporary, 'plan.json');
  const end = await session.tofu({
    step: 'show',
    arguments: ['show', '-json', `-plan=${paths.plan}`],
    captureTo,
  });
  if (end.exitCode !== 0) return { end };
  const plan = parseJsonFast(readFileSync(captureTo, 'utf8')) as unknown as PlanJson;
  rmSync(captureTo);
  return { end, plan };
}

function readPlan(
  session: Session,
  plan: PlanJson,
  kind: PlanKind,
): { answer: Partial<ModuleResponse>; changes: readonly Change[] } {
  const { paths, redactor } = session.context;
  const { mask_key: key } = session.request;
  const masker = createMasker(
    key === undefined ? undefined : Buffer.from(key, 'base64'),
    redactor.matches,
  );
  const changes = kind === 'refresh' ? [] : planChanges(plan, masker);
  const outputChanges = planOutputChanges(plan, masker);
  const drift = planDrift(plan, masker);
  const checks = planChecks(plan).map((check) => ({
    ...check,
    messages: check.messages.map(redactor.text),
  }));
  return {
    changes,
    answer: {
      ...changeLists({ changes, drift }, paths),
      output_changes: outputChanges,
      checks,
      summary: summarize(changes, outputChanges.length),
      has_unknown: planHasUnknown(plan),
    },
  };
}
