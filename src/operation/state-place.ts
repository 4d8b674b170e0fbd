/** Where the state of a run is: in the worker's store, behind the worker's state URL, or in the backend that the module itself names. */
import type { Config } from '../config.js';
import type { OperationInput } from '../contract/operation.js';
import type { EngineOptions } from '../contract/request.js';
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
  return stateUrl === undefined ? undefined : { url: new URL(stateUrl).origin, fingerprint };
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

/** The options with the module's backend kept where the stack's state is there: else every thing of it would be made again. */
export function withKeptBackend(
  options: OperationInput['options'],
  record: StackRecord | undefined,
): OperationInput['options'] {
  const { state } = record ?? {};
  if (state === undefined || !('backend' in state)) return options;
  return { keepBackend: true, ...options };
}
