import { expect, test } from 'vitest';
import { summarize, type Change } from '../../../src/contract/change.js';
import { plannedChanges } from '../../../src/operation/preview-stack.js';
import { needsApproval } from '../../../workflows/approval-rules.js';
import { createPlanBundle, type PlanBundleParts } from '../../../src/plan/bundle.js';
import { changeLine } from '../../../src/plan/change-line.js';
import { digestOf } from '../../../src/store/artefacts.js';

const subject: PlanBundleParts['subject'] = {
  stackId: 'demo',
  operation: 'apply',
  options: {},
  imports: [],
  image: 'sha256:1',
  engine: 'opentofu',
  toolVersion: '1.12.6',
  environment: {},
  inputs: {},
  secretInputs: [],
  stateFingerprint: 'lineage/1',
  stateLocation: 'snapshot',
};
const note = { createdAt: '2026-01-01T00:00:00.000Z', expiresAt: '2026-01-08T00:00:00.000Z' };

function planned(changes: Change[], more: Partial<PlanBundleParts['subject']> = {}) {
  const outputChanges = [{ name: 'long', action: 'create' as const, after: 'x'.repeat(5_000_000) }];
  const bundle = createPlanBundle({
    subject: { ...subject, ...more },
    findings: {
      summary: summarize(changes, outputChanges.length),
      outputChanges,
      drift: changes,
      checks: [],
      notices: Array.from({ length: 1000 }, (_, index) => `notice ${index}`),
      hasUnknown: false,
    },
    changes: changes.map(changeLine),
    plan: { content: Buffer.from('plan'), digest: digestOf('plan') },
  });
  return plannedChanges({ bundle, note });
}

const many: Change[] = Array.from({ length: 5000 }, (_, index) => ({
  resource: `module.some.thing[${index}]`,
  action: 'create',
  after: { text: 'y'.repeat(100) },
}));

test('of five thousand changes and megabytes of output only kilobytes go through history', () => {
  const { view } = planned(many);
  expect(JSON.stringify(view).length).toBeLessThan(20 * 1024);
  expect(view.changes.length).toBeGreaterThan(10);
  expect(view).toMatchObject({ changeCount: 5000, summary: { create: 5000, output: 1 } });
});

test('drift that is too large to be shown still counts', () => {
  const huge: Change[] = [{ resource: 'x', action: 'delete', before: 'z'.repeat(1_000_000) }];
  const { view } = planned(huge, { operation: 'refresh' });
  expect(view.drift).toEqual([]);
  expect(view.driftSummary).toMatchObject({ delete: 1 });
  expect(needsApproval({ mode: 'on-changes', expiresIn: '1h' }, view).kind).toBe('ask');
  const rules = [{ only: ['update' as const], then: 'auto' as const }];
  expect(needsApproval({ mode: 'required', expiresIn: '1h', rules }, view).kind).toBe('ask');
});

test('an approval depends on the same things when only the state moved', () => {
  const basis = planned(many).basis;
  expect(planned(many, { stateFingerprint: 'lineage/2' }).basis).toBe(basis);
  for (const change of [
    { image: 'sha256:2' },
    { inputs: { a: 1 } },
    { environment: { A: '1' } },
    { toolVersion: '1.12.7' },
    { stateLocation: 'sha256:elsewhere' },
    { options: { targets: ['x'] } },
  ]) {
    expect(planned(many, change).basis).not.toBe(basis);
  }
});
