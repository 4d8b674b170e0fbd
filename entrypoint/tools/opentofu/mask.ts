import { createHmac } from 'node:crypto';
import {
  isLosslessNumber,
  SENSITIVE,
  stringifyJson,
  UNKNOWN,
  type Json,
} from '../../../src/contract/index.js';
import { mapStrings } from '../../redact/redact-json.js';
import type { Mask } from './plan-json.js';

/** Hides what a plan marks as sensitive or unknown. */
export interface Masker {
  /** The value with `{$sensitive}` and `{$unknown}` where the masks say so. */
  apply(value: Json | undefined, sensitive: Mask, unknown: Mask): Json;
}

/**
 * @param key key of the HMAC that stands for a sensitive value, so that two previews can be compared; absent: `true` stands for it
 * @param isSecret finds known secret values in text that the plan does not mark
 */
export function createMasker(
  key?: Uint8Array,
  isSecret: (text: string) => boolean = () => false,
): Masker {
  const mark = (value: Json | undefined): Json =>
    key === undefined || value === undefined
      ? (SENSITIVE as unknown as Json)
      : {
          $sensitive: `hmac-sha256:${createHmac('sha256', key)
            .update(stringifyJson(sorted(value)))
            .digest('hex')}`,
        };
  const known = (value: Json): Json =>
    mapStrings(value, (text) => (isSecret(text) ? mark(text) : text));

  const apply = (value: Json | undefined, sensitive: Mask, unknown: Mask): Json => {
    if (unknown === true) return UNKNOWN as unknown as Json;
    if (sensitive === true) return mark(value);
    if (Array.isArray(value) || (value === undefined && Array.isArray(unknown)))
      return maskArray(value ?? [], sensitive, unknown);
    if (
      isObject(value) ||
      ((value === undefined || value === null) && isObject(unknown) && anyTrue(unknown))
    )
      return maskObject(isObject(value) ? value : {}, sensitive, unknown);
    return known(value ?? null);
  };
  const maskArray = (items: readonly Json[], sensitive: Mask, unknown: Mask): Json => {
    const length = Math.max(items.length, Array.isArray(unknown) ? unknown.length : 0);
    return Array.from({ length }, (_, index) =>
      apply(items[index], item(sensitive, index), item(unknown, index)),
    );
  };
  const maskObject = (
    members: { readonly [name: string]: Json },
    sensitive: Mask,
    unknown: Mask,
  ): Json => {
    const names = new Set(Object.keys(members));
    if (isObject(unknown))
      for (const [name, mask] of Object.entries(unknown)) if (anyTrue(mask)) names.add(name);
    return Object.fromEntries(
      [...names].map((name) => [
        name,
        apply(own(members, name), own(sensitive, name), own(unknown, name)),
      ]),
    );
  };
  return { apply };
}

/** True when a mask applies anywhere. */
export function anyTrue(mask: Mask): boolean {
  if (mask === true) return true;
  if (Array.isArray(mask)) return mask.some((entry) => anyTrue(entry as Mask));
  return isObject(mask) && Object.values(mask).some(anyTrue);
}

function isObject(value: unknown): value is { readonly [name: string]: Json } {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value)
  );
}

function item(mask: Mask, index: number): Mask {
  return Array.isArray(mask) ? (mask[index] as Mask) : undefined;
}

function own(members: Mask, name: string): Mask {
  return isObject(members) && Object.hasOwn(members, name) ? members[name] : undefined;
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map((entry) => sorted(entry as Json));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, entry]) => [name, sorted(entry)]),
  );
}
