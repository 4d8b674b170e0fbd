import { isLosslessNumber, type Change, type Json } from '../../../src/contract/index.js';
import { resourceChange } from './changes.js';
import type { Masker } from './mask.js';
import type { PlanJson } from './plan-json.js';

/**
 * What is different in the outside world. Providers rewrite "not set" into an empty value at the first read (null to `[]`, `{}`, `""`,
 * `0` or `false`); that is no drift and is left out.
 */
export function planDrift(plan: PlanJson, masker: Masker): Change[] {
  return (plan.resource_drift ?? []).flatMap((entry) => {
    const change = resourceChange(entry, masker);
    if (change === undefined) return [];
    const { before, after } = entry.change;
    return change.action === 'update' && sameMeaning(before ?? null, after ?? null) ? [] : [change];
  });
}

/** True when two values differ at most in how "nothing" is written. */
export function sameMeaning(a: Json, b: Json): boolean {
  if (isEmpty(a) && isEmpty(b)) return true;
  if (a === null || b === null) return isZero(a === null ? b : a);
  if (isLosslessNumber(a) || isLosslessNumber(b)) return String(a) === String(b);
  if (Array.isArray(a) && Array.isArray(b)) {
    const other: readonly Json[] = b;
    return (
      a.length === b.length &&
      a.every((item, index) => sameMeaning(item as Json, other[index] ?? null))
    );
  }
  if (isMap(a) && isMap(b)) {
    const names = new Set([...Object.keys(a), ...Object.keys(b)]);
    return [...names].every((name) => sameMeaning(member(a, name), member(b, name)));
  }
  return a === b;
}

function isEmpty(value: Json): boolean {
  if (value === null || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return isMap(value) && Object.keys(value).length === 0;
}

function isZero(value: Json): boolean {
  return value === 0 || value === false;
}

function isMap(value: Json): value is { readonly [name: string]: Json } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value)
  );
}

function member(map: { readonly [name: string]: Json }, name: string): Json {
  return Object.hasOwn(map, name) ? (map[name] ?? null) : null;
}
