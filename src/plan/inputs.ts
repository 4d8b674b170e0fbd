/** Inputs as a plan bundle holds them: secret values stand as an HMAC, so that a changed secret shows and its value does not. */
import type { Json } from '../contract/json.js';
import { maskValue } from '../store/stack-keys.js';

/** The place of a value inside inputs: names and indices from the outside in. */
export type InputPath = readonly (string | number)[];

/**
 * Inputs with the values at `secretPaths`, and the whole of the inputs named in `secretInputs`, replaced by
 * `{$sensitive: hmac}`. `key` is the stack's `inputs` key.
 */
export function maskInputs(
  inputs: Readonly<Record<string, Json>>,
  secrets: { readonly paths: readonly InputPath[]; readonly inputs: readonly string[] },
  key: Uint8Array,
): Record<string, Json> {
  const places = new Set([...secrets.paths, ...secrets.inputs.map((name) => [name])].map(placeOf));
  const mask = (value: Json, path: InputPath): Json => {
    if (places.has(placeOf(path))) return { $sensitive: maskValue(key, placeOf(path), value) };
    if (Array.isArray(value))
      return value.map((item, index) => mask(item as Json, [...path, index]));
    if (!isMembers(value)) return value;
    return fromMembers(
      Object.keys(value).map((name) => [name, mask(value[name] as Json, [...path, name])]),
    );
  };
  return mask(inputs, []) as Record<string, Json>;
}

/** True for a JSON object; lossless numbers are class instances and no such object. */
export function isMembers(value: Json | undefined): value is { readonly [name: string]: Json } {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

/** An object of members in which `__proto__` is a name like any other. */
export function fromMembers(members: readonly (readonly [string, Json])[]): Record<string, Json> {
  return Object.fromEntries(members);
}

function placeOf(path: InputPath): string {
  return JSON.stringify(path);
}
