/** What the engine announced, in the words of the common change model. */
import {
  stringifyJson,
  UNKNOWN,
  type Change,
  type Json,
  type OutputChange,
} from '../../../src/contract/index.js';
import { actionOf, replaceOrder, type ResourceProgress } from './change-collector.js';
import type { Properties, ResourceState } from './engine-event.js';
import { maskProperties, maskValue, revealSecrets, type Masking } from './property-value.js';

/** Properties as state and update plan hold them, by URN: there secrets are encrypted, in events they are gone. */
export interface StoredProperties {
  before(urn: string): Properties | undefined;
  after(urn: string): Properties | undefined;
}

/** One change per resource. `requested` are the resources that were asked to be replaced. */
export function planChanges(
  resources: readonly ResourceProgress[],
  stored: StoredProperties,
  masking: Masking,
  requested: readonly string[],
): Change[] {
  return resources.flatMap((progress) => {
    const action = actionOf(progress);
    if (action === undefined) return [];
    const order = action === 'replace' ? replaceOrder(progress) : undefined;
    const reason = action === 'replace' ? replaceReason(progress, requested) : undefined;
    return [
      {
        resource: progress.urn,
        action,
        type: progress.type,
        ...valuesOf(progress, action, stored, masking),
        ...(reason === undefined ? {} : { reason }),
        ...(action === 'replace' && reason !== 'requested'
          ? { replace_reasons: [...progress.replaceKeys] }
          : {}),
        ...(order === undefined ? {} : { replace_order: order }),
        ...(progress.importId === undefined ? {} : { importing: { id: progress.importId } }),
        ...(progress.leftOver === undefined ? {} : { deposed: progress.leftOver }),
      },
    ];
  });
}

/** What differs outside from what the state says. */
export function driftChanges(
  drifted: readonly ResourceProgress[],
  stored: StoredProperties,
  masking: Masking,
): Change[] {
  return drifted.map((progress) => ({
    resource: progress.urn,
    action: progress.new === null ? 'delete' : 'update',
    type: progress.type,
    before: maskProperties(
      revealSecrets(propertiesOf(progress.old), stored.before(progress.urn)),
      masking,
    ),
    after: maskProperties(propertiesOf(progress.new), masking),
  }));
}

/** Changes of the module's outputs. */
export function outputChanges(
  before: Properties,
  after: Properties,
  masking: Masking,
): OutputChange[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].flatMap((name): OutputChange[] => {
    const old = before[name];
    const next = after[name];
    const change = {
      name,
      before: old === undefined ? null : maskValue(old, masking),
      after: next === undefined ? null : maskValue(next, masking),
    };
    if (next === undefined) return [{ ...change, action: 'delete' }];
    if (old === undefined) return [{ ...change, action: 'create' }];
    return stringifyJson(change.before) === stringifyJson(change.after)
      ? []
      : [{ ...change, action: 'update' }];
  });
}

function valuesOf(
  progress: ResourceProgress,
  action: Change['action'],
  stored: StoredProperties,
  masking: Masking,
): { before: Json; after: Json } {
  const before = maskProperties(
    revealSecrets(propertiesOf(progress.old), stored.before(progress.urn)),
    masking,
  );
  if (action === 'import') return { before, after: before };
  if (action === 'delete' || action === 'forget') return { before, after: null };
  const after = maskProperties(
    revealSecrets(propertiesOf(progress.new), stored.after(progress.urn)),
    masking,
  );
  return { before, after: withComputed(progress, before, after) };
}

/** A provider that can't preview an update leaves out what it computes: that is known after the apply. */
function withComputed(progress: ResourceProgress, before: Json, after: Json): Json {
  if (progress.old === null || before === null || after === null) return after;
  const known = after as { readonly [name: string]: Json };
  const inputs = progress.old.inputs ?? {};
  const computed = Object.keys(before as object).filter(
    (name) => !Object.hasOwn(inputs, name) && !Object.hasOwn(known, name),
  );
  return Object.fromEntries([
    ...Object.entries(known),
    ...computed.map((name): [string, Json] => [name, { ...UNKNOWN }]),
  ]);
}

/** Outputs hold the inputs too, once the provider has answered. */
function propertiesOf(state: ResourceState | null): Properties | null {
  if (state === null) return null;
  const outputs = state.outputs ?? {};
  return Object.keys(outputs).length > 0 ? outputs : (state.inputs ?? {});
}

function replaceReason(progress: ResourceProgress, requested: readonly string[]): string {
  if (requested.includes(progress.urn)) return 'requested';
  if (progress.old?.taint === true) return 'tainted';
  return 'cannot-update';
}
