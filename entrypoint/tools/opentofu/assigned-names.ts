import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseJson } from '../../../src/contract/index.js';
import { ownVariableFiles } from './variables.js';

/** The variables that the module's own `terraform.tfvars` and `*.auto.tfvars` files set. */
export function assignedNames(directory: string): Set<string> {
  return new Set(
    ownVariableFiles(directory).flatMap((name) => {
      const text = readFileSync(join(directory, name), 'utf8');
      return name.endsWith('.json') ? Object.keys(parseJson(text) as object) : topLevelNames(text);
    }),
  );
}

/** Names that an HCL variable file assigns: `name =` outside of every bracket, string, heredoc and comment. */
export function topLevelNames(text: string): string[] {
  const names: string[] = [];
  const token =
    /#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\/|<<-?(\w+)[^\n]*\n[\s\S]*?\n[ \t]*\1[ \t]*(?=\n|$)|"(?:\\.|[^"\\\n])*"|[[\]{}()]|([\p{ID_Start}_][\p{ID_Continue}-]*)\s*=(?![=>])/gu;
  let depth = 0;
  for (const [match, , name] of text.matchAll(token)) {
    if (name !== undefined && depth === 0) names.push(name);
    else if (/^[[{(]$/.test(match)) depth += 1;
    else if (/^[\]})]$/.test(match)) depth -= 1;
  }
  return names;
}
