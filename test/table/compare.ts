/**
 * Compares what a module container answers with what the bare tool says of the same plan. Everything expected is derived here from
 * `tofu show -json`, the tool's event stream and the counts a person reads, with no code of the entrypoint.
 */
import { isLosslessNumber, stringifyJson, type Json } from '../../src/contract/json.js';
import type { ModuleResponse } from '../../src/contract/response.js';
import type { BarePlan } from '../support/tofu.js';
import { expectedValue, valueDifferences } from './expected-value.js';
import { countsInText, type Counts } from './plan-counts.js';

interface ShownChange {
  readonly actions: readonly string[];
  readonly before?: Json;
  readonly after?: Json;
  readonly after_unknown?: Json;
  readonly before_sensitive?: Json;
  readonly after_sensitive?: Json;
  readonly replace_paths?: readonly (readonly (string | number)[])[];
  readonly importing?: { readonly id?: string };
}
interface ShownResource {
  readonly address: string;
  readonly type: string;
  readonly previous_address?: string;
  readonly deposed?: string;
  readonly change: ShownChange;
}
interface Shown {
  readonly resource_changes?: readonly ShownResource[];
  readonly resource_drift?: readonly ShownResource[];
  readonly output_changes?: Readonly<Record<string, ShownChange>>;
  readonly checks?: readonly {
    readonly address: { readonly to_display: string };
    readonly status: string;
    readonly instances?: readonly {
      readonly address: { readonly to_display: string };
      readonly status: string;
      readonly problems?: readonly { readonly message: string }[];
    }[];
  }[];
}
interface Event {
  readonly type?: string;
  readonly change?: {
    readonly resource: { readonly addr: string };
    readonly reason?: string;
  };
  readonly changes?: Partial<Counts & { remove: number }>;
  readonly diagnostic?: { readonly severity: string; readonly summary: string };
}

/** Every way in which the answer to a preview differs from the bare tool's plan; empty when they agree. `secrets` may be hidden anywhere. */
export function planDifferences(
  response: ModuleResponse,
  bare: BarePlan,
  secrets: readonly string[] = [],
): string[] {
  const events = bare.events as unknown as readonly Event[];
  if (bare.exitCode === 1) return failureDifferences(response, bare, events);
  const shown = (bare.shown ?? {}) as unknown as Shown;
  const said = response.changes ?? [];
  const expected = (shown.resource_changes ?? []).flatMap((resource) => {
    const action = actionOf(resource);
    return action === undefined ? [] : [{ resource, action }];
  });
  return [
    ...(response.success ? [] : [`failed: ${response.error ?? 'no error'}`]),
    ...listDifferences(
      'changes',
      expected.map(({ resource, action }) =>
        expectedChange(resource, action, reasonOf(events, resource)),
      ),
      said.map((change) => ({ before: null, after: null, ...change })),
      secrets,
    ),
    ...listDifferences(
      'drift',
      realDrift(shown).flatMap((resource) => {
        const action = actionOf(resource);
        return action === undefined ? [] : [expectedChange(resource, action, undefined)];
      }),
      (response.drift ?? []).map((change) => ({ before: null, after: null, ...change })),
      secrets,
    ),
    ...listDifferences(
      'output_changes',
      expectedOutputs(shown),
      response.output_changes ?? [],
      secrets,
    ),
    ...checkDifferences(shown, response),
    ...countDifferences(response, bare, events, shown),
    ...unknownDifferences(shown, response),
  ];
}

/** The tool's drift without objects in which only the way of writing nothing changed (null, empty, zero, false). */
function realDrift(shown: Shown): ShownResource[] {
  const something = (value: Json | undefined): unknown => {
    if (value === undefined || value === null || value === '' || value === 0 || value === false)
      return undefined;
    if (typeof value !== 'object' || isLosslessNumber(value)) return value;
    if (Array.isArray(value)) return value.length === 0 ? undefined : value.map(something);
    const members = Object.entries(value)
      .map(([name, member]) => [name, something(member as Json)] as const)
      .filter(([, member]) => member !== undefined)
      .sort(([one], [other]) => (one < other ? -1 : 1));
    return members.length === 0 ? undefined : Object.fromEntries(members);
  };
  return (shown.resource_drift ?? []).filter(
    ({ change: { actions, before, after } }) =>
      actions.join(',') !== 'update' ||
      stringifyJson(something(before) ?? null) !== stringifyJson(something(after) ?? null),
  );
}

