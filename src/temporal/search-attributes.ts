/** Search attributes of operations: what lists are filtered by. */
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';

const { KEYWORD, BOOL } = SearchAttributeType;

export const ATTRIBUTE = {
  stack: defineSearchAttributeKey('IacStack', KEYWORD),
  module: defineSearchAttributeKey('IacModule', KEYWORD),
  engine: defineSearchAttributeKey('IacEngine', KEYWORD),
  operation: defineSearchAttributeKey('IacOperation', KEYWORD),
  phase: defineSearchAttributeKey('IacPhase', KEYWORD),
  outcome: defineSearchAttributeKey('IacOutcome', KEYWORD),
  image: defineSearchAttributeKey('IacImage', KEYWORD),
  plan: defineSearchAttributeKey('IacPlan', KEYWORD),
  requestedBy: defineSearchAttributeKey('IacRequestedBy', KEYWORD),
  hasChanges: defineSearchAttributeKey('IacHasChanges', BOOL),
  hasDrift: defineSearchAttributeKey('IacDrift', BOOL),
} as const;

/** Name and type as `temporal operator search-attribute create` takes them. */
export const SEARCH_ATTRIBUTES: readonly { name: string; type: 'Keyword' | 'Bool' }[] =
  Object.values(ATTRIBUTE).map((key) => ({
    name: key.name,
    type: key.type === BOOL ? 'Bool' : 'Keyword',
  }));

/** The command that creates the named attributes (default: all) on a Temporal server. */
export function createAttributesCommand(names?: readonly string[]): string {
  const wanted = SEARCH_ATTRIBUTES.filter(
    ({ name }) => names === undefined || names.includes(name),
  );
  const flags = wanted.map(({ name, type }) => `--name ${name} --type ${type}`);
  return `temporal operator search-attribute create ${flags.join(' ')}`;
}
