import { ApplicationFailure, CancelledFailure } from '@temporalio/common';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ErrorCode } from '../../../src/contract/error-code.js';
import type {
  OperationInput,
  OperationResult,
  OperationState,
  PlanView,
} from '../../../src/contract/operation.js';
import type { Executed, PlannedChanges, Preparation } from '../../../src/operation/types.js';
import {
  PENDING,
  WorkflowSandbox,
  type ActivityMocks,
  type Run,
} from '../../support/workflow-runs.js';

const HOUR = 3_600_000;
const none = {
  create: 0,
  update: 0,
  delete: 0,
  replace: 0,
  read: 0,
  move: 0,
  import: 0,
  forget: 0,
  output: 0,
};
const image = {
  reference: 'sha256:1',
  imageId: 'sha256:1',
  name: 'module:1',
  engine: 'opentofu' as const,
};
const digest = (letter: string): string => `sha256:${letter.repeat(64)}`;

function plan(letter: string, change: Partial<PlanView> = {}, basis = 'basis'): PlannedChanges {
  return {
    basis,
    view: {
      planDigest: digest(letter),
      changesDigest: digest('c'),
      operation: 'apply',
      stackId: 'demo',
      image: image.reference,
      engine: 'opentofu',
      toolVersion: '1.12.6',
      stateFingerprint: null,
      summary: { ...none, create: 2 },
      changes: [],
      changeCount: 2,
      outputChanges: [],
      drift: [],
      checks: [],
      notices: [],
      hasUnknown: false,
      createdAt: '2026-01-01T00:00:00.000Z',
      expiresAt: '2026-01-08T00:00:00.000Z',
      ...change,
    },
  };
}

const prepared: Preparation = { dockerId: 'ENGINE', module: 'module:1', image };
const executed: Executed = {
  interrupted: false,
  receipt: { done: 2, failed: 0, not_reached: 0, unapproved: 0, entries: [] },
  outputs: { host: { value: 'db' }, url: { sensitive: true } },
  notices: [],
};

function failure(code: ErrorCode, message: string): ApplicationFailure {
  return ApplicationFailure.create({
    type: code,
    message,
    nonRetryable: true,
    details: [{ code, message }],
  });
}

function mocks(overrides: ActivityMocks = {}): ActivityMocks {
  return {
    prepare: () => prepared,
    preview: () => plan('a'),
    execute: () => executed,
    record: () => undefined,
    settle: () => ({ notice: 'settled' }),
    kill: () => ({ message: 'killed' }),
    ...overrides,
  };
}

let sandbox: WorkflowSandbox;
beforeAll(async () => {
  sandbox = await WorkflowSandbox.create();
}, 60_000);
afterAll(() => sandbox.close());

function start(input: Partial<OperationInput> | object, activities = mocks()): Promise<Run> {
  const full = { stackId: 'demo', operation: 'apply', module: { image: 'module:1' }, ...input };
  const id =
    (full as { operation: string }).operation === 'preview' ? 'preview:demo:1' : 'stack:demo';
  return sandbox.start('stackOperation', id, full, activities, { name: 'waitPlan', argument: {} });
}

const state = async (run: Run): Promise<OperationState> =>
  (await run.query('state')) as OperationState;
const result = (run: Run): OperationResult => {
  expect(run.end).toMatchObject({ kind: 'completed' });
  return (run.end as { result: OperationResult }).result;
};
const types = (run: Run): string[] => run.scheduled.map(({ type }) => type);
const approve = (run: Run, planDigest: string) =>
  run.update('decide', { decision: 'approve', planDigest, by: 'ann' });

