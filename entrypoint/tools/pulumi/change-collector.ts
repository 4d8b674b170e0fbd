/** Engine events folded into one progress per resource. */
import type { Change, ChangeAction } from '../../../src/contract/index.js';
import { stringifyJson } from '../../../src/contract/index.js';
import type { ResourceState, ResourceStep, StepOperation } from './engine-event.js';

/** What happened to one resource so far. */
export interface ResourceProgress {
  readonly urn: string;
  readonly type: string;
  /** Operations with the place of each in the order in which the engine announced all of them. */
  readonly announced: Map<StepOperation, number>;
  old: ResourceState | null;
  new: ResourceState | null;
  /** Properties that force a replacement. */
  readonly replaceKeys: Set<string>;
  done: number;
  failed: boolean;
  /** Id of an object that an earlier replacement left to be deleted. */
  leftOver: string | undefined;
  importId: string | undefined;
}

/** Collects the steps of one command. */
export interface ChangeCollector {
  started(step: ResourceStep): void;
  finished(step: ResourceStep, failed: boolean): void;
  /** Every resource with something to do, in the order of the events. */
  resources(): ResourceProgress[];
  /** Every resource that is not as the state says; each has the one operation `update` or `delete`. */
  drift(): ResourceProgress[];
  /** The root stack, whose outputs are those of the module. */
  readonly stack: { readonly before: ResourceState | null; readonly after: ResourceState | null };
}

const ROOT_STACK = 'pulumi:pulumi:Stack';

/** Starts a collection. */
export function createChangeCollector(): ChangeCollector {
  const resources = new Map<string, ResourceProgress>();
  const drifted: ResourceProgress[] = [];
  const refreshing = new Set<string>();
  let before: ResourceState | null = null;
  let after: ResourceState | null = null;

  // An object that is replaced and one that an earlier replacement left behind are deleted by the same operation.
  const progressOf = (step: ResourceStep): ResourceProgress => {
    const key = isDeletion(step.op) ? `${step.urn}\0${step.old?.id}` : step.urn;
    const progress = resources.get(key) ?? newProgress(step);
    resources.set(key, progress);
    return progress;
  };
  let place = 0;

  return {
    started: (step) => {
      if (step.type === ROOT_STACK) before ??= step.old;
      if (!isCounted(step)) return;
      if (step.op === 'refresh') {
        refreshing.add(step.urn);
        return;
      }
      const progress = progressOf(step);
      progress.announced.set(step.op, place);
      place += 1;
      progress.old ??= step.old;
      progress.new ??= step.new;
      for (const key of replaceKeys(step)) progress.replaceKeys.add(key);
      if (isImport(step)) {
        progress.old = null;
        progress.importId = step.new?.id;
      }
    },
    finished: (step, failed) => {
      if (step.type === ROOT_STACK) after = step.new;
      if (!isCounted(step)) return;
      // What a refresh found is known only when it ends.
      if (refreshing.delete(step.urn)) {
        const operation = failed ? undefined : driftOf(step);
        if (operation !== undefined) {
          drifted.push({
            ...newProgress(step),
            announced: new Map([[operation, 0]]),
            old: step.old,
            new: step.new,
            done: 1,
          });
        }
        return;
      }
      const progress = progressOf(step);
      if (failed) {
        progress.failed = true;
        return;
      }
      progress.done += 1;
      if (Object.keys(step.new?.outputs ?? {}).length > 0) progress.new = step.new;
      // The end of an import carries the object that was read as `old`, and its id in `new`.
      if (isImport(step)) {
        progress.old = step.old;
        progress.importId = step.new?.id ?? progress.importId;
      }
    },
    resources: () => joinReplacements(resources).filter((one) => actionOf(one) !== undefined),
    drift: () => drifted,
    get stack() {
      return { before, after };
    },
  };
}

