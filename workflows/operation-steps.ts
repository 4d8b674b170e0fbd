/** The steps of an operation. */
import { CancellationScope, workflowInfo } from '@temporalio/workflow';
import type {
  Executed,
  Mutation,
  PlannedChanges,
  Preparation,
  ResolvedImage,
} from '../src/operation/types.js';
import { shortDigest } from './current-details.js';
import { applicationFailure } from './failures.js';
import { defined, summaryLine, type Operation } from './operation.js';
import { buildActivities, containerActivities, light, waiting } from './policies.js';

/** What has to be known before anything runs. A store that does not answer at once is waited for where a cancel is heard. */
export async function prepare({ input }: Operation): Promise<Preparation> {
  const { workflowId, runId } = workflowInfo();
  const summary = summaryLine(`prepare ${input.stackId}`);
  const request = { input, run: { workflowId, runId } };
  const prepared = await light.prepare.executeWithOptions({ summary }, [request]);
  if (!('later' in prepared)) return prepared;
  return waiting.prepareLater.executeWithOptions({ summary }, [request]);
}

/** Brings what an earlier operation left behind to its end. */
export async function settle(operation: Operation, prepared: Preparation): Promise<void> {
  const { input } = operation;
  const settled = await withContainer(operation, {}, () =>
    containerActivities(prepared.dockerId, input).settle.executeWithOptions(
      {
        summary: summaryLine(`settle the ${prepared.leftOver?.operation ?? 'run'} left behind`),
      },
      [{ stackId: input.stackId }],
    ),
  );
  operation.notices.push(settled.notice);
}

/** Builds or pulls the image, and pushes it where the worker has a registry. */
export async function build(operation: Operation, prepared: Preparation): Promise<ResolvedImage> {
  const { input, progress } = operation;
  const { source, module, dockerId } = prepared;
  if (source === undefined) {
    throw applicationFailure({
      code: 'InternalError',
      message: 'neither an image nor a source was resolved',
    });
  }
  const activities = buildActivities(dockerId);
  progress.enter('build', { module });
  const built = await activities.build.executeWithOptions(
    { summary: summaryLine(`build ${module}`) },
    [{ input, source }],
  );
  operation.notices.push(...built.notices);
  if (!built.push) return built.image;
  progress.enter('push');
  return activities.push.executeWithOptions({ summary: summaryLine(`push ${built.image.name}`) }, [
    defined({ stackId: input.stackId, image: built.image, platforms: built.platforms }),
  ]);
}

/** Plans; each round has a container of its own. */
export async function preview(
  operation: Operation,
  prepared: Preparation,
  image: ResolvedImage,
  mutation: Mutation,
  round: number,
): Promise<PlannedChanges> {
  const { input, progress } = operation;
  const { module, dockerId, plan } = prepared;
  const containerKey = `${workflowInfo().runId}/${round}`;
  progress.enter('preview', { module, engine: image.engine, image: image.reference });
  return withContainer(operation, { key: containerKey }, () =>
    containerActivities(dockerId, input).preview.executeWithOptions(
      { summary: summaryLine(`preview ${mutation} ${input.stackId}`) },
      [
        defined({
          input,
          operation: mutation,
          image,
          containerKey,
          lock: input.operation !== 'preview',
          basedOn: plan?.view.planDigest,
        }),
      ],
    ),
  );
}

/** Carries out the plan. */
export async function execute(
  operation: Operation,
  plan: PlannedChanges,
  image: ResolvedImage,
  mutation: Mutation,
): Promise<Executed> {
  const { input, progress, dockerId = '' } = operation;
  const { limits, credentials, options, requestedBy, reason } = input;
  const { planDigest } = plan.view;
  progress.enter('apply', { plan: planDigest });
  return withContainer(operation, {}, () =>
    containerActivities(dockerId, input).execute.executeWithOptions(
      { summary: summaryLine(`${mutation} ${input.stackId} ${shortDigest(planDigest)}`) },
      [
        defined({
          stackId: input.stackId,
          operation: mutation,
          planDigest,
          image,
          input: defined({ limits, credentials, options, requestedBy, reason }),
          decisions: progress.state.decisions,
          knownLoss: operation.knownLoss,
        }),
      ],
    ),
  );
}

async function withContainer<T>(
  operation: Operation,
  container: { readonly key?: string },
  step: () => Promise<T>,
): Promise<T> {
  const scope = new CancellationScope();
  let givenUp: string | undefined;
  const giveUp = (why: string): void => {
    givenUp = why;
    scope.cancel();
  };
  operation.container = { ...container, giveUp };
  try {
    return await scope.run(step);
  } catch (error) {
    if (givenUp === undefined) throw error;
    throw applicationFailure({ code: 'OperationCanceled', message: givenUp });
  } finally {
    delete operation.container;
  }
}
