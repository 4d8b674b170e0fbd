/** The comments of the contract's sources, as descriptions of the members they stand above. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { NamedSchema } from '../../src/contract/json-schemas.js';

/** Comment by member name, per exported schema; `''` holds those that are the same wherever the name occurs. */
type Comments = ReadonlyMap<string, ReadonlyMap<string, string>>;

type Json = Record<string, unknown>;

/** The schemas with a `description` on every member that has a comment above it in `src/contract`. */
export function withDescriptions(schemas: readonly NamedSchema[], root: string): NamedSchema[] {
  const comments = readComments(join(root, 'src', 'contract'));
  return schemas.map((named) => {
    const own = comments.get(`${camelCase(named.name)}Schema`);
    const describe = (name: string): string | undefined =>
      own?.get(name) ?? comments.get('')?.get(name);
    return { ...named, schema: described(named.schema, describe) as Json };
  });
}

function described(node: unknown, describe: (name: string) => string | undefined): unknown {
  if (Array.isArray(node)) return node.map((item) => described(item, describe));
  if (typeof node !== 'object' || node === null) return node;
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => {
      if (key !== 'properties') return [key, described(value, describe)];
      const members = Object.entries(value as Json).map(([name, member]) => {
        const inner = described(member, describe) as Json;
        const description = describe(name);
        return [name, description === undefined ? inner : { description, ...inner }];
      });
      return [key, Object.fromEntries(members)];
    }),
  );
}

function readComments(directory: string): Comments {
  const bySchema = new Map<string, Map<string, string>>();
  const everywhere = new Map<string, Set<string>>();
  for (const file of readdirSync(directory).filter((name) => name.endsWith('.ts'))) {
    const blocks = readFileSync(join(directory, file), 'utf8')
      .split(/^export const /m)
      .slice(1);
    for (const block of blocks) {
      const schema = /^\w+/.exec(block)?.[0] ?? '';
      const members = new Map<string, string>();
      for (const [, comment = '', name = ''] of block.matchAll(
        /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*(\w+):/g,
      )) {
        const text = comment
          .replace(/\s*\n\s*\*?\s*/g, ' ')
          .replaceAll('`', '')
          .trim();
        members.set(name, text);
        everywhere.set(name, (everywhere.get(name) ?? new Set()).add(text));
      }
      bySchema.set(schema, members);
    }
  }
  const unambiguous = [...everywhere].flatMap(([name, texts]): [string, string][] => {
    const [text] = texts;
    return texts.size === 1 && text !== undefined ? [[name, text]] : [];
  });
  return bySchema.set('', new Map(unambiguous));
}

function camelCase(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase());
}
