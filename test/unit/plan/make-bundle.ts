/** A bundle to change one thing in. */
import { summarize, type Change, type OutputChange } from '../../../src/contract/change.js';
import {
  createPlanBundle,
  type PlanBundle,
  type PlanFindings,
  type PlanSubject,
} from '../../../src/plan/bundle.js';
import { changeLine } from '../../../src/plan/change-line.js';
import { digestOf } from '../../../src/store/artefacts.js';

/** What may be replaced. */
export interface BundleChanges {
  readonly subject?: Partial<PlanSubject>;
  readonly findings?: Partial<PlanFindings>;
  readonly changes?: readonly Change[];
  readonly outputChanges?: readonly OutputChange[];
  readonly plan?: string;
  readonly previewId?: string;
}

/** One update and one create, on stack `shop`. */
export function makeBundle(replaced: BundleChanges = {}): PlanBundle {
  const changes: readonly Change[] = replaced.changes ?? [
    { resource: 'a.one', action: 'update', before: { size: 1 }, after: { size: 2 } },
    {
      resource: 'a.two',
      action: 'create',
      before: null,
      after: { password: { $sensitive: 'ab12' } },
    },
  ];
  const plan = Buffer.from(replaced.plan ?? 'plan file');
  return createPlanBundle({
    subject: {
      stackId: 'shop',
      operation: 'apply',
      options: {},
      imports: [],
      image: `registry.example/shop@sha256:${'1'.repeat(64)}`,
      engine: 'opentofu',
      toolVersion: '1.12.6',
      environment: { AWS_REGION: 'eu-central-1' },
      inputs: { size: 2, name: 'shop', key: { $sensitive: 'cd34' } },
      secretInputs: ['key'],
      stateFingerprint: 'lineage/4',
      stateLocation: 'snapshot',
      ...replaced.subject,
    },
    findings: {
      summary: summarize(changes, 0),
      outputChanges: [...(replaced.outputChanges ?? [])],
      drift: [],
      checks: [],
      notices: [],
      hasUnknown: false,
      ...replaced.findings,
    },
    changes: changes.map(changeLine),
    plan: { content: plan, digest: digestOf(plan) },
    ...(replaced.previewId && { previewId: replaced.previewId }),
  });
}
