/** Outputs of a stack as lines. */
import type { Json } from '../../src/contract/json.js';
import type { Style } from './style.js';
import { diffValue } from './value-diff.js';

/** `name = value` per output, names aligned; a sensitive one without its value is masked. */
export function renderOutputs(
  outputs: Readonly<
    Record<string, { readonly value?: Json | undefined; readonly sensitive?: boolean | undefined }>
  >,
  style: Style,
): string[] {
  const entries = Object.entries(outputs).sort(([a], [b]) => (a < b ? -1 : 1));
  const width = Math.max(0, ...entries.map(([name]) => name.length));
  return entries.flatMap(([name, { value, sensitive }]) => {
    const shown: Json =
      value === undefined ? (sensitive === true ? { $sensitive: true } : null) : value;
    const context = {
      style,
      forcing: new Set<string>(),
      alwaysShown: new Set<string>(),
      showAll: true,
    };
    return diffValue(
      { text: `${name.padEnd(width)} = `, end: '' },
      shown,
      shown,
      context,
      name,
      '',
    );
  });
}
