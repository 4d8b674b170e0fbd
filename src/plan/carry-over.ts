/** Whether an approval of one plan still stands for another. */
import { byCodePoint } from './canonical.js';
import type { PlanBundle } from './bundle.js';

/** Parts that always differ between two previews, and say nothing. */
const UNIQUE = new Set(['preview-id', 'plan']);
/** Parts that may differ: state moved, that is why there is a new preview; findings are compared where they matter. */
const MOVING = new Set(['state', 'findings']);

/** Names of the parts in which two bundles differ, e.g. `inputs`, `state`; sorted. */
export function differingParts(a: PlanBundle, b: PlanBundle): string[] {
  const left = new Map(a.manifest.map((entry) => [entry.name, entry.sha256]));
  const right = new Map(b.manifest.map((entry) => [entry.name, entry.sha256]));
  return [...new Set([...left.keys(), ...right.keys()])]
    .filter((name) => left.get(name) !== right.get(name))
    .sort(byCodePoint);
}

/**
 * An approval carries over to a new preview only if operation, image, engine, inputs and environment are identical,
 * only the state moved, no value is unknown in either plan, and the changes are the same; `why` names the first reason.
 */
export function approvalCarriesOver(
  approved: PlanBundle,
  fresh: PlanBundle,
): { readonly carries: boolean; readonly why: string } {
  if (approved.digest === fresh.digest) return { carries: true, why: 'it is the same plan' };
  const differing = differingParts(approved, fresh).filter((name) => !UNIQUE.has(name));
  const other = differing.filter((name) => !MOVING.has(name) && name !== 'changes');
  if (other.length > 0) return { carries: false, why: `differs in ${other.join(', ')}` };
  if (approved.subject.stateLocation !== fresh.subject.stateLocation) {
    return { carries: false, why: 'the state is in another place' };
  }
  if (approved.findings.hasUnknown || fresh.findings.hasUnknown) {
    return { carries: false, why: 'it has values that are known only after the apply' };
  }
  if (approved.changesDigest !== fresh.changesDigest) {
    return { carries: false, why: 'the changes differ' };
  }
  return { carries: true, why: 'only the state moved, and the changes are the same' };
}