function actionOf({ address, previous_address, change }: ShownResource): string | undefined {
  const actions = change.actions.join(',');
  if (actions === 'delete,create' || actions === 'create,delete') return 'replace';
  if (actions !== 'no-op') return actions;
  if (change.importing !== undefined) return 'import';
  return previous_address !== undefined && previous_address !== address ? 'move' : undefined;
}

function reasonOf(
  events: readonly Event[],
  { address, deposed }: ShownResource,
): string | undefined {
  if (deposed !== undefined) return undefined;
  const line = events.find(
    ({ type, change }) => type === 'planned_change' && change?.resource.addr === address,
  );
  return line?.change?.reason?.replaceAll('_', '-');
}

function expectedChange(
  { address, type, previous_address, deposed, change }: ShownResource,
  action: string,
  reason: string | undefined,
): Expected {
  const moved = previous_address !== undefined && previous_address !== address;
  return {
    key: `${address}${deposed === undefined ? '' : ` (deposed ${deposed})`}`,
    fields: {
      resource: address,
      action,
      type,
      ...values(change),
      reason: action === 'move' || action === 'import' ? undefined : reason,
      replace_reasons:
        action === 'replace' ? change.replace_paths?.map(pathText).sort() : undefined,
      replace_order:
        action !== 'replace'
          ? undefined
          : change.actions[0] === 'create'
            ? 'create-before-delete'
            : 'delete-before-create',
      previous_resource: moved ? previous_address : undefined,
      importing: change.importing?.id === undefined ? undefined : { id: change.importing.id },
      deposed,
    },
  };
}

/** Where there is no object there is nothing to hide, although an output's mask may say so. */
function values(change: ShownChange): { before: unknown; after: unknown } {
  const only = change.actions.join(',');
  return {
    before:
      only === 'create' ? null : expectedValue(change.before, change.before_sensitive, undefined),
    after:
      only === 'delete'
        ? null
        : expectedValue(change.after, change.after_sensitive, change.after_unknown),
  };
}

/** `tags.Name`, `ports[0].internal`, `tags["a b"]`. */
function pathText(path: readonly (string | number)[]): string {
  return path.reduce<string>((text, step) => {
    if (typeof step === 'number') return `${text}[${step}]`;
    if (!/^[\p{L}_][\p{L}\p{N}_-]*$/u.test(step)) return `${text}[${JSON.stringify(step)}]`;
    return text === '' ? step : `${text}.${step}`;
  }, '');
}

function expectedOutputs(shown: Shown): Expected[] {
  return Object.entries(shown.output_changes ?? {}).flatMap(([name, change]) => {
    const action = change.actions.join(',');
    if (action === 'no-op') return [];
    return [
      {
        key: name,
        fields: {
          name,
          action: action.includes(',') ? 'update' : action,
          ...values(change),
        },
      },
    ];
  });
}

interface Expected {
  readonly key: string;
  readonly fields: Readonly<Record<string, unknown>>;
}

function listDifferences(
  what: string,
  expected: readonly Expected[],
  said: readonly object[],
  secrets: readonly string[],
): string[] {
  const rest = said.map((entry) => entry as Record<string, unknown>);
  const differences: string[] = [];
  for (const { key, fields } of expected) {
    const index = rest.findIndex(
      (entry) =>
        (entry['resource'] ?? entry['name']) === (fields['resource'] ?? fields['name']) &&
        entry['deposed'] === fields['deposed'],
    );
    const entry = index < 0 ? undefined : rest.splice(index, 1)[0];
    if (entry === undefined) differences.push(`${what}: ${key} is missing`);
    else
      for (const name of new Set([...Object.keys(fields), ...Object.keys(entry)])) {
        const value = name === 'replace_reasons' ? sorted(entry[name]) : entry[name];
        differences.push(
          ...valueDifferences(`${what} ${key} ${name}`, fields[name], value, secrets),
        );
      }
  }
  for (const entry of rest)
    differences.push(`${what}: ${JSON.stringify(entry)} is not in the tool's plan`);
  return differences;
}

