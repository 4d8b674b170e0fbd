/** Whether an approval of one plan still stands for another; pure, for workflows. */

/** What two plans are compared by. */
export interface ApprovalBasis {
  readonly planDigest: string;
  /** Digest of everything but state and changes: see `approvalBasis`. */
  readonly basis: string;
  readonly changesDigest: string;
  /** True when a value is known only after the apply. */
  readonly hasUnknown: boolean;
}

/**
 * An approval carries over to a new preview only if operation, options, image, engine, inputs and environment are
 * identical, only the state moved, no value is unknown in either plan, and the changes are the same.
 */
export function approvalCarriesOver(
  approved: ApprovalBasis,
  fresh: ApprovalBasis,
): { readonly carries: boolean; readonly why: string } {
  if (approved.planDigest === fresh.planDigest)
    return { carries: true, why: 'it is the same plan' };
  if (approved.basis !== fresh.basis) {
    return { carries: false, why: 'the image, the inputs or other parts of the request differ' };
  }
  if (approved.hasUnknown || fresh.hasUnknown) {
    return { carries: false, why: 'it has values that are known only after the apply' };
  }
  if (approved.changesDigest !== fresh.changesDigest) {
    return { carries: false, why: 'the changes differ' };
  }
  return { carries: true, why: 'only the state moved, and the changes are the same' };
}
