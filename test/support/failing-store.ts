/** A store of objects that fails at one of its calls. */
import { CodedError } from '../../src/errors.js';
import type { ObjectStore } from '../../src/store/object-store.js';

/** `before`: the call has no effect; `after`: it has, and nobody is told. */
export type FailureMode = 'before' | 'after';

/** A store whose call number `failing` (from 1) throws `StoreUnavailable`. */
export function failingStore(
  raw: ObjectStore,
  failing: number,
  mode: FailureMode,
): { readonly store: ObjectStore; calls(): number } {
  let calls = 0;
  const guard = async <T>(work: () => Promise<T>): Promise<T> => {
    calls += 1;
    const fails = calls === failing;
    if (fails && mode === 'before') throw new CodedError('StoreUnavailable', 'injected');
    const result = await work();
    if (fails) throw new CodedError('StoreUnavailable', 'injected');
    return result;
  };
  const store: ObjectStore = {
    get: (key) => guard(() => raw.get(key)),
    open: (key) => guard(() => raw.open(key)),
    create: (key, content) => guard(() => raw.create(key, content)),
    put: (key, content) => guard(() => raw.put(key, content)),
    delete: (key) => guard(() => raw.delete(key)),
    async *list(prefix) {
      await guard(async () => undefined);
      yield* raw.list(prefix);
    },
    close: () => undefined,
  };
  return { store, calls: () => calls };
}
