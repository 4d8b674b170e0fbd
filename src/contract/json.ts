/** JSON whose numbers are never rounded: what a double can't hold stays a `LosslessNumber`. */
import { isLosslessNumber, isSafeNumber, LosslessNumber, parse, stringify } from 'lossless-json';

export { isLosslessNumber, LosslessNumber };

export type Json =
  | null
  | boolean
  | number
  | string
  | LosslessNumber
  | readonly Json[]
  | { readonly [name: string]: Json };

/** Parses JSON text; numbers that a double can't hold exactly become `LosslessNumber`. Throws `SyntaxError`. */
export function parseJson(text: string): Json {
  return parse(text, undefined, {
    parseNumber: (digits) => (isSafeNumber(digits) ? Number(digits) : new LosslessNumber(digits)),
  }) as Json;
}

/** Writes JSON text; `LosslessNumber` is written digit for digit, `undefined` members are left out. */
export function stringifyJson(value: unknown, space?: number): string {
  const text = stringify(value, undefined, space);
  if (text === undefined) throw new TypeError('value has no JSON form');
  return text;
}
