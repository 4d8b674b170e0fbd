/** Equality of JSON values as a plan sees it. */
import { isLosslessNumber, type Json } from '../../src/contract/json.js';

/** True for an object of named members (not null, not a list, not a number with many digits). */
export function isObject(value: Json | undefined): value is { readonly [name: string]: Json } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value)
  );
}

/** True for a list. */
export function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value);
}

/** Deep equality; a member that is null and one that is absent are equal, a mask equals the same mask. */
export function jsonEqual(left: Json | undefined, right: Json | undefined): boolean {
  if (left === right || (left ?? null) === (right ?? null)) return true;
  if (isLosslessNumber(left) || isLosslessNumber(right))
    return left != null && right != null && String(left) === String(right);
  if (isList(left) && isList(right))
    return left.length === right.length && left.every((item, i) => jsonEqual(item, right[i]));
  if (isObject(left) && isObject(right))
    return [...new Set([...Object.keys(left), ...Object.keys(right)])].every((name) =>
      jsonEqual(left[name], right[name]),
    );
  return false;
}