/** The one action that a resource's operations add up to; undefined when they change nothing. */
export function actionOf(progress: ResourceProgress): ChangeAction | undefined {
  const has = (...names: StepOperation[]): boolean =>
    names.some((name) => progress.announced.has(name));
  if (has('replace', 'create-replacement', 'import-replacement', 'read-replacement'))
    return 'replace';
  if (has('import')) return 'import';
  if (has('create')) return 'create';
  if (has('update')) return 'update';
  if (has('delete', 'delete-replaced', 'discard-replaced', 'remove-pending-replace'))
    return progress.old?.retainOnDelete === true ? 'forget' : 'delete';
  if (has('discard')) return 'forget';
  if (has('read')) return 'read';
  return undefined;
}

/** Which half of a replacement comes first; undefined when only one was announced. */
export function replaceOrder(progress: ResourceProgress): Change['replace_order'] {
  const { announced } = progress;
  const created = announced.get('create-replacement') ?? announced.get('import-replacement');
  const deleted = announced.get('delete-replaced');
  if (created === undefined || deleted === undefined) return undefined;
  return created < deleted ? 'create-before-delete' : 'delete-before-create';
}

function newProgress({ urn, type }: ResourceStep): ResourceProgress {
  return {
    urn,
    type,
    announced: new Map(),
    old: null,
    new: null,
    replaceKeys: new Set(),
    done: 0,
    failed: false,
    leftOver: undefined,
    importId: undefined,
  };
}

function isDeletion(op: StepOperation): boolean {
  return op === 'delete-replaced' || op === 'discard-replaced';
}

/** Joins the two halves of each replacement; a deletion without a replacement is that of a left-over object. */
function joinReplacements(resources: ReadonlyMap<string, ResourceProgress>): ResourceProgress[] {
  const joined: ResourceProgress[] = [];
  for (const [key, progress] of resources) {
    const half = key === progress.urn ? undefined : progress;
    if (half === undefined) {
      const deletion = resources.get(`${progress.urn}\0${progress.old?.id}`);
      joined.push(
        deletion === undefined || !isReplacement(progress) ? progress : join(progress, deletion),
      );
      continue;
    }
    const main = resources.get(half.urn);
    const belongs = main !== undefined && isReplacement(main) && main.old?.id === half.old?.id;
    if (!belongs) joined.push({ ...half, leftOver: half.old?.id });
  }
  return joined;
}

function isReplacement(progress: ResourceProgress): boolean {
  return actionOf(progress) === 'replace';
}

function join(main: ResourceProgress, deletion: ResourceProgress): ResourceProgress {
  return {
    ...main,
    announced: new Map([...main.announced, ...deletion.announced]),
    done: main.done + deletion.done,
    failed: main.failed || deletion.failed,
  };
}

/** A refresh before an `up` ends as `refresh` whatever it found; one on its own as `update`, `delete` or `same`. */
function driftOf(step: ResourceStep): 'update' | 'delete' | undefined {
  if (step.new === null) return 'delete';
  if (step.op === 'update' || (step.diffs?.length ?? 0) > 0) return 'update';
  const text = (state: ResourceState | null): string => stringifyJson(state?.outputs ?? {});
  return text(step.old) === text(step.new) ? undefined : 'update';
}

function isImport(step: ResourceStep): boolean {
  return step.op === 'import' || step.op === 'import-replacement';
}

/** Not the stack itself, nor a provider that the engine made by itself. */
export function isCounted({ type, urn }: Pick<ResourceStep, 'type' | 'urn'>): boolean {
  if (type === ROOT_STACK) return false;
  return !(type.startsWith('pulumi:providers:') && /::default(_[^:]*)?$/.test(urn));
}

function replaceKeys(step: ResourceStep): string[] {
  const detailed = Object.entries(step.detailedDiff ?? {})
    .filter(([, diff]) => diff.diffKind.endsWith('-replace'))
    .map(([path]) => path);
  return detailed.length > 0 ? detailed : [...(step.keys ?? [])];
}
