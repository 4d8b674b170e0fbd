import { parseJson, type Json } from '../src/contract/index.js';

/** A number that a double may not hold: more than 15 digits, or an exponent. May also match inside strings, which costs only time. */
const MAYBE_INEXACT = /[:[,]\s*-?(?:[0-9.]{16,}|[0-9]+(?:\.[0-9]+)?[eE])/;

/** Parses JSON exactly, with the built-in parser (five times as fast) where that is the same. Throws `SyntaxError`. */
export function parseJsonFast(text: string): Json {
  return MAYBE_INEXACT.test(text) ? parseJson(text) : (JSON.parse(text) as Json);
}
