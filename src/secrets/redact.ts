/** Redaction by value: known secrets are taken out of text, whole or in chunks. */
import type { Json } from '../contract/json.js';
import { fromMembers, isMembers } from '../plan/inputs.js';
import { secretForms, SHORTEST_SECRET } from './secret-forms.js';

/** What stands for a secret. */
export const REDACTED = '[redacted]';

/** Takes secrets out of one whole text. */
export type Redactor = (text: string) => string;

/** Takes secrets out of a text that comes in chunks, wherever the borders fall. */
export interface StreamRedactor {
  /** The text that is safe to pass on now; what may be the beginning of a secret is held back. */
  push(chunk: string): string;
  /** The rest; a beginning of 8 characters or more of a secret that was cut off is redacted too. */
  end(): string;
}

/** A redactor for values in all their forms; values under 4 characters are left alone. */
export function createRedactor(values: Iterable<string>): Redactor {
  const forms = indexForms(values);
  return (text) => {
    const stream = streamOver(forms);
    return stream.push(text) + stream.end();
  };
}

/** A redactor for one stream. */
export function createStreamRedactor(values: Iterable<string>): StreamRedactor {
  return streamOver(indexForms(values));
}

/** Redacts every string inside a value, names of members included. */
export function redactJson(value: Json, redact: Redactor): Json {
  if (typeof value === 'string') return redact(value);
  if (Array.isArray(value)) return value.map((item) => redactJson(item as Json, redact));
  if (!isMembers(value)) return value;
  return fromMembers(
    Object.keys(value).map((name) => [redact(name), redactJson(value[name] as Json, redact)]),
  );
}

/** A cut-off secret shorter than this says too little to be redacted. */
const SHORTEST_BEGINNING = 8;
const ANCHOR = SHORTEST_SECRET;
/** 20 bits: with 5 per character a fifth character back is shifted out. */
const HASH_MASK = 0xfffff;

interface FormIndex {
  /** Forms by their first four characters, longest first. */
  readonly byAnchor: ReadonlyMap<string, readonly string[]>;
  /** A bit per hash of four characters: most positions of a text are dismissed by one look-up. */
  readonly filter: Uint8Array;
}

function indexForms(values: Iterable<string>): FormIndex {
  const byAnchor = new Map<string, string[]>();
  const filter = new Uint8Array(HASH_MASK + 1);
  for (const form of new Set([...new Set(values)].flatMap(secretForms))) {
    const anchor = form.slice(0, ANCHOR);
    const forms = byAnchor.get(anchor);
    if (forms) forms.push(form);
    else byAnchor.set(anchor, [form]);
    let hash = 0;
    for (let at = 0; at < ANCHOR; at += 1) hash = rolled(hash, anchor.charCodeAt(at));
    filter[hash] = 1;
  }
  for (const forms of byAnchor.values()) forms.sort((a, b) => b.length - a.length);
  return { byAnchor, filter };
}

/** The hash of the last four characters, from that of the three before and one more; older ones are shifted out. */
function rolled(hash: number, unit: number): number {
  return ((hash << 5) ^ unit) & HASH_MASK;
}

function streamOver({ byAnchor, filter }: FormIndex): StreamRedactor {
  if (byAnchor.size === 0) return { push: (chunk) => chunk, end: () => '' };
  let held = '';
  /** How many characters of `held` belong to a secret whose mark was written already. */
  let covered = 0;

  const scan = (text: string, final: boolean): string => {
    let output = '';
    // Up to here the text is in the output, or hidden behind a mark.
    let settled = covered;
    const hide = (from: number, to: number): void => {
      if (from >= settled) output += text.slice(settled, from) + REDACTED;
      settled = Math.max(settled, to);
    };
    let at = 0;
    let last = (text.charCodeAt(0) << 10) ^ (text.charCodeAt(1) << 5) ^ text.charCodeAt(2);
    for (; at + ANCHOR <= text.length; at += 1) {
      last = rolled(last, text.charCodeAt(at + ANCHOR - 1));
      if (filter[last] === 0) continue;
      const forms = byAnchor.get(text.slice(at, at + ANCHOR));
      if (!forms) continue;
      const rest = text.length - at;
      const isBeginning = forms.some(
        (form) => form.length > rest && form.startsWith(text.slice(at)),
      );
      if (isBeginning && !final) break;
      const found = forms.find((form) => text.startsWith(form, at));
      if (isBeginning && rest >= SHORTEST_BEGINNING) hide(at, text.length);
      else if (found !== undefined) hide(at, at + found.length);
    }
    const stop = final ? text.length : at;
    if (settled < stop) output += text.slice(settled, stop);
    held = text.slice(stop);
    covered = Math.max(0, settled - stop);
    return output;
  };

  return { push: (chunk) => scan(held + chunk, false), end: () => scan(held, true) };
}