function sorted(list: unknown): unknown {
  return Array.isArray(list) ? [...list].sort() : list;
}

function checkDifferences(shown: Shown, response: ModuleResponse): string[] {
  const failing = (shown.checks ?? []).filter(
    ({ status }) => status === 'fail' || status === 'error',
  );
  const said = (response.checks ?? []).filter(({ status }) => status !== 'unknown');
  const differences: string[] = [];
  for (const { address, status, instances } of failing) {
    const name = address.to_display;
    const found = said.filter(
      (check) => check.address === name || check.address.startsWith(`${name}[`),
    );
    if (!found.some((check) => check.status === status))
      differences.push(`checks: ${name} (${status}) is missing`);
    for (const { problems } of instances ?? [])
      for (const { message } of problems ?? [])
        if (!found.some((check) => check.messages.includes(message)))
          differences.push(`checks: ${name}: message "${message}" is missing`);
  }
  if (said.length > 0 && failing.length === 0)
    differences.push(`checks: ${JSON.stringify(said)} are not in the tool's plan`);
  return differences;
}

/** The tool's counts, read by people and in the stream, must follow from the summary. */
function countDifferences(
  response: ModuleResponse,
  bare: BarePlan,
  events: readonly Event[],
  shown: Shown,
): string[] {
  const { summary } = response;
  if (summary === undefined) return ['summary is missing'];
  const changes = response.changes ?? [];
  const derived: Counts = {
    add: summary.create + summary.replace,
    change: summary.update,
    destroy: summary.delete + summary.replace,
    import: changes.filter(({ importing }) => importing !== undefined).length,
    forget: summary.forget,
  };
  const differences = valueDifferences('counts in text', countsInText(bare.text), derived);
  const stream = events.filter(({ type }) => type === 'change_summary').at(-1)?.changes;
  if (stream !== undefined) {
    const { add = 0, change = 0, remove: destroy = 0, import: imported = 0, forget = 0 } = stream;
    const counts: Counts = { add, change, destroy, import: imported, forget };
    differences.push(...valueDifferences('counts in stream', counts, derived));
  }
  const { output, ...rest } = summary;
  const total = Object.values(rest).reduce((sum, count) => sum + count, 0);
  // Beyond the inline limit the list is cut, the summary is not.
  if (response.changes_file === undefined)
    differences.push(...valueDifferences('summary total', changes.length, total));
  differences.push(
    ...valueDifferences('summary output', (response.output_changes ?? []).length, output),
  );
  const nothing = total - summary.read + output === 0;
  const expectNothing = bare.exitCode === 0;
  const onlyDrift = nothing && (shown.resource_drift ?? []).length > 0;
  if (!onlyDrift && summary.read === 0 && nothing !== expectNothing)
    differences.push(
      `exit code ${bare.exitCode}, but the summary says ${nothing ? 'nothing' : 'something'}`,
    );
  return differences;
}

function unknownDifferences(shown: Shown, response: ModuleResponse): string[] {
  const holds = (mask: Json | undefined): boolean =>
    mask === true || (typeof mask === 'object' && mask !== null && Object.values(mask).some(holds));
  const unknown =
    (shown.resource_changes ?? []).some(({ change }) => holds(change.after_unknown)) ||
    Object.values(shown.output_changes ?? {}).some(({ after_unknown }) => holds(after_unknown));
  return valueDifferences('has_unknown', unknown, response.has_unknown ?? false);
}

/** A plan that fails must fail here too, with every error the tool tells. */
function failureDifferences(
  response: ModuleResponse,
  bare: BarePlan,
  events: readonly Event[],
): string[] {
  if (response.success) return [`succeeded, but the tool failed: ${bare.text.slice(0, 400)}`];
  const said = response.failure?.detail?.diagnostics ?? [];
  const expected = events.flatMap(({ type, diagnostic }) =>
    type === 'diagnostic' && diagnostic?.severity === 'error' ? [diagnostic.summary] : [],
  );
  return expected
    .filter((summary) => !said.some((diagnostic) => diagnostic.summary === summary))
    .map((summary) => `diagnostic "${summary}" is missing: ${response.error ?? ''}`);
}