describe('a plan that waits for a decision', () => {
  test('is applied when its digest is approved by its first 16 digits', async () => {
    const run = await start({ requestedBy: 'bob' });
    expect(run.withStart?.completed).toMatchObject({
      phase: 'awaiting-approval',
      planDigest: digest('a'),
    });
    expect(await state(run)).toMatchObject({ phase: 'awaiting-approval', requestedBy: 'bob' });
    const answer = await approve(run, 'a'.repeat(16));
    expect(answer?.completed).toMatchObject({
      decision: 'approve',
      approvals: { have: 1, need: 1 },
    });
    expect(result(run)).toMatchObject({
      outcome: 'succeeded',
      planDigest: digest('a'),
      receipt: { done: 2 },
      outputs: { host: { value: 'db' }, url: { sensitive: true } },
      decisions: [{ decision: 'approve', by: 'ann', planDigest: digest('a') }],
    });
    expect(types(run)).toEqual(['prepare', 'preview', 'execute']);
  });

  test('runs its containers on the queue of the engine', async () => {
    const run = await start({ approval: { mode: 'auto' } });
    expect(run.scheduled.find(({ type }) => type === 'execute')?.taskQueue).toBe(
      'iac-docker-ENGINE',
    );
  });

  test.each([
    [
      'another digest',
      { decision: 'approve', planDigest: 'b'.repeat(16), by: 'ann' },
      'the plan under review is',
    ],
    [
      'a digest that is too short',
      { decision: 'approve', planDigest: 'aaaa', by: 'ann' },
      'at least its first 16',
    ],
    [
      'an unknown field',
      { decision: 'approve', planDigest: 'a'.repeat(16), by: 'ann', x: 1 },
      'decide: ',
    ],
    ['nobody', { decision: 'approve', planDigest: 'a'.repeat(16) }, 'by: '],
    ['nothing at all', undefined, 'decide: '],
  ])('refuses %s and goes on waiting', async (_name, argument, message) => {
    const run = await start({});
    const answer = await run.update('decide', argument);
    expect(answer?.rejected?.message).toContain(message);
    expect((answer?.rejected as ApplicationFailure).type).toBe('InvalidInput');
    expect((await state(run)).phase).toBe('awaiting-approval');
  });

  test('ends rejected, and the rejection is recorded', async () => {
    const run = await start({});
    await run.update('decide', {
      decision: 'reject',
      planDigest: 'a'.repeat(64),
      by: 'ann',
      comment: 'no',
    });
    expect(result(run)).toMatchObject({
      outcome: 'rejected',
      decisions: [{ decision: 'reject', comment: 'no' }],
    });
    expect(run.scheduled.at(-1)).toMatchObject({
      type: 'record',
      argument: { outcome: 'rejected' },
    });
  });

  test('refuses a second answer while the first is carried out', async () => {
    const run = await start({}, mocks({ execute: () => PENDING }));
    await approve(run, 'a'.repeat(64));
    const second = await run.update('decide', {
      decision: 'reject',
      planDigest: 'a'.repeat(64),
      by: 'eve',
    });
    expect(second?.rejected?.message).toContain('already answered');
  });

  test('expires after its time, weeks if asked, never after the plan itself', async () => {
    const run = await start({ approval: { mode: 'required', expiresIn: '21d' } });
    expect((await state(run)).decideUntil).toBe('2026-01-08T00:00:00.000Z');
    await run.skip(7 * 24 * HOUR - 1000);
    expect(run.end).toBeUndefined();
    await run.skip(1000);
    expect(result(run).outcome).toBe('expired');
  });

  test('expires after 24 hours unless asked otherwise, and can be approved until then', async () => {
    const run = await start({});
    await run.skip(24 * HOUR - 1);
    expect((await approve(run, 'a'.repeat(64)))?.completed).toBeDefined();
    const other = await start({});
    await other.skip(24 * HOUR);
    expect(result(other).outcome).toBe('expired');
    expect((await other.update('decide', {}).catch(() => undefined))?.completed).toBeUndefined();
  });

  test('gives way when superseded, and only then', async () => {
    const run = await start({}, mocks({ preview: () => PENDING }));
    expect((await run.update('supersede', { by: 'bob' }))?.rejected?.message).toContain(
      'phase preview',
    );
    await run.finish('preview', () => plan('a'));
    expect((await run.update('supersede', { by: 'bob' }))?.completed).toBeDefined();
    expect(result(run)).toMatchObject({ outcome: 'superseded', notices: ['gave way to bob'] });
  });

  test('ends canceled with what is known in the details', async () => {
    const run = await start({});
    await run.cancel();
    expect(run.end).toMatchObject({
      kind: 'canceled',
      details: [{ stackId: 'demo', planDigest: digest('a') }],
    });
    expect(run.attributes['IacOutcome']).toBe('canceled');
  });
});

