/** What happens to one resource, in a sentence, and why. */
import type { Change } from '../../src/contract/change.js';
import { printable } from './printable.js';
import type { Style } from './style.js';

/** Symbol of each kind of change, as `tofu plan` has them. */
export function symbolOf(change: Pick<Change, 'action' | 'replace_order'>): string {
  switch (change.action) {
    case 'create':
      return '+';
    case 'update':
      return '~';
    case 'delete':
      return '-';
    case 'replace':
      return change.replace_order === 'create-before-delete' ? '+/-' : '-/+';
    case 'read':
      return '<=';
    case 'forget':
      return '.';
    case 'move':
    case 'import':
      return ' ';
  }
}

/** Reasons in the engines' words with the engines' prefixes taken off, and what they mean. */
const REASONS: Readonly<Record<string, string>> = {
  'no-resource-config': 'it is not in the configuration any more',
  'no-module': 'its module is not in the configuration any more',
  'wrong-repetition': 'the resource uses another kind of repetition now',
  'count-index': 'its index is out of range for count',
  'each-key': 'its key is not in for_each any more',
  'no-move-target': 'the place it was to be moved to is not in the configuration',
  'config-unknown': 'its configuration depends on values that are known only after apply',
  'dependency-pending': 'it depends on a resource or a module with changes pending',
  'check-nested': 'it is read by a check',
};

/** The comment lines above a change; the first says what happens. */
export function headerLines(change: Change, style: Style): string[] {
  const resource = style.bold(printable(change.resource));
  const reason = change.reason
    ?.replaceAll('_', '-')
    .replace(/^(replace|delete|read|create)-(because|by)-/, '');
  const lines = [`# ${sentence(change, resource, reason, style)}`];
  if (change.deposed !== undefined)
    lines.push('# (left over from a replacement that failed half-way)');
  const why = reason === undefined ? undefined : REASONS[reason];
  if (why !== undefined) lines.push(`# (because ${why})`);
  else if (reason !== undefined && !SAID_IN_SENTENCE.has(reason))
    lines.push(`# (${printable(reason)})`);
  if (change.previous_resource !== undefined && change.action !== 'move')
    lines.push(`# (moved from ${printable(change.previous_resource)})`);
  if (change.importing !== undefined)
    lines.push(`# (imported from ${printable(JSON.stringify(change.importing.id))})`);
  return lines;
}

const SAID_IN_SENTENCE = new Set([
  'cannot-update',
  'tainted',
  'requested',
  'request',
  'triggers',
  'replace-triggered-by',
]);

function sentence(
  change: Change,
  resource: string,
  reason: string | undefined,
  style: Style,
): string {
  switch (change.action) {
    case 'create':
      return `${resource} will be created`;
    case 'update':
      return `${resource} will be updated in place`;
    case 'delete':
      return `${resource}${change.deposed === undefined ? '' : ` (deposed object ${printable(change.deposed)})`} will be ${style.red('destroyed')}`;
    case 'replace':
      if (reason === 'tainted')
        return `${resource} is tainted, so it must be ${style.red('replaced')}`;
      if (reason === 'requested' || reason === 'request')
        return `${resource} will be ${style.red('replaced')}, as requested`;
      if (reason === 'triggers' || reason === 'replace-triggered-by')
        return `${resource} will be ${style.red('replaced')} due to changes in replace_triggered_by`;
      return `${resource} must be ${style.red('replaced')}`;
    case 'read':
      return `${resource} will be read during apply`;
    case 'move':
      return `${printable(change.previous_resource ?? 'it')} has moved to ${resource}`;
    case 'import':
      return `${resource} will be imported`;
    case 'forget':
      return `${resource} will no longer be managed, and not be destroyed`;
  }
}

/** Type and name of a resource as a block opens with them, from an OpenTofu address or a Pulumi URN. */
export function blockLabel(change: Change): string {
  const urn = /^urn:pulumi:[^:]*::[^:]*::(.+)::(.*)$/.exec(change.resource);
  if (urn !== null)
    return printable(
      `resource "${change.type ?? urn[1]?.split('$').at(-1) ?? ''}" "${urn[2] ?? ''}"`,
    );
  const keyless = change.resource.replace(/(\[(?:\d+|"(?:[^"\\]|\\.)*")\])+$/, '');
  const parts = keyless.split('.');
  const name = parts.at(-1) ?? '';
  const type = change.type ?? parts.at(-2) ?? '';
  const kind = parts.at(-3) === 'data' ? 'data' : 'resource';
  return printable(`${kind} "${type}" "${name}"`);
}
