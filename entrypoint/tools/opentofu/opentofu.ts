import type {
  Action,
  Failure,
  ModuleRequest,
  ModuleResponse,
} from '../../../src/contract/index.js';
import { FailureError } from '../../failure-error.js';
import type { EngineTool, ToolContext } from '../tool.js';
import { applyPlan, approvedChanges, checkApprovedPlan } from './apply.js';
import { hasModuleFiles } from './module-files.js';
import { makePlan, type PlanKind } from './plan.js';
import { prepareOpentofu } from './prepare.js';
import { releaseLock } from './release-lock.js';
import { openSession, type Session } from './session.js';

/** OpenTofu 1.12 as an engine. */
export function createOpentofu(): EngineTool {
  return {
    engine: 'opentofu',
    detect: hasModuleFiles,
    prepare: prepareOpentofu,
    run: runOpentofu,
  };
}

async function runOpentofu(context: ToolContext, request: ModuleRequest): Promise<ModuleResponse> {
  const { action } = request;
  if (action !== 'preview' && request.options?.lock === false)
    throw new FailureError(
      'InvalidInput',
      'options.lock: false is for looking only: an operation that writes takes the lock',
    );
  const session = await openSession(context, request);
  if ('failure' in session) return failed(action, session.failure);
  if (request.unlock !== undefined) await releaseLock(session, request.unlock);
  if (action === 'preview') {
    return (await makePlan(session, request.preview_of ?? 'apply')).answer;
  }
  return request.plan === undefined ? planAndApply(session, action) : applyApproved(session);
}

async function applyApproved(session: Session): Promise<ModuleResponse> {
  const path = await checkApprovedPlan(session);
  const changes = approvedChanges(session);
  const destroys = session.request.action === 'destroy';
  return { ...(await applyPlan(session, { path, changes, destroys })), approved: true };
}

/** Plans and applies at once: nobody has approved. A plan without changes is applied too: the outputs are the answer. */
async function planAndApply(session: Session, kind: PlanKind): Promise<ModuleResponse> {
  const { context } = session;
  const { answer, changes } = await makePlan(session, kind);
  if (!answer.success) return { ...answer, approved: false };
  const applied = await applyPlan(session, {
    path: context.paths.plan,
    changes,
    destroys: kind === 'destroy',
  });
  // The state before the apply must not stand in for one that could not be read after it.
  const { plan: _file, state: _before, ...planned } = answer;
  return { ...planned, ...applied, approved: false };
}

function failed(action: Action, failure: Failure): ModuleResponse {
  return { success: false, action, outputs: {}, failure };
}
