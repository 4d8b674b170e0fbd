/** How large inputs may be that travel with a request. */
import { stringifyJson, type Json } from './json.js';

/** Bytes of inputs, as JSON, above which they go by `inputs: {archive}`: every step's history would carry them. */
export const INLINE_INPUT_BYTES = 256 * 1024;

/** What is wrong with the size of inputs, or undefined. */
export function tooLarge(inputs: Readonly<Record<string, Json>> | undefined): string | undefined {
  if (inputs === undefined) return undefined;
  const size = new TextEncoder().encode(stringifyJson(inputs)).length;
  if (size <= INLINE_INPUT_BYTES) return undefined;
  return `inputs: ${size} bytes are more than ${INLINE_INPUT_BYTES}; put them into the store (the command does) and give inputs: {archive: digest}`;
}
