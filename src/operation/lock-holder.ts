/** Who holds a tool's lock on a state: told with what to do, and known for a dead container of ours where that can be proved. */
import type { Failure } from '../contract/error-code.js';
import type { EngineOptions } from '../contract/request.js';
import type { LockHolder } from '../contract/response.js';
import { hostnameOf } from '../docker/container-options.js';
import { inspectRun } from '../docker/inspect-run.js';
import { CodedError } from '../errors.js';
import { readRecord } from '../stack/record.js';
import { mutationName, previewPrefix } from './container-names.js';
import type { OperationDependencies } from './dependencies.js';

type Dependencies = Pick<OperationDependencies, 'engine' | 'store'>;

/** The failure `StateLocked` with its holder, how long it has been held, and what a person can do. */
export async function lockedFailure(
  dependencies: Dependencies,
  stackId: string,
  failure: Failure,
  holder: LockHolder | undefined,
  /** The container that was refused: its name, and what its tool was given. */
  { own, options }: { readonly own: string; readonly options: Pick<EngineOptions, 'keep_backend'> },
): Promise<Failure> {
  if (holder === undefined) return failure;
  const { who, id, created, operation } = holder;
  const doing = operation === undefined ? '' : ` (${operation})`;
  const since = created === undefined ? '' : ` since ${created}${age(created)}`;
  const way =
    id === undefined
      ? ''
      : `; if that is gone for good: cldctl-iac unlock ${stackId} ${id}${options.keep_backend === true ? ' --keep-backend' : ''}`;
  return {
    ...failure,
    message: `the state is locked by ${who}${doing}${since}: it is waited for${way}`,
    detail: {
      ...failure.detail,
      lock: holder,
      ...((await isAbandoned(dependencies, stackId, holder, own)) ? { abandoned: true } : {}),
    },
  };
}

/** Id of the lock that an error tells of, when its holder is a dead container of ours. */
export function abandonedLock(error: unknown): string | undefined {
  if (!(error instanceof CodedError) || error.detail?.['abandoned'] !== true) return undefined;
  return (error.detail['lock'] as LockHolder).id;
}

/**
 * True when the holder can only be a container of ours that has ended. To be asked by the stack's own operation: while
 * that has no run open, no container has the name of the stack's run, on whatever engine. A preview's name says its
 * engine, and no two previews have the same one.
 */
async function isAbandoned(
  { engine, store }: Dependencies,
  stackId: string,
  { who, id }: LockHolder,
  own: string,
): Promise<boolean> {
  if (id === undefined) return false;
  const { installation } = store;
  const host = who.slice(who.lastIndexOf('@') + 1);
  if (host === hostnameOf(mutationName(installation, stackId)))
    return (await readRecord(store, stackId))?.record.openRun === undefined;
  // An earlier container of that name: the present one was refused.
  if (host === hostnameOf(own)) return true;
  if (!host.startsWith(previewPrefix(installation, engine.id))) return false;
  const found = await inspectRun(engine, host);
  return found === undefined || found.state === 'exited';
}

function age(created: string): string {
  // OpenTofu prints Go's own form: `2026-01-02 03:04:05.678 +0000 UTC`.
  const [, day, time] = /^(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)/.exec(created) ?? [];
  const offset = /([+-]\d\d):?(\d\d)\b(?!.*[+-]\d\d:?\d\d\b)/.exec(created.slice(19));
  const zone = offset === null ? 'Z' : `${offset[1]}:${offset[2]}`;
  const seconds = Math.round((Date.now() - Date.parse(`${day}T${time}${zone}`)) / 1000);
  if (Number.isNaN(seconds) || seconds < 0) return '';
  if (seconds < 120) return `, ${seconds} s`;
  if (seconds < 7200) return `, ${Math.round(seconds / 60)} min`;
  return `, ${Math.round(seconds / 3600)} h`;
}
