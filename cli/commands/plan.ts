/** `plan show` and `plan list`: plans, whole and masked. */
import { CodedError } from '../../src/errors.js';
import type { PlanView } from '../../src/contract/operation.js';
import type { CommandContext } from '../command-context.js';
import type { RegisterCommand } from '../program.js';
import { operationTarget } from '../operation-target.js';
import { renderPlan } from '../render/plan.js';
import { renderTable } from '../render/table.js';
import { shortDigest } from '../short-digest.js';
import { withClient } from '../with-client.js';
import { withStore } from '../with-store.js';

export const registerPlan: RegisterCommand = (program, run) => {
  const plan = program.command('plan').description('read plans');
  plan
    .command('show <stack> [digest]')
    .usage('[options] <stack> [digest] | <digest>')
    .description("show a plan: of the stack's newest operation, or one that is saved in the store")
    .option('--run <id>', 'of this run instead of the newest')
    .option('--preview <workflow>', 'of this preview (its workflow id) instead')
    .addHelpText(
      'after',
      `
A stack alone: the plan of its newest operation, from the running worker; the latest in the store when Temporal knows
that operation no more. A digest (whole, its first 16 digits, or with a stack "latest") reads the store, which needs its
key, and shows every change.

Examples:
  cldctl-iac plan show my-db
  cldctl-iac plan show my-db latest
  cldctl-iac plan show 5d1c2e3f4a5b6c7d`,
    )
    .action(
      run(
        async (
          context,
          stack: string,
          digest: string | undefined,
          flags: { run?: string; preview?: string },
        ) => {
          const view =
            digest !== undefined
              ? await savedPlan(stack, digest, context)
              : DIGEST.test(stack)
                ? await savedPlan(undefined, stack, context)
                : await newestPlan(stack, flags, context);
          const { terminal } = context;
          terminal.print(
            ...renderPlan(view, terminal.style),
            '',
            `Plan     ${view.planDigest}`,
            `Changes  ${view.changesDigest}`,
            `Image    ${view.image}`,
            `Tool     ${view.engine} ${view.toolVersion}`,
            `Made     ${view.createdAt}, holds until ${view.expiresAt}`,
          );
          terminal.document(view);
        },
      ),
    );
  plan
    .command('list <stack>')
    .description("list a stack's saved plans, newest last (needs the store's key)")
    .addHelpText(
      'after',
      '\nWith --json: NDJSON, one plan a line.\n\nExamples:\n  cldctl-iac plan list my-db',
    )
    .action(
      run(async (context, stack: string) => {
        const { listPlans } = await import('../../src/plan/plan-store.js');
        await withStore(context, async (store) => {
          const rows: string[][] = [];
          for await (const { digest, createdAt } of listPlans(store, stack)) {
            context.terminal.document({ stackId: stack, digest, createdAt });
            rows.push([shortDigest(digest), createdAt.toISOString()]);
          }
          context.terminal.print(...renderTable(['PLAN', 'MADE'], rows, context.terminal.style));
        });
      }),
    );
};

/** A digest, or its beginning, where a stack could be named. */
const DIGEST = /^(sha256:[0-9a-f]{16,64}|[0-9a-f]{16,64})$/;

/** The plan of the newest operation; from the store when the server has forgotten it. */
async function newestPlan(
  stack: string,
  flags: { run?: string; preview?: string },
  context: CommandContext,
): Promise<PlanView> {
  try {
    return await askedPlan(stack, flags, context);
  } catch (error) {
    const isForgotten = error instanceof CodedError && error.code === 'OperationNotFound';
    if (!isForgotten || flags.run !== undefined || flags.preview !== undefined) throw error;
    return savedPlan(stack, 'latest', context).catch(() => {
      throw error;
    });
  }
}

async function askedPlan(
  stack: string,
  flags: { run?: string; preview?: string },
  context: CommandContext,
): Promise<PlanView> {
  const view = await withClient(context, (client) => client.plan(operationTarget(stack, flags)));
  if (view !== undefined) return view;
  throw new CodedError(
    'PlanNotFound',
    `the operation of ${stack} has no plan yet; look at: cldctl-iac status ${stack}`,
  );
}

async function savedPlan(
  stack: string | undefined,
  digest: string,
  context: CommandContext,
): Promise<PlanView> {
  const [{ loadPlan }, { planView }] = await Promise.all([
    import('../../src/plan/plan-store.js'),
    import('../../src/plan/view.js'),
  ]);
  return withStore(context, async (store) =>
    planView(await loadPlan(store, stack, digest, { allowExpired: true }), Infinity),
  );
}
