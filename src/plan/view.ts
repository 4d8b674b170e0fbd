/** A plan as people and services see it. */
import { INLINE_CHANGES } from '../contract/change.js';
import type { PlanView } from '../contract/operation.js';
import type { SavedPlan } from './plan-store.js';

/** The view of a saved plan with at most `limit` changes (default 200), those that destroy first. */
export function planView(saved: SavedPlan, limit = INLINE_CHANGES): PlanView {
  const { bundle, note } = saved;
  const { subject, findings } = bundle;
  return {
    planDigest: bundle.digest,
    changesDigest: bundle.changesDigest,
    operation: subject.operation,
    stackId: subject.stackId,
    image: subject.image,
    engine: subject.engine,
    toolVersion: subject.toolVersion,
    stateFingerprint: subject.stateFingerprint,
    summary: findings.summary,
    changes: [...bundle.changes]
      .sort((a, b) => weight(a.action) - weight(b.action))
      .slice(0, limit),
    changeCount: bundle.changes.length,
    outputChanges: findings.outputChanges.slice(0, limit),
    drift: findings.drift.slice(0, limit),
    checks: findings.checks,
    notices: findings.notices,
    hasUnknown: findings.hasUnknown,
    createdAt: note.createdAt,
    expiresAt: note.expiresAt,
  };
}

const WEIGHTS: Readonly<Record<string, number>> = { delete: 0, replace: 0, forget: 0, read: 2 };

function weight(action: string): number {
  return WEIGHTS[action] ?? 1;
}
