/** Removes what is old from the store, and never what an open operation, a record or the newest state needs. */
import { readContent } from '../content.js';
import { CodedError } from '../errors.js';
import { LOGS } from '../logs/log-store.js';
import { listPlans } from '../plan/plan-store.js';
import { versionKey, versionNumbers } from '../state/snapshot.js';
import { artefactKey } from '../store/artefacts.js';
import type { ObjectInfo } from '../store/object-store.js';
import type { Store } from '../store/open-store.js';
import { readRecord, type StackRecord } from './record.js';

/** An object goes when it is older than `maxAgeMs` and not among the newest `keep` of its stack. */
export interface RetentionRule {
  readonly maxAgeMs: number;
  readonly keep: number;
}

/** How long things are kept; artefacts, requests and logs have no count. */
export interface Retention {
  readonly plans: RetentionRule;
  readonly states: RetentionRule;
  readonly attempts: Pick<RetentionRule, 'maxAgeMs'>;
  readonly requests: Pick<RetentionRule, 'maxAgeMs'>;
  readonly logs: Pick<RetentionRule, 'maxAgeMs'>;
  /** Only artefacts that nothing refers to. */
  readonly artefacts: Pick<RetentionRule, 'maxAgeMs'>;
}

const DAY_MS = 24 * 60 * 60 * 1000;

export const DEFAULT_RETENTION: Retention = {
  plans: { maxAgeMs: 30 * DAY_MS, keep: 20 },
  states: { maxAgeMs: 90 * DAY_MS, keep: 50 },
  attempts: { maxAgeMs: 180 * DAY_MS },
  requests: { maxAgeMs: 180 * DAY_MS },
  logs: { maxAgeMs: 30 * DAY_MS },
  artefacts: { maxAgeMs: 30 * DAY_MS },
};

/** What a sweep looks at. */
export interface SweepOptions {
  readonly retention?: Retention;
  /** Milliseconds since 1970; default: the clock. */
  readonly now?: number;
  /** True while an operation on the stack runs or waits: nothing of that stack is removed. */
  isOpen(stackId: string): boolean | Promise<boolean>;
  /** Digests of artefacts that operations without a saved plan need, e.g. uploaded modules. */
  readonly protect?: ReadonlySet<string>;
  /** Report only. Default false. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

/** What a sweep removed and why it left things alone. */
export interface SweepReport {
  readonly removed: readonly string[];
  /** Bytes of what was removed. */
  readonly bytes: number;
  /** Stacks that were left alone: open, bound to a run, or without a readable record. */
  readonly skipped: readonly string[];
  /** Objects that could not be read; while there is one, no artefact is removed, because it may refer to any. */
  readonly damaged: readonly string[];
}

/** Sweeps the whole store. Throws `StoreUnavailable`; a damaged object is reported, not thrown. */
export async function sweepStore(store: Store, options: SweepOptions): Promise<SweepReport> {
  const retention = options.retention ?? DEFAULT_RETENTION;
  const now = options.now ?? Date.now();
  const removed: string[] = [];
  const skipped: string[] = [];
  const damaged: string[] = [];
  let bytes = 0;
  const isOld = (info: ObjectInfo, rule: Pick<RetentionRule, 'maxAgeMs'>): boolean =>
    now - info.modified.getTime() > rule.maxAgeMs;
  const remove = async (info: ObjectInfo): Promise<void> => {
    if (!options.dryRun) await store.objects.delete(info.key);
    removed.push(info.key);
    bytes += info.size;
  };
  const reading = async <T>(key: string, read: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await read();
    } catch (error) {
      if (!(error instanceof CodedError) || error.code === 'StoreUnavailable') throw error;
      damaged.push(key);
      return undefined;
    }
  };

  for (const stackId of await stacksWithObjects(store)) {
    options.signal?.throwIfAborted();
    const found = await reading(`records/${stackId}`, () => readRecord(store, stackId));
    if (!found || found.record.openRun || (await options.isOpen(stackId))) {
      skipped.push(stackId);
      continue;
    }
    for await (const info of needless(store, stackId, found.record, retention)) {
      if (isOld(info, info.rule)) await remove(info);
    }
  }

  // A stack that was only ever previewed has logs and no record.
  const isOpen = new Map<string, boolean>();
  for await (const info of store.objects.list(LOGS)) {
    options.signal?.throwIfAborted();
    const stackId = info.key.split('/')[1] ?? '';
    if (!isOld(info, retention.logs)) continue;
    if (!isOpen.has(stackId)) isOpen.set(stackId, await options.isOpen(stackId));
    if (isOpen.get(stackId) === false) await remove(info);
  }