describe('approval by rule', () => {
  test.each([
    ['auto asks nobody', { mode: 'auto' }, {}, 'succeeded'],
    [
      'on-changes with nothing to do is done without asking',
      { mode: 'on-changes' },
      { summary: none },
      'no-changes',
    ],
    [
      'creates only go by themselves when a rule says so',
      {
        mode: 'required',
        rules: [{ only: ['create', 'output'], then: 'auto', reason: 'new things' }],
      },
      {},
      'succeeded',
    ],
  ])('%s', async (_name, approval, view, outcome) => {
    const run = await start({ approval }, mocks({ preview: () => plan('a', view) }));
    expect(result(run).outcome).toBe(outcome);
  });

  test('a delete is asked for although creates go by themselves', async () => {
    const approval = { mode: 'required', rules: [{ only: ['create'], then: 'auto' }] };
    const view = { summary: { ...none, create: 1, delete: 1 } };
    const run = await start({ approval }, mocks({ preview: () => plan('a', view) }));
    expect((await state(run)).phase).toBe('awaiting-approval');
  });

  test('required asks even when there is nothing to do', async () => {
    const run = await start({}, mocks({ preview: () => plan('a', { summary: none }) }));
    expect((await state(run)).phase).toBe('awaiting-approval');
  });

  test('drift is what a refresh would do', async () => {
    const drift = [{ resource: 'x', action: 'update' as const }];
    const view = { operation: 'refresh' as const, summary: none, drift };
    const run = await start(
      { operation: 'refresh', approval: { mode: 'on-changes' } },
      mocks({ preview: () => plan('a', view) }),
    );
    expect((await state(run)).phase).toBe('awaiting-approval');
    expect(run.attributes).toMatchObject({ IacHasChanges: true, IacDrift: true });
  });
});

describe('a plan whose state moved', () => {
  const stale = failure('PlanStale', 'the state moved');
  const staleOnce = (plans: PlannedChanges[], times = 1): ActivityMocks => {
    const left = { stale: times };
    return mocks({
      preview: () => plans.shift(),
      execute: () => {
        if (left.stale-- > 0) throw stale;
        return executed;
      },
    });
  };

  test('is made anew, and the approval stands when the changes are the same', async () => {
    const run = await start({}, staleOnce([plan('a'), plan('b')]));
    await approve(run, 'a'.repeat(64));
    expect(result(run)).toMatchObject({
      outcome: 'succeeded',
      planDigest: digest('b'),
      decisions: [
        { decision: 'approve', planDigest: digest('a') },
        { decision: 'auto', planDigest: digest('b'), by: 'carry-over' },
      ],
    });
  });

  test.each([
    ['the changes differ', plan('b', { changesDigest: digest('d') })],
    ['a value is unknown', plan('b', { hasUnknown: true })],
    ['image, inputs or environment differ', plan('b', {}, 'other basis')],
  ])('is asked for again when %s', async (_name, second) => {
    const run = await start({}, staleOnce([plan('a'), second]));
    await approve(run, 'a'.repeat(64));
    expect(await state(run)).toMatchObject({ phase: 'awaiting-approval', planDigest: digest('b') });
    expect((await approve(run, 'a'.repeat(64)))?.rejected).toBeDefined();
    await approve(run, 'b'.repeat(64));
    expect(result(run).outcome).toBe('succeeded');
  });

  test('fails PlanStale after three rounds', async () => {
    const run = await start({}, staleOnce([plan('a'), plan('b'), plan('c')], 3));
    await approve(run, 'a'.repeat(64));
    expect(run.end).toMatchObject({ kind: 'failed', error: { type: 'PlanStale' } });
    expect(types(run).filter((type) => type === 'execute')).toHaveLength(3);
  });
});

