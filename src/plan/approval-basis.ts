/** What an approval of a plan depends on, small enough to travel with a workflow. */
import type { Json } from '../contract/json.js';
import { digestOf } from '../store/artefacts.js';
import type { PlanBundle } from './bundle.js';
import { canonicalJson } from '../contract/canonical-json.js';
import type { ApprovalBasis } from './carry-over.js';

/** Parts of a bundle that may differ between the approved plan and the one that is carried out. */
const MOVING: ReadonlySet<string> = new Set(['preview-id', 'plan', 'state', 'findings', 'changes']);

/** The basis of a bundle: one digest over operation, options, image, engine, inputs, environment and where state is. */
export function approvalBasis(bundle: PlanBundle): ApprovalBasis {
  const { manifest, subject } = bundle;
  const fixed = manifest.filter(({ name }) => !MOVING.has(name));
  const parts = [...fixed, { stateLocation: subject.stateLocation }];
  return {
    planDigest: bundle.digest,
    basis: digestOf(canonicalJson(parts as unknown as Json)),
    changesDigest: bundle.changesDigest,
    hasUnknown: bundle.findings.hasUnknown,
  };
}
