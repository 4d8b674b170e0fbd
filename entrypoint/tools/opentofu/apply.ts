import { existsSync, readFileSync } from 'node:fs';
import { parseJson, type ModuleResponse } from '../../../src/contract/index.js';
import { FailureError } from '../../failure-error.js';
import { harvestState, type Harvest } from './harvest-state.js';
import { warningNotices } from './notices.js';
import { checkFingerprint, fileDigest } from './plan.js';
import { announcedChanges, createReceipt, type ApprovedChange } from './receipt.js';
import { failedAnswer, toolVersion, type Session } from './session.js';
import { readState, stateAnswer, withOutputs } from './state-access.js';
import { addStateSecrets } from './state-secrets.js';
import { reportErrors } from './report-errors.js';
import type { TofuEnd } from './tofu.js';
import { workspacePath } from '../../locations.js';

/** What is to be applied. */
export interface ApplyPlan {
  readonly path: string;
  /** All its changes when they are known here; else those that the tool announces. */
  readonly changes: readonly ApprovedChange[] | undefined;
  readonly destroys: boolean;
}

/** Checks right before the mutating command that the approved plan still holds. Throws `PlanStale`. */
export async function checkApprovedPlan(session: Session): Promise<string> {
  const { request, context } = session;
  const { plan } = request;
  if (plan === undefined) throw new FailureError('InternalError', 'no plan');
  const path = workspacePath(context.paths, plan.path);
  if (!existsSync(path))
    throw new FailureError('InvalidInput', `plan.path: there is no file ${plan.path}`);
  if (fileDigest(path) !== plan.digest)
    throw new FailureError(
      'PlanStale',
      'the plan file is not the approved one: its digest differs: preview again',
    );
  if (plan.tool_version !== undefined) {
    const version = await toolVersion(session);
    if (version !== plan.tool_version)
      throw new FailureError(
        'PlanStale',
        `the plan was made by OpenTofu ${plan.tool_version}, this image has ${version ?? 'none'}: preview again`,
      );
  }
  return path;
}

/** Applies a plan file and harvests state, outputs and receipt, whatever happens to the tool. */
export async function applyPlan(session: Session, plan: ApplyPlan): Promise<ModuleResponse> {
  const { context, request, tofu } = session;
  const before = await readState(session, { interruptible: true });
  const fingerprint = typeof before === 'string' ? null : before.fingerprint;
  checkFingerprint(session, fingerprint);
  if (context.interruption.requested)
    throw new FailureError('ModuleFailed', 'interrupted before anything was changed', {
      interrupted: true,
    });
  const { parallelism, lock_timeout: lockTimeout } = request.options ?? {};
  context.journal.mutating(request.action);
  const end = await tofu({
    step: 'apply',
    arguments: [
      'apply',
      '-input=false',
      '-no-color',
      ...session.variables,
      ...(parallelism === undefined ? [] : [`-parallelism=${parallelism}`]),
      ...(lockTimeout === undefined ? [] : [`-lock-timeout=${lockTimeout}s`]),
      // Objects that the approved plan forgets stay on purpose.
      ...(plan.destroys ? ['-suppress-forget-errors'] : []),
      plan.path,
    ],
  });
  context.journal.ended(end);
  const harvest = await harvestState(session, end);
  const { state } = harvest;
  if (typeof state !== 'string' && end.exitCode !== 0) addStateSecrets(context.redactor, state);
  reportErrors(context, end);

  const written = typeof state !== 'string' && state.fingerprint !== fingerprint;
  const succeeded = end.exitCode === 0 && harvest.failure === undefined;
  const known = stateAnswer(session, state, harvest.file);
  const pending = succeeded ? [] : pendingOperations(end.stream.open);
  return {
    action: request.action,
    outputs: succeeded && typeof state !== 'string' ? await withOutputs(session, state) : {},
    receipt: createReceipt(
      plan.changes ?? announcedChanges(end.stream.planned),
      end.stream.ended,
      end.exitCode === 0,
      written,
    ),
    tool: { name: 'opentofu', version: end.stream.version ?? '' },
    notices: [...session.notices, ...warningNotices(end.stream.diagnostics, context.redactor)],
    ...(succeeded ? { success: true } : { success: false, ...applyFailure(session, end, harvest) }),
    ...(known === undefined
      ? {}
      : { state: { ...known, ...(pending.length === 0 ? {} : { pending }) } }),
  };
}

/** The approved changes, when they came along with the plan. */
export function approvedChanges(session: Session): ApprovedChange[] | undefined {
  const path = session.context.paths.changes;
  if (!existsSync(path)) return undefined;
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => parseJson(line) as unknown as ApprovedChange);
}

/** A tool that was killed leaves its outcome open; a state that was saved after all is said in the failure. */
function applyFailure(
  session: Session,
  end: TofuEnd,
  harvest: Harvest,
): Pick<ModuleResponse, 'failure' | 'state'> {
  const answer = failedAnswer(session, 'apply', end);
  const { failure } = answer;
  if (failure === undefined) return answer;
  if (harvest.failure !== undefined)
    return { ...answer, failure: { ...harvest.failure, detail: { ...failure.detail } } };
  if (end.signal !== undefined)
    return {
      failure: {
        ...failure,
        code: 'OutcomeUnknown',
        message: `tofu was ended by ${end.signal} while it applied: the state has what was saved by then, refresh before the next apply`,
      },
    };
  if (harvest.recovered)
    return {
      failure: {
        ...failure,
        code: 'ModuleFailed',
        message: `the tool could not save its state (it was recovered from its emergency copy): ${failure.message}`,
      },
    };
  return answer;
}

function pendingOperations(open: ReadonlySet<string>): { resource: string; operation: string }[] {
  return [...open].map((key) => {
    const space = key.indexOf(' ');
    return { operation: key.slice(0, space), resource: key.slice(space + 1) };
  });
}
