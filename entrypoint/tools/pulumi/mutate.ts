/** Does what a plan says, and harvests state, outputs and receipt, whatever happens to the CLI. */
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  parseJson,
  type Change,
  type Failure,
  type ModuleResponse,
  type Receipt,
} from '../../../src/contract/index.js';
import { FailureError } from '../../failure-error.js';
import { mutatingCommand } from './command-line.js';
import type { CliEnd } from './cli.js';
import { isOnlyLock } from './failure.js';
import { warningNotices } from './notices.js';
import { readOutputs } from './outputs.js';
import { makeReceipt } from './receipt.js';
import { releaseLocks } from './release-lock.js';
import { failedAnswer, readState, stateAnswer, toolVersion, type Session } from './session.js';

const LOCK_POLL = 1000;

/** Runs the mutating command under the plan. Throws `FailureError` only before anything was changed. */
export async function runPlan(
  session: Session,
  approved: readonly Change[],
): Promise<ModuleResponse> {
  const { context, action, line, request } = session;
  const version = await toolVersion(context, session.cli);
  const expected = request.plan?.tool_version;
  if (expected !== undefined && expected !== version)
    throw new FailureError(
      'PlanStale',
      `the plan was made by Pulumi ${expected}, this image has ${version}: preview again`,
    );
  deriveKeyAhead(session);
  const end = await runUnlocked(session, mutatingCommand(action, line));
  const state = await readState(session);
  if (state !== undefined) await session.secrets.redactState(state.deployment, context.redactor);
  const done = action === 'refresh' ? end.changes.drift() : end.changes.resources();
  const receipt = makeReceipt(approved, done, end.succeeded);
  const failure = failureAfter(session, end, receipt);
  const lock = end.succeeded ? undefined : failedAnswer(session, end).lock;
  return {
    action: request.action,
    success: failure === undefined,
    outputs:
      failure === undefined
        ? await readOutputs(state?.deployment, session.secrets, context.redactor)
        : {},
    receipt,
    tool: { name: 'pulumi', version },
    state: { ...stateAnswer(session, state), ...(lock === undefined ? {} : { lock }) },
    notices: [...session.notices, ...warningNotices(end.diagnostics, context.redactor)],
    ...(failure === undefined ? {} : { failure }),
  };
}

/** Secrets of the inputs come back in the outputs: the key that opens them is derived while the CLI works. */
function deriveKeyAhead({ line, secrets }: Session): void {
  const config = readFileSync(line.configFile, 'utf8');
  const { encryptionsalt: salt } = parseJson(config) as { encryptionsalt?: string };
  if (salt === undefined || !config.includes('"secure"')) return;
  // A wrong passphrase is told by who needs the key.
  secrets.encryption(salt).catch(() => undefined);
}

/** The CLI knows no lock timeout: it is asked again until the time is over. A lock that is to be released is, once. */
async function runUnlocked(session: Session, argv: [string, ...string[]]): Promise<CliEnd> {
  const { context, cli, home, line } = session;
  let { unlock } = session.request;
  const deadline = performance.now() + (line.options.lock_timeout ?? 0) * 1000;
  for (;;) {
    if (context.interruption.requested)
      throw new FailureError('ModuleFailed', 'interrupted before anything was changed', {
        interrupted: true,
      });
    context.journal.mutating(session.action);
    const end = await cli({
      step: session.action,
      argv,
      cwd: context.moduleDirectory,
      mutates: true,
      onPause: home.mirror,
    });
    context.journal.ended(end);
    const locked = !end.succeeded && failedAnswer(session, end).failure.code === 'StateLocked';
    if (locked && unlock !== undefined && isOnlyLock(end.failed.standardError, unlock)) {
      await releaseLocks(session, unlock);
      unlock = undefined;
      continue;
    }
    if (!locked || performance.now() + LOCK_POLL > deadline) return end;
    await sleep(LOCK_POLL);
  }
}

function failureAfter(session: Session, end: CliEnd, receipt: Receipt): Failure | undefined {
  const { failure } = end.succeeded ? { failure: undefined } : failedAnswer(session, end);
  if (failure?.code === 'StateLocked') return failure;
  if (receipt.unapproved > 0) {
    const names = receipt.entries.filter(({ status }) => status === 'unapproved');
    return {
      code: 'PlanViolated',
      message: `${receipt.unapproved} change(s) were made that nobody approved: ${names
        .slice(0, 3)
        .map(({ action, resource }) => `${action} ${resource}`)
        .join(', ')}`,
      detail: failure?.detail ?? {},
    };
  }
  if (failure !== undefined && end.signal !== undefined)
    return {
      ...failure,
      code: 'OutcomeUnknown',
      message: `pulumi was ended by ${end.signal} while it worked: the state has what was saved by then, refresh before the next apply`,
    };
  if (failure !== undefined && end.exitCode === 0)
    return {
      ...failure,
      code: 'OutcomeUnknown',
      message: `${failure.message}: refresh before the next apply`,
    };
  return failure;
}