  const oldArtefacts: string[] = [];
  for await (const info of store.objects.list('artefacts/'))
    if (isOld(info, retention.artefacts)) oldArtefacts.push(info.key);
  // Every plan is read for it.
  const needed = new Set(options.protect);
  if (oldArtefacts.length > 0)
    for await (const digest of namedDigests(store, { reading, ...options })) needed.add(digest);
  if (damaged.length === 0) {
    for (const key of oldArtefacts) {
      const digest = `sha256:${key.slice(key.lastIndexOf('/') + 1)}`;
      if (needed.has(digest)) continue;
      // Looked at again right before: a new operation may just have stored the same bytes.
      const again = await first(store.objects.list(artefactKey(digest)));
      if (again && isOld(again, retention.artefacts)) await remove(again);
    }
  }
  return { removed, bytes, skipped, damaged };
}

/** Every digest that a record, an attempt or a plan names: of artefacts, and of images that have no other name. */
export async function* namedDigests(
  store: Store,
  options: {
    readonly signal?: AbortSignal;
    /** What to do with an object that can't be read; default: it throws. */
    readonly reading?: <T>(key: string, read: () => Promise<T>) => Promise<T | undefined>;
  } = {},
): AsyncIterable<string> {
  const reading = options.reading ?? ((_key, read) => read());
  for (const prefix of ['records/', 'attempts/', 'plans/']) {
    for await (const { key } of store.objects.list(prefix)) {
      options.signal?.throwIfAborted();
      const line = await reading(key, () => firstLine(store, key));
      if (line !== undefined) yield* digestsIn(line);
    }
  }
}

/** Objects of a quiet stack that neither its record nor the rule's count needs. */
async function* needless(
  store: Store,
  stackId: string,
  record: StackRecord,
  retention: Retention,
): AsyncIterable<ObjectInfo & { readonly rule: Pick<RetentionRule, 'maxAgeMs'> }> {
  const plans = [];
  for await (const plan of listPlans(store, stackId)) plans.push(plan);
  const keptPlans = new Set(
    plans.slice(Math.max(0, plans.length - retention.plans.keep)).map(({ digest }) => digest),
  );
  for (const run of [record.lastApplied, record.lastRun, record.lostRun])
    if (run) keptPlans.add(run.planDigest);
  for await (const info of store.objects.list(`plans/${stackId}/`)) {
    const plan = plans.find(({ key }) => key === info.key);
    if (plan && !keptPlans.has(plan.digest)) yield { ...info, rule: retention.plans };
  }
  // A mark proves that a plan was applied: it stays as long as the plan could be loaded.
  const loadable = new Set(plans.map(({ digest }) => digest.slice('sha256:'.length)));
  for await (const info of store.objects.list(`attempts/${stackId}/`)) {
    if (!loadable.has(info.key.split('/')[2] ?? '')) yield { ...info, rule: retention.attempts };
  }
  for await (const info of store.objects.list(`requests/${stackId}/`)) {
    yield { ...info, rule: retention.requests };
  }
  yield* needlessStates(store, stackId, record, retention.states);
}

async function* needlessStates(
  store: Store,
  stackId: string,
  { state }: StackRecord,
  rule: RetentionRule,
): AsyncIterable<ObjectInfo & { readonly rule: RetentionRule }> {
  // Without a version in the record every snapshot may be the only trace of a state.
  if (!state || !('version' in state)) return;
  const older = (await versionNumbers(store, stackId)).filter((number) => number < state.version);
  const removable = new Set(
    older
      .slice(0, Math.max(0, older.length + 1 - rule.keep))
      .map((number) => versionKey(stackId, number)),
  );
  for await (const info of store.objects.list(`states/${stackId}/`)) {
    if (removable.has(info.key)) yield { ...info, rule };
  }
}

async function stacksWithObjects(store: Store): Promise<string[]> {
  const stacks = new Set<string>();
  for (const prefix of ['records/', 'plans/', 'states/', 'attempts/', 'requests/']) {
    for await (const { key } of store.objects.list(prefix)) stacks.add(key.split('/')[1] ?? '');
  }
  return [...stacks].sort();
}

/** An object's leading JSON. */
async function firstLine(store: Store, key: string): Promise<string | undefined> {
  const content = await store.objects.open(key);
  return content && (await readContent(content).line()).toString('utf8');
}

/** Every digest that a text names. */
function digestsIn(text: string): string[] {
  return text.match(/sha256:[0-9a-f]{64}/g) ?? [];
}

async function first<T>(items: AsyncIterable<T>): Promise<T | undefined> {
  for await (const item of items) return item;
  return undefined;
}
