/** Everything in the repository that is written from the sources: JSON Schemas and the pages of contract, command and run life. */
import { jsonSchemas } from '../../src/contract/json-schemas.js';
import { commandReference } from './command-reference.js';
import { contractReference } from './contract-reference.js';
import { runLife } from './run-life.js';
import { withDescriptions } from './member-comments.js';
import { packageRoot } from '../../src/setup/package-root.js';

/** Content by path below the repository's root. */
export async function generatedFiles(): Promise<ReadonlyMap<string, string>> {
  const schemas = withDescriptions(jsonSchemas(), packageRoot());
  const files = new Map<string, string>();
  for (const { name, schema } of schemas)
    files.set(`schemas/${name}.json`, `${JSON.stringify(schema, undefined, 2)}\n`);
  files.set('docs/contract.md', contractReference(schemas));
  files.set('docs/run-life.md', runLife());
  files.set('docs/command.md', await commandReference());
  return files;
}
