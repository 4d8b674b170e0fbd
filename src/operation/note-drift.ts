/** Tells drift that nobody heard of yet from drift that was reported before. */
import { summarize } from '../contract/change.js';
import { changesDigest } from '../plan/bundle.js';
import { loadPlan } from '../plan/plan-store.js';
import { newRecord, updateRecord } from '../stack/record.js';
import type { OperationDependencies } from './dependencies.js';
import type { DriftNoted, NoteDriftRequest, RunReference } from './types.js';

/**
 * Compares the drift of a saved plan with what the record says was reported last, and writes what is reported now.
 * A second call of the same run gives the first one's answer.
 */
export async function noteDrift(
  { store }: Pick<OperationDependencies, 'store'>,
  request: NoteDriftRequest,
  { runId }: RunReference,
): Promise<DriftNoted> {
  const { stackId, planDigest } = request;
  const { bundle } = await loadPlan(store, stackId, planDigest, { allowExpired: true });
  const { drift } = bundle.findings;
  const summary = summarize(drift, 0);
  const at = new Date().toISOString();
  let noted: DriftNoted = { drift: 'none', summary };
  if (drift.length === 0) {
    await updateRecord(store, stackId, (current) => {
      if (current?.drift === undefined) return current ?? newRecord(stackId, at);
      const { drift: _cleared, ...record } = current;
      return record;
    });
    return noted;
  }
  const fingerprint = changesDigest(drift, []);
  await updateRecord(store, stackId, (current) => {
    const known = current?.drift?.fingerprint === fingerprint ? current.drift : undefined;
    const acted = request.acted ?? known?.acted;
    noted = {
      drift: known === undefined || known.runId === runId ? 'new' : 'known',
      summary,
      fingerprint,
      ...(acted === undefined ? {} : { acted }),
    };
    if (current !== undefined && known !== undefined && known.acted === acted) return current;
    const reported = known ?? { fingerprint, at, runId };
    return {
      ...(current ?? newRecord(stackId, at)),
      drift: { ...reported, ...(acted === undefined ? {} : { acted }) },
    };
  });
  return noted;
}
