import type { Change, ChangeAction, Json, OutputChange } from '../../../src/contract/index.js';
import { anyTrue, type Masker } from './mask.js';
import type { PlanChangeJson, PlanJson, ResourceChangeJson } from './plan-json.js';

/** What a plan would do, no-ops left out; a replacement is one change. */
export function planChanges(plan: PlanJson, masker: Masker): Change[] {
  return (plan.resource_changes ?? []).flatMap((entry) => {
    const change = resourceChange(entry, masker);
    return change === undefined ? [] : [change];
  });
}

/** One resource's change in the common model; undefined when nothing happens. Unheard-of actions count as an update. */
export function resourceChange(entry: ResourceChangeJson, masker: Masker): Change | undefined {
  const kind = changeKind(entry);
  if (kind === undefined) return undefined;
  const { change } = entry;
  const reason = changeReason(kind.action, entry.action_reason) ?? kind.reason;
  return {
    resource: entry.address,
    action: kind.action,
    ...(entry.type === undefined ? {} : { type: entry.type }),
    ...(entry.deposed === undefined ? {} : { deposed: entry.deposed }),
    ...beforeAndAfter(change, masker),
    ...(reason === undefined ? {} : { reason }),
    ...(kind.action === 'replace' && change.replace_paths !== undefined
      ? { replace_reasons: change.replace_paths.map(attributePath) }
      : {}),
    ...(kind.order === undefined ? {} : { replace_order: kind.order }),
    ...(moved(entry) ? { previous_resource: entry.previous_address ?? '' } : {}),
    ...(change.importing === undefined ? {} : { importing: { id: importId(change.importing) } }),
  };
}

/** Changes of the module's outputs, sensitive and unknown values masked. */
export function planOutputChanges(plan: PlanJson, masker: Masker): OutputChange[] {
  return Object.entries(plan.output_changes ?? {}).flatMap(([name, change]) => {
    const [action] = change.actions;
    if (action !== 'create' && action !== 'update' && action !== 'delete') return [];
    return [
      {
        name,
        action,
        ...beforeAndAfter(change, masker),
      },
    ];
  });
}

/** True when a value is known only after the apply. */
export function planHasUnknown(plan: PlanJson): boolean {
  const unknown = ({ actions, after_unknown: mask }: PlanChangeJson): boolean =>
    !actions.includes('no-op') && anyTrue(mask);
  return (
    (plan.resource_changes ?? []).some(({ change }) => unknown(change)) ||
    Object.values(plan.output_changes ?? {}).some(unknown)
  );
}

/** `["tags", "Name"]` → `tags.Name`, `["ports", 0]` → `ports[0]`, a key that is no name → `tags["a b"]`. */
export function attributePath(path: readonly (string | number)[]): string {
  return path
    .map((step, index) => {
      if (typeof step !== 'string') return `[${step}]`;
      if (!/^[A-Za-z_][\w-]*$/.test(step)) return `[${JSON.stringify(step)}]`;
      return index === 0 ? step : `.${step}`;
    })
    .join('');
}

/** Where there is no object there is nothing to mask. */
function beforeAndAfter(change: PlanChangeJson, masker: Masker): { before: Json; after: Json } {
  const creates = change.actions.length === 1 && change.actions[0] === 'create';
  const deletes = change.actions.length === 1 && change.actions[0] === 'delete';
  return {
    before: creates
      ? null
      : masker.apply(change.before ?? null, change.before_sensitive, undefined),
    after: deletes
      ? null
      : masker.apply(change.after ?? null, change.after_sensitive, change.after_unknown),
  };
}

interface Kind {
  readonly action: ChangeAction;
  readonly order?: 'create-before-delete' | 'delete-before-create';
  readonly reason?: string;
}

const KINDS: Readonly<Record<string, Kind>> = {
  create: { action: 'create' },
  read: { action: 'read' },
  update: { action: 'update' },
  delete: { action: 'delete' },
  forget: { action: 'forget' },
  'delete,create': { action: 'replace', order: 'delete-before-create' },
  'create,delete': { action: 'replace', order: 'create-before-delete' },
  'forget,create': { action: 'replace', reason: 'forget-and-create' },
  'create,forget': { action: 'replace', reason: 'forget-and-create' },
};

function changeKind(entry: ResourceChangeJson): Kind | undefined {
  const actions = entry.change.actions.join(',');
  if (actions !== 'no-op') return KINDS[actions] ?? { action: 'update', reason: actions };
  if (entry.change.importing !== undefined) return { action: 'import' };
  return moved(entry) ? { action: 'move' } : undefined;
}

function moved(entry: ResourceChangeJson): boolean {
  return entry.previous_address !== undefined && entry.previous_address !== entry.address;
}

/**
 * The word of the tool's event stream for the reason: `replace_because_cannot_update` → `cannot-update`, `replace_by_triggers` →
 * `replace-triggered-by` (also on the create of a resource that has such triggers), `delete_because_no_module` stays.
 */
function changeReason(action: ChangeAction, reason: string | undefined): string | undefined {
  if (reason === undefined || action === 'move' || action === 'import') return undefined;
  if (reason === 'replace_by_request') return 'requested';
  if (reason === 'replace_by_triggers') return 'replace-triggered-by';
  return reason.replace(/^replace_because_/, '').replaceAll('_', '-');
}

function importId(importing: { readonly id?: string; readonly identity?: Json }): string {
  return importing.id ?? JSON.stringify(importing.identity ?? null);
}
