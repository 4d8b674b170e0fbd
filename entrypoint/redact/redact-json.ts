import { isLosslessNumber, type Json } from '../../src/contract/index.js';

/** A copy of a JSON value with every string replaced; numbers, keys and structure stay. */
export function mapStrings(value: Json, replace: (text: string) => Json): Json {
  if (typeof value === 'string') return replace(value);
  if (typeof value !== 'object' || value === null || isLosslessNumber(value)) return value;
  if (Array.isArray(value)) return value.map((item) => mapStrings(item as Json, replace));
  // `fromEntries` keeps a key named `__proto__`.
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [key, mapStrings(item as Json, replace)]),
  );
}