describe('a stack whose last run was lost', () => {
  const lostRun = {
    planDigest: digest('f'),
    attempt: 1,
    operation: 'apply' as const,
    workflowId: 'stack:demo',
    runId: 'lost',
    at: '2026-01-01T00:00:00.000Z',
    message: 'the apply was lost while it ran',
    receipt: { done: 1, failed: 1, not_reached: 0, unapproved: 0, entries: [] },
  };
  const lostPlan = (letter: string, change: Partial<PlanView> = {}): PlannedChanges =>
    plan(letter, { lostRun, ...change });
  const executions = (run: Run): object[] =>
    run.scheduled
      .filter(({ type }) => type === 'execute')
      .map(({ argument }) => argument as object);

  test.each([
    ['mode auto', { approval: { mode: 'auto' } }],
    [
      'a rule that covers the plan',
      { approval: { mode: 'on-changes', rules: [{ only: ['create'], then: 'auto' }] } },
    ],
  ])('%s asks all the same, and the person who approves has been told', async (_, input) => {
    const run = await start(input, mocks({ preview: () => lostPlan('a') }));
    expect(await state(run)).toMatchObject({ phase: 'awaiting-approval' });
    expect(await run.query('plan')).toMatchObject({ lostRun });
    expect(executions(run)).toEqual([]);
    await approve(run, digest('a'));
    expect(executions(run)).toMatchObject([
      { knownLoss: { planDigest: digest('f'), attempt: 1 }, planDigest: digest('a') },
    ]);
    expect(result(run).notices?.join()).toContain('the apply was lost while it ran');
  });

  test('a saved plan that the request names asks too', async () => {
    const saved = { ...prepared, plan: lostPlan('a') };
    const run = await start({ plan: digest('a') }, mocks({ prepare: () => saved }));
    expect(await state(run)).toMatchObject({ phase: 'awaiting-approval' });
  });

  test('a refresh, which makes nothing, goes on by itself', async () => {
    const refresh = lostPlan('a', {
      operation: 'refresh',
      drift: [{ resource: 'x', action: 'update' }],
    });
    const run = await start(
      { operation: 'refresh', approval: { mode: 'auto' } },
      mocks({ preview: () => refresh }),
    );
    expect(result(run)).toMatchObject({ outcome: 'succeeded', decisions: [{ decision: 'auto' }] });
    expect(executions(run)[0]).not.toHaveProperty('knownLoss');
  });

  test('nothing to do is nothing to ask about', async () => {
    const run = await start(
      { approval: { mode: 'auto' } },
      mocks({ preview: () => lostPlan('a', { summary: none }) }),
    );
    expect(result(run).outcome).toBe('no-changes');
  });

  test('a resume carries out what the first step made of it, and always asks', async () => {
    const input = {
      stackId: 'demo',
      operation: 'apply' as const,
      resume: true,
      module: { image: 'module:1' },
      limits: { memory: 100_000_000 },
      approval: { mode: 'required' as const, expiresIn: '24h' },
    };
    const run = await start(
      { module: undefined, resume: true, approval: { mode: 'auto' } },
      mocks({
        prepare: () => ({ ...prepared, input }),
        preview: () => lostPlan('a', { summary: none }),
      }),
    );
    expect(await state(run)).toMatchObject({ phase: 'awaiting-approval' });
    expect(run.scheduled.find(({ type }) => type === 'preview')?.argument).toMatchObject({ input });
    await approve(run, digest('a'));
    expect(executions(run)).toMatchObject([{ input: { limits: { memory: 100_000_000 } } }]);
    expect(result(run).outcome).toBe('succeeded');
  });

  test('a loss that shows after an automatic approval is asked about, and asked once', async () => {
    const plans = [plan('a'), lostPlan('b'), lostPlan('b')];
    let tries = 0;
    const run = await start(
      { approval: { mode: 'auto' } },
      mocks({
        preview: () => plans.shift(),
        execute: () => {
          tries += 1;
          if (tries < 3) throw failure('PlanStale', 'a run was lost');
          return executed;
        },
      }),
    );
    expect(await state(run)).toMatchObject({ phase: 'awaiting-approval', planDigest: digest('b') });
    await approve(run, digest('b'));
    expect(result(run)).toMatchObject({ outcome: 'succeeded' });
    expect(result(run).decisions.map(({ decision, by }) => [decision, by])).toEqual([
      ['auto', 'rule'],
      ['approve', 'ann'],
      ['auto', 'carry-over'],
    ]);
  });
});

