/** Which element of one list became which element of another. */
import type { Json } from '../../src/contract/json.js';
import { isList, isObject, jsonEqual } from './json-equal.js';

/** Places of one element before and after; one of them is absent for an element that was added or removed. */
export interface AlignedPair {
  readonly before: number | undefined;
  readonly after: number | undefined;
}

/** Above this product of lengths the exact alignment costs too much and elements are compared by place. */
const LARGEST_TABLE = 250_000;

/**
 * Aligns two lists by their longest common subsequence. With `pairUp` (default) a removed and an added object or
 * list in the same gap count as one changed element.
 */
export function alignLists(
  before: readonly Json[],
  after: readonly Json[],
  options: { pairUp?: boolean } = {},
): AlignedPair[] {
  if (before.length * after.length > LARGEST_TABLE) return byPlace(before, after);
  const common = commonSubsequence(before, after);
  const pairs: AlignedPair[] = [];
  let left = 0;
  let right = 0;
  const gap = (toLeft: number, toRight: number): void => {
    while (left < toLeft || right < toRight) {
      const both = left < toLeft && right < toRight;
      const pairable =
        both && options.pairUp !== false && sameKind(before[left] ?? null, after[right] ?? null);
      if (pairable) pairs.push({ before: left++, after: right++ });
      else if (left < toLeft) pairs.push({ before: left++, after: undefined });
      else pairs.push({ before: undefined, after: right++ });
    }
  };
  for (const [atLeft, atRight] of common) {
    gap(atLeft, atRight);
    pairs.push({ before: left++, after: right++ });
  }
  gap(before.length, after.length);
  return pairs;
}

function sameKind(left: Json, right: Json): boolean {
  return (isObject(left) && isObject(right)) || (isList(left) && isList(right));
}

function byPlace(before: readonly Json[], after: readonly Json[]): AlignedPair[] {
  return Array.from({ length: Math.max(before.length, after.length) }, (_, place) => ({
    before: place < before.length ? place : undefined,
    after: place < after.length ? place : undefined,
  }));
}

function commonSubsequence(before: readonly Json[], after: readonly Json[]): [number, number][] {
  const columns = after.length + 1;
  const lengths = new Uint32Array((before.length + 1) * columns);
  const at = (row: number, column: number): number => lengths[row * columns + column] ?? 0;
  for (let row = before.length - 1; row >= 0; row -= 1)
    for (let column = after.length - 1; column >= 0; column -= 1)
      lengths[row * columns + column] = jsonEqual(before[row], after[column])
        ? at(row + 1, column + 1) + 1
        : Math.max(at(row + 1, column), at(row, column + 1));
  const common: [number, number][] = [];
  for (let row = 0, column = 0; row < before.length && column < after.length;) {
    if (jsonEqual(before[row], after[column])) common.push([row++, column++]);
    else if (at(row + 1, column) >= at(row, column + 1)) row += 1;
    else column += 1;
  }
  return common;
}
