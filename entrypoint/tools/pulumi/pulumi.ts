/** Pulumi as an engine. */
import type { ModuleRequest, ModuleResponse } from '../../../src/contract/index.js';
import { FailureError } from '../../failure-error.js';
import type { EngineTool, ToolContext } from '../tool.js';
import { runPlan } from './mutate.js';
import { preparePulumi } from './prepare.js';
import { makePreview } from './preview.js';
import { findProjectFile } from './project-file.js';
import { releaseLocks } from './release-lock.js';
import { openSession } from './session.js';

/** Pulumi 3 as an engine. */
export function createPulumi(): EngineTool {
  return {
    engine: 'pulumi',
    detect: (directory) => findProjectFile(directory) !== undefined,
    prepare: preparePulumi,
    run: runPulumi,
  };
}

async function runPulumi(context: ToolContext, request: ModuleRequest): Promise<ModuleResponse> {
  const { action } = request;
  checkOptions(request);
  const session = await openSession(context, request);
  // A preview takes no lock and so sees none: whoever asks this of one has said that its holder is gone.
  if (action === 'preview' && request.unlock !== undefined)
    await releaseLocks(session, request.unlock);
  if (action === 'preview') return (await makePreview(session)).answer;
  if (session.plan !== undefined)
    return { ...(await runPlan(session, session.plan.changes)), approved: true };
  const { answer, changes } = await makePreview(session);
  if (!answer.success) return { ...answer, approved: false };
  const { plan: _file, ...planned } = answer;
  return { ...planned, ...(await runPlan(session, changes)), approved: false };
}

function checkOptions({ action, preview_of: previewOf, options = {} }: ModuleRequest): void {
  const kind = action === 'preview' ? (previewOf ?? 'apply') : action;
  const refuse = (message: string): never => {
    throw new FailureError('InvalidInput', message);
  };
  if (action !== 'preview' && options.lock === false)
    refuse('options.lock: false is for looking only: an operation that writes takes the lock');
  if ((options.replace ?? []).length > 0 && kind !== 'apply')
    refuse(`options.replace doesn't go with ${kind}`);
  if (options.refresh === false && kind === 'refresh')
    refuse('options.refresh must not be false for refresh');
  if (options.keep_backend === true)
    refuse('options.keep_backend is not possible with Pulumi: name the backend in state.url');
}