describe('a saved plan', () => {
  const saved = mocks({ prepare: () => ({ ...prepared, plan: plan('a') }) });

  test('that the request names is applied without a preview and without a question', async () => {
    const run = await start({ plan: digest('a'), requestedBy: 'ci' }, saved);
    expect(result(run)).toMatchObject({
      outcome: 'succeeded',
      decisions: [{ decision: 'auto', by: 'ci', reason: 'the request names this plan' }],
    });
    expect(types(run)).toEqual(['prepare', 'execute']);
  });

  test('is asked for when the request says so', async () => {
    const run = await start({ plan: digest('a'), approval: { mode: 'required' } }, saved);
    expect(await state(run)).toMatchObject({ phase: 'awaiting-approval', planDigest: digest('a') });
  });
});

describe('what goes wrong', () => {
  test('a mistake in the input fails the run with every issue in its first line', async () => {
    const run = await start({ stackId: 'No!', approval: { mode: 'maybe' }, colour: 'red' });
    expect(run.end).toMatchObject({ kind: 'failed', error: { type: 'InvalidInput' } });
    const { message, details } = (run.end as { error: ApplicationFailure }).error;
    expect(message).toContain('stackId: ');
    expect(message).toContain('approval.mode: ');
    expect(message).toContain('colour');
    expect(details?.[0]).toMatchObject({ code: 'InvalidInput' });
    expect(run.withStart?.rejected?.message).toBe(message);
    expect(run.attributes).toMatchObject({ IacPhase: 'done', IacOutcome: 'failed' });
  });

  test('a mutation under another workflow id than the lock is refused', async () => {
    const input = { stackId: 'demo', operation: 'apply', module: { image: 'x' } };
    const run = await sandbox.start('stackOperation', 'mine', input, mocks());
    expect(run.end).toMatchObject({ kind: 'failed', error: { type: 'InvalidInput' } });
  });

  test('a failing module fails the run with its own code, and whoever waited for the plan hears it', async () => {
    const activities = mocks({
      preview: () => {
        throw failure('ModuleFailed', 'main.tf line 3: no such thing');
      },
    });
    const run = await start({}, activities);
    expect(run.end).toMatchObject({
      kind: 'failed',
      error: { type: 'ModuleFailed', message: 'main.tf line 3: no such thing' },
    });
    expect(run.withStart?.rejected?.message).toBe('main.tf line 3: no such thing');
    expect(run.scheduled.at(-1)).toMatchObject({
      type: 'record',
      argument: { outcome: 'ModuleFailed' },
    });
  });

  test('a store that does not answer at once is waited for in a step of its own', async () => {
    const run = await start(
      { approval: { mode: 'auto' } },
      mocks({ prepare: () => ({ later: true }), prepareLater: () => prepared }),
    );
    expect(types(run)).toEqual(['prepare', 'prepareLater', 'preview', 'execute']);
    expect(result(run).outcome).toBe('succeeded');
  });

  test('a cancel while that waits ends canceled, and tells what the store did not take', async () => {
    const run = await start(
      {},
      mocks({
        prepare: () => ({ later: true }),
        prepareLater: () => PENDING,
        record: () => {
          throw failure('StoreUnavailable', 'the store does not answer');
        },
      }),
    );
    run.answerCancel('prepareLater', () => {
      throw new CancelledFailure('stopped');
    });
    await run.cancel();
    expect(run.end).toMatchObject({
      kind: 'canceled',
      details: [{ notices: ["not in the stack's log: the store does not answer"] }],
    });
  });

  test('the same request again ends duplicate and names the first run', async () => {
    const first = { workflowId: 'stack:demo', runId: 'first' };
    const run = await start(
      { requestId: 'r' },
      mocks({ prepare: () => ({ ...prepared, duplicate: first }) }),
    );
    expect(result(run)).toMatchObject({ outcome: 'duplicate', other: first });
    expect(types(run)).toEqual(['prepare']);
  });

  test('what an earlier operation left behind is settled before anything else', async () => {
    const leftOver = { operation: 'apply', workflowId: 'stack:demo', runId: 'old' };
    const run = await start(
      { approval: { mode: 'auto' } },
      mocks({ prepare: () => ({ ...prepared, leftOver }) }),
    );
    expect(types(run)).toEqual(['prepare', 'settle', 'preview', 'execute']);
    expect(result(run).notices).toEqual(['settled']);
  });

  test('a cancel while the tool runs ends canceled with the receipt of what was done', async () => {
    const receipt = { done: 1, failed: 0, not_reached: 1, unapproved: 0, entries: [] };
    const run = await start({ approval: { mode: 'auto' } }, mocks({ execute: () => PENDING }));
    run.answerCancel('execute', () => ({ ...executed, interrupted: true, receipt }));
    await run.cancel();
    expect(run.end).toMatchObject({ kind: 'canceled', details: [{ receipt }] });
  });

  test('a cancel that came too late leaves the operation succeeded', async () => {
    const run = await start({ approval: { mode: 'auto' } }, mocks({ execute: () => PENDING }));
    run.answerCancel('execute', () => executed);
    await run.cancel();
    expect(result(run).outcome).toBe('succeeded');
  });

  test('kill goes to the control queue, and is refused when nothing runs', async () => {
    const run = await start({}, mocks({ execute: () => PENDING }));
    expect((await run.update('kill', { reason: 'hangs' }))?.rejected?.message).toContain(
      'nothing to kill',
    );
    await approve(run, 'a'.repeat(64));
    expect((await run.update('kill', { reason: 'hangs', by: 'ann' }))?.completed).toEqual({
      message: 'killed',
    });
    expect(run.scheduled.at(-1)).toMatchObject({ type: 'kill', taskQueue: 'iac-control-ENGINE' });
    await run.finish('execute', () => {
      throw failure('OutcomeUnknown', 'lost');
    });
    expect(run.end).toMatchObject({ kind: 'failed', error: { type: 'OutcomeUnknown' } });
  });

  test('kill during a preview ends the operation: it is not tried again', async () => {
    const run = await start({}, mocks({ preview: () => PENDING }));
    expect((await run.update('kill', { reason: 'hangs', by: 'ann' }))?.completed).toEqual({
      message: 'killed',
    });
    expect(types(run)).toContain('kill');
    expect(run.end).toMatchObject({
      kind: 'failed',
      error: { type: 'OperationCanceled', message: 'the preview was killed by ann: hangs' },
    });
    expect(types(run).filter((type) => type === 'preview')).toHaveLength(1);
  });
});

describe('a preview alone', () => {
  test('takes no lock, asks nothing and gives a digest', async () => {
    const run = await start({ operation: 'preview' });
    expect(result(run)).toMatchObject({ outcome: 'succeeded', planDigest: digest('a') });
    expect(run.scheduled[1]).toMatchObject({
      type: 'preview',
      argument: { lock: false, operation: 'apply' },
    });
  });
});

test('the first act sets or clears every search attribute', async () => {
  const run = await start({}, mocks({ prepare: () => PENDING }));
  expect(run.attributes).toEqual({
    IacStack: 'demo',
    IacOperation: 'apply',
    IacPhase: 'detect',
    IacModule: null,
    IacEngine: null,
    IacOutcome: null,
    IacImage: null,
    IacPlan: null,
    IacRequestedBy: null,
    IacHasChanges: null,
    IacDrift: null,
  });
});
