import { describe, expect, test } from 'vitest';
import { summarize, type ChangeAction } from '../../../src/contract/change.js';
import { approvalSchema } from '../../../src/contract/operation.js';
import { decideApproval } from '../../../src/plan/approval.js';

const plan = (actions: ChangeAction[], outputs = 0) =>
  summarize(
    actions.map((action) => ({ action })),
    outputs,
  );
const decide = (approval: unknown, actions: ChangeAction[], outputs = 0) =>
  decideApproval(approvalSchema.parse(approval), plan(actions, outputs));
const createsOnly = { only: ['create', 'output'], then: 'auto', reason: 'creates only' };

describe('approval', () => {
  test('required asks, also when there is nothing to do', () => {
    expect(decide({}, ['create']).decision).toBe('ask');
    expect(decide({}, []).decision).toBe('ask');
  });

  test('auto never asks', () => {
    expect(decide({ mode: 'auto' }, ['delete']).decision).toBe('auto');
  });

  test('on-changes asks when there is something to do; a read alone is nothing, an output is something', () => {
    const mode = { mode: 'on-changes' };
    expect(decide(mode, [])).toEqual({ decision: 'auto', reason: 'there is nothing to do' });
    expect(decide(mode, ['read']).decision).toBe('auto');
    expect(decide(mode, [], 1).decision).toBe('ask');
    expect(decide(mode, ['move']).decision).toBe('ask');
  });

  test('a rule decides for plans with only its classes, and its reason is recorded', () => {
    const approval = { rules: [createsOnly] };
    expect(decide(approval, ['create', 'create', 'read'], 2)).toEqual({
      decision: 'auto',
      reason: 'creates only',
    });
    expect(decide(approval, ['create', 'delete'])).toEqual({
      decision: 'ask',
      reason: 'no rule covers create, delete',
    });
    expect(decide(approval, ['replace']).decision).toBe('ask');
  });

  test('the first rule that matches wins', () => {
    const rules = [{ only: ['create'], then: 'required', reason: 'look at creates' }, createsOnly];
    expect(decide({ rules }, ['create'])).toEqual({ decision: 'ask', reason: 'look at creates' });
    expect(decide({ rules }, ['create'], 1).decision).toBe('auto');
  });

  test('a rule without a reason gives one', () => {
    expect(decide({ rules: [{ only: ['update'], then: 'auto' }] }, ['update']).reason).toBe(
      'a rule covers plans with only update',
    );
  });
});
