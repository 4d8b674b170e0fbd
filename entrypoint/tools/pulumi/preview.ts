/** Shows what an action would do, and leaves a plan of it. */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { relative } from 'node:path';
import {
  parseJsonFast,
  summarize,
  type Change,
  type ModuleResponse,
} from '../../../src/contract/index.js';
import { changeLists } from '../../output/change-lists.js';
import type { ChangeCollector } from './change-collector.js';
import { driftChanges, outputChanges, planChanges, type StoredProperties } from './changes.js';
import { stackOutputs } from './checkpoint.js';
import { previewCommand } from './command-line.js';
import type { Properties } from './engine-event.js';
import { warningNotices } from './notices.js';
import { writePlan } from './plan-file.js';
import { hasUnknown, revealSecrets, type Masking } from './property-value.js';
import { failedAnswer, stateAnswer, toolVersion, type Session } from './session.js';
import { saltOf } from './stack-secrets.js';

/** A plan that was made: the answer to a preview, and what it names for the receipt. */
export interface Planned {
  readonly answer: ModuleResponse;
  readonly changes: readonly Change[];
}

/** Runs the preview of the session's action. */
export async function makePreview(session: Session): Promise<Planned> {
  const { context, action, line, state } = session;
  const { paths } = context;
  for (const path of [paths.plan, paths.changes, paths.drift]) rmSync(path, { force: true });
  const end = await session.cli({
    step: 'plan',
    argv: previewCommand(action, line),
    cwd: context.moduleDirectory,
  });
  const version = await toolVersion(context, session.cli);
  const base = {
    action: session.request.action,
    outputs: {},
    tool: { name: 'pulumi', version },
    state: stateAnswer(session, state),
    notices: [
      ...session.notices,
      ...pendingNotices(session),
      ...warningNotices(end.diagnostics, context.redactor),
    ],
  };
  if (!end.succeeded) {
    const { failure, lock } = failedAnswer(session, end);
    const locked = lock === undefined ? {} : { state: { ...base.state, lock } };
    return { answer: { ...base, ...locked, success: false, failure }, changes: [] };
  }
  const updatePlan =
    action === 'apply' && line.updatePlan !== undefined && existsSync(line.updatePlan)
      ? readFileSync(line.updatePlan, 'utf8')
      : undefined;
  const config = readFileSync(line.configFile, 'utf8');
  const content = await readPreview(session, end.changes, updatePlan, config);
  const plan = writePlan(paths.plan, {
    format: 'cldctl-pulumi-plan/1',
    action,
    stack: session.name.full,
    toolVersion: version,
    fingerprint: state?.fingerprint ?? null,
    inputs: session.inputs,
    options: session.request.options ?? {},
    imports: [...(session.request.imports ?? [])],
    config,
    changes: action === 'refresh' ? content.drift : content.changes,
    ...(updatePlan === undefined ? {} : { updatePlan }),
  });
  return {
    changes: action === 'refresh' ? content.drift : content.changes,
    answer: {
      ...base,
      success: true,
      ...changeLists(content, paths),
      output_changes: content.outputChanges,
      summary: summarize(content.changes, content.outputChanges.length),
      has_unknown: content.hasUnknown,
      plan: { path: relative(paths.root, paths.plan), ...plan },
    },
  };
}

interface PreviewContent {
  readonly changes: Change[];
  readonly drift: Change[];
  readonly outputChanges: NonNullable<ModuleResponse['output_changes']>;
  readonly hasUnknown: boolean;
}

async function readPreview(
  session: Session,
  collected: ChangeCollector,
  updatePlan: string | undefined,
  config: string,
): Promise<PreviewContent> {
  const { action, request, state, secrets, context } = session;
  const key = request.mask_key === undefined ? undefined : Buffer.from(request.mask_key, 'base64');
  const planned = updatePlan === undefined ? {} : plannedProperties(updatePlan);
  const stored = storedProperties(session, planned);
  // Without a key nothing has to be opened: `true` stands for every secret.
  const salt =
    saltOf(state?.deployment) ??
    (parseJsonFast(config) as { encryptionsalt?: string }).encryptionsalt;
  const open =
    key === undefined
      ? () => undefined
      : await secrets.opener(salt, state?.deployment.resources, planned);
  const masking: Masking = { key, open, isSecret: context.redactor.matches };

  const changes =
    action === 'refresh'
      ? []
      : sorted(planChanges(collected.resources(), stored, masking, request.options?.replace ?? []));
  const drift = sorted(driftChanges(collected.drift(), stored, masking));
  const outputs = action === 'import' ? [] : previewedOutputs(session, collected, planned, masking);
  return {
    changes,
    drift,
    outputChanges: outputs,
    hasUnknown: [...changes, ...outputs].some(({ after }) => hasUnknown(after ?? null)),
  };
}

/** The engine works on several resources at once: its order differs from run to run. */
function sorted(changes: readonly Change[]): Change[] {
  return [...changes].sort((a, b) =>
    a.resource < b.resource ? -1 : a.resource > b.resource ? 1 : 0,
  );
}

function storedProperties(session: Session, planned: Record<string, Properties>): StoredProperties {
  const before = new Map(
    (session.state?.deployment.resources ?? []).map(({ urn, inputs, outputs }) => [
      urn,
      { ...inputs, ...outputs },
    ]),
  );
  return { before: (urn) => before.get(urn), after: (urn) => planned[urn] };
}

/** What the update plan says each resource will be. */
function plannedProperties(updatePlan: string): Record<string, Properties> {
  const { resourcePlans = {} } = parseJsonFast(updatePlan) as {
    resourcePlans?: Record<string, { state?: Properties }>;
  };
  return Object.fromEntries(
    Object.entries(resourcePlans).map(([urn, { state }]) => [urn, state ?? {}]),
  );
}

function previewedOutputs(
  { action, state }: Session,
  { stack }: ChangeCollector,
  planned: Record<string, Properties>,
  masking: Masking,
): ReturnType<typeof outputChanges> {
  const before = stackOutputs(state?.deployment ?? {});
  if (action === 'destroy') return outputChanges(before, {}, masking);
  if (action === 'refresh') return [];
  const urn = Object.keys(planned).find((one) => one.includes('::pulumi:pulumi:Stack::'));
  const after = revealSecrets(
    stack.after?.outputs ?? {},
    urn === undefined ? undefined : planned[urn],
  );
  return outputChanges(before, after, masking);
}

function pendingNotices({ state, action }: Session): string[] {
  const pending = state?.deployment.pending_operations ?? [];
  const next =
    action === 'refresh'
      ? 'this refresh drops it from the state: look outside for what it may have made'
      : 'look outside for what it did, then refresh';
  return pending.map(
    ({ type, resource }) =>
      `an earlier run died while ${type} ${resource.urn} was under way: ${next}`,
  );
}
