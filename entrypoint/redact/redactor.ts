import { isLosslessNumber, type Json } from '../../src/contract/index.js';
import { secretForms, SHORTEST } from './secret-forms.js';

/** What stands for a secret in text. */
export const REDACTED = '[redacted]';

/** Removes known secret values from text. */
export interface Redactor {
  /** Adds values: strings and numbers anywhere inside `value`. */
  add(value: Json | undefined): void;
  text(text: string): string;
  /** True when the text holds a known secret. */
  matches(text: string): boolean;
  /** For text that comes in pieces: a secret that is cut by two pieces is found too. */
  pieces(): { push(piece: string, last: boolean): string };
}

export function createRedactor(): Redactor {
  const forms = new Set<string>();
  let longest = 0;
  let pattern: RegExp | undefined;
  const compiled = (): RegExp | undefined => {
    if (pattern === undefined && forms.size > 0) {
      const sorted = [...forms].sort((a, b) => b.length - a.length);
      pattern = new RegExp(
        sorted.map((form) => form.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&')).join('|'),
        'g',
      );
      longest = sorted[0]?.length ?? 0;
    }
    return pattern;
  };
  const text = (value: string): string => {
    const found = compiled();
    return found === undefined ? value : value.replace(found, REDACTED);
  };
  return {
    add: (value) => {
      for (const leaf of leaves(value)) for (const form of secretForms(leaf)) forms.add(form);
      pattern = undefined;
    },
    text,
    matches: (value) => {
      const found = compiled();
      if (found === undefined) return false;
      found.lastIndex = 0;
      return found.test(value);
    },
    pieces: () => {
      let rest = '';
      return {
        push: (piece, last) => {
          rest += piece;
          const cut = last ? rest.length : safeCut(rest, compiled(), longest);
          const out = text(rest.slice(0, cut));
          rest = rest.slice(cut);
          return out;
        },
      };
    },
  };
}

/** The last place where text can be cut without cutting a match or what may become one. */
function safeCut(text: string, pattern: RegExp | undefined, longest: number): number {
  if (pattern === undefined) return text.length;
  const cut = Math.max(0, text.length - longest);
  pattern.lastIndex = 0;
  for (let match = pattern.exec(text); match !== null; match = pattern.exec(text)) {
    if (match.index >= cut) break;
    const end = match.index + match[0].length;
    if (end > cut) return end;
  }
  return cut;
}

function* leaves(value: Json | undefined): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (typeof value === 'number' || isLosslessNumber(value)) {
    const digits = String(value);
    if (digits.length >= SHORTEST) yield digits;
  } else if (Array.isArray(value)) for (const item of value) yield* leaves(item as Json);
  else if (typeof value === 'object' && value !== null)
    for (const item of Object.values(value)) yield* leaves(item as Json);
}
