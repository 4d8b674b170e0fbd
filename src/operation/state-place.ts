/** Where the state of a run is: in the worker's store, behind the worker's state URL, or in the backend that the module itself names. */
import type { Config } from '../config.js';
import type { OperationInput } from '../contract/operation.js';
import type { EngineOptions } from '../contract/request.js';
import { CodedError } from '../errors.js';
import type { RecordState, StackRecord } from '../stack/record.js';
import { digestOf } from '../store/artefacts.js';

type Worker = Pick<Config, 'stateUrl'>;
type Options = Pick<EngineOptions, 'keep_backend'>;
type StoredState = Extract<RecordState, { version: number }>;
type Elsewhere =
  | { readonly backend: 'module'; readonly fingerprint: string | null }
  | { readonly url: string; readonly fingerprint: string | null };

/** False when the tool writes the state itself, and the store gets only what it could not write. */
export function isStateInStore({ stateUrl }: Worker, options: Options): boolean {
  return stateUrl === undefined && options.keep_backend !== true;
}

/** The state in the store that a run starts from; undefined when there is none, or it is elsewhere. */
export function storedState(
  worker: Worker,
  options: Options,
  record: Pick<StackRecord, 'state'> | undefined,
): StoredState | undefined {
  const { state } = record ?? {};
  if (state === undefined || !('version' in state)) return undefined;
  return isStateInStore(worker, options) ? state : undefined;
}

/** What a record names for a state that is not in the store. */
export function stateElsewhere(
  { stateUrl }: Worker,
  options: Options,
  fingerprint: string | null,
): Elsewhere | undefined {
  if (options.keep_backend === true) return { backend: 'module', fingerprint };
  return stateUrl === undefined ? undefined : { url: shownUrl(stateUrl), fingerprint };
}

/** A backend's URL without credentials and parameters. */
function shownUrl(stateUrl: string): string {
  // Only the web's own schemes have an origin.
  const { protocol, host, pathname } = new URL(stateUrl);
  return `${protocol}//${host}${pathname}`;
}

/** Names where state is, for the bundle: a plan made for one place is not for another. */
export function stateLocation({ stateUrl }: Worker, options: Options): string {
  if (options.keep_backend === true) return 'module';
  if (stateUrl === undefined) return 'snapshot';
  const url = new URL(stateUrl);
  url.username = '';
  url.password = '';
  return digestOf(url.href);
}

/**
 * Refuses a plan that was made from nothing where the record knows a state: every thing of it would be made again. Throws
 * `StateDamaged` when that place has lost it, `InvalidConfiguration` when it was in another one.
 */
export function refuseFromNothing(
  worker: Worker,
  options: Options,
  record: StackRecord | undefined,
  /** Of the state that the plan was made from: null for none. */
  found: string | null | undefined,
): void {
  const known = record?.state;
  if (known?.fingerprint == null || found !== null || isDestroyed(record)) return;
  // The lost run's state may never have come there: a person is asked, and sees what is in none.
  if (record?.lostRun !== undefined) return;
  const was = nameOf(known);
  const now = nameOf(stateElsewhere(worker, options, null) ?? 'store');
  throw new CodedError(
    was === now ? 'StateDamaged' : 'InvalidConfiguration',
    `the state of ${record?.stackId} was last in ${was}, and ${now} has none: nothing is planned, as everything would be made again. ${was === now ? 'Put it back there from a backup' : `Use a worker that looks in ${was}, or bring it to ${now}`}`,
  );
}

function nameOf(place: Elsewhere | RecordState | 'store'): string {
  if (place === 'store' || 'version' in place) return "the worker's store";
  if ('backend' in place) return "the module's own backend";
  // As earlier versions recorded it.
  return place.url === 'null' ? 'a state URL' : place.url;
}

function isDestroyed(record: StackRecord | undefined): boolean {
  const last = record?.operations.findLast(({ outcome }) => outcome === 'succeeded');
  return last?.operation === 'destroy';
}

/** The options with the module's backend kept where the stack's state is there: else every thing of it would be made again. */
export function withKeptBackend(
  options: OperationInput['options'],
  record: StackRecord | undefined,
): OperationInput['options'] {
  const { state } = record ?? {};
  if (state === undefined || !('backend' in state)) return options;
  return { keepBackend: true, ...options };
}
