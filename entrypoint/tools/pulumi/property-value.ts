/** Property values of the engine in the words of the change model: secrets and unknowns masked, assets by their hash. */
import { createHmac } from 'node:crypto';
import {
  SENSITIVE,
  UNKNOWN,
  isLosslessNumber,
  parseJsonFast,
  stringifyJson,
  type Json,
} from '../../../src/contract/index.js';
import type { Properties } from './engine-event.js';

// CLI 3.259.0: `sdk/go/common/resource/sig` and `sdk/go/common/resource/plugin/rpc.go`.
const SIGNATURE = '4dabf18193072939515e22adb298388d';
const SECRET = '1b47061264138c4ac30d75fd1eb44270';
const OUTPUT_VALUE = 'd0e6a833031e9bbcd3f4e8bde6ca49a4';
const ASSET = 'c44067f5952c0a294b673a41bacd8c17';
const ARCHIVE = '0def7320c3a5731c473e5ecbe6d01bc7';
const UNKNOWNS = new Set([
  '1c4a061d-8072-4f0a-a4cb-0ff528b18fe7',
  '3eeb2bf0-c639-47a8-9e75-3b44932eb421',
  '04da6b54-80e4-46f7-96ec-b56ff0331ba9',
  '6a19a0b0-7e62-4c92-b797-7f8e31da9cc2',
  '030794c1-ac77-496b-92df-f27374a8bd58',
  'e48ece36-62e2-4504-bad9-02848725956a',
  'dd056dcd-154b-4c76-9bd3-c8f88648b5ff',
]);
/** What the engine writes in events in place of a secret. */
const BLINDED = '[secret]';
/** Serialised code of a dynamic provider: thousands of characters, and no property of the resource. */
const PROVIDER_CODE = '__provider';
const INTERNAL_DEFAULTS = '__defaults';

type JsonObject = { readonly [name: string]: Json };

/** Opens a secret; undefined when that is not possible. */
export type OpenSecret = (ciphertext: string) => string | undefined;

/** How values are masked. */
export interface Masking {
  /** Key of the HMAC that stands for a secret, so that two previews can be compared; absent: `true` stands for it. */
  readonly key: Buffer | undefined;
  readonly open: OpenSecret;
  /** Finds known secrets in text that the program did not mark. */
  readonly isSecret: (text: string) => boolean;
}

/** A resource's properties as `before` or `after` of a change; null where there are none. */
export function maskProperties(properties: Properties | null | undefined, masking: Masking): Json {
  if (properties === null || properties === undefined) return null;
  return maskMembers(properties, masking);
}

/** One value, masked at any depth. */
export function maskValue(value: Json, masking: Masking): Json {
  if (typeof value === 'string') {
    if (UNKNOWNS.has(value)) return { ...UNKNOWN };
    return masking.isSecret(value) ? mark(stringifyJson(value), masking) : value;
  }
  if (Array.isArray(value)) return value.map((item: Json) => maskValue(item, masking));
  if (!isObject(value)) return value;
  switch (value[SIGNATURE]) {
    case undefined:
      return maskMembers(value, masking);
    case SECRET:
      return sensitive(value, masking);
    case OUTPUT_VALUE:
      if (value['secret'] === true) return { ...SENSITIVE };
      return value['value'] === undefined ? { ...UNKNOWN } : maskValue(value['value'], masking);
    case ASSET:
    case ARCHIVE:
      return { $asset: value['hash'] ?? null };
    default:
      return maskMembers(without(value, SIGNATURE), masking);
  }
}

/** The value with the encrypted form of each secret that is at the same place in `stored`. */
export function revealSecrets<Value extends Json>(value: Value, stored: Json | undefined): Value {
  if (stored === undefined || stored === null) return value;
  if (Array.isArray(value))
    return value.map((item: Json, index) =>
      revealSecrets(item, Array.isArray(stored) ? (stored[index] as Json) : undefined),
    ) as unknown as Value;
  if (!isObject(value) || !isObject(stored)) return value;
  if (value[SIGNATURE] === SECRET)
    return stored[SIGNATURE] === SECRET ? (stored as unknown as Value) : value;
  return Object.fromEntries(
    Object.entries(value).map(([name, member]) => [
      name,
      revealSecrets(member, Object.hasOwn(stored, name) ? stored[name] : undefined),
    ]),
  ) as unknown as Value;
}

/** The value with its secrets opened, and whether there was one. Throws `Error` when one can't be opened. */
export function openValue(value: Json, open: OpenSecret): { value: Json; sensitive: boolean } {
  let sensitiveInside = false;
  const visit = (inner: Json): Json => {
    if (Array.isArray(inner)) return inner.map(visit);
    if (!isObject(inner)) return inner;
    if (inner[SIGNATURE] === SECRET) {
      sensitiveInside = true;
      const text = secretText(inner, open);
      if (text === undefined) throw new Error('a secret value of the state can not be opened');
      return visit(parseSecret(text));
    }
    return Object.fromEntries(Object.entries(inner).map(([name, member]) => [name, visit(member)]));
  };
  const opened = visit(value);
  return { value: opened, sensitive: sensitiveInside };
}

/** Every text that a tree of values holds encrypted, opened. */
export function* openSecrets(value: Json, open: OpenSecret): Generator<Json> {
  if (Array.isArray(value)) for (const item of value) yield* openSecrets(item as Json, open);
  else if (isObject(value)) {
    if (value[SIGNATURE] === SECRET) {
      const text = secretText(value, open);
      if (text !== undefined) yield parseSecret(text);
    } else for (const member of Object.values(value)) yield* openSecrets(member, open);
  }
}

/** True when a masked value holds an unknown. */
export function hasUnknown(value: Json): boolean {
  if (Array.isArray(value)) return value.some((item: Json) => hasUnknown(item));
  if (!isObject(value)) return false;
  return value['$unknown'] === true || Object.values(value).some(hasUnknown);
}

function maskMembers(value: Properties, masking: Masking): Json {
  const members: [string, Json][] = [];
  for (const [name, member] of Object.entries(value))
    if (name !== PROVIDER_CODE && name !== INTERNAL_DEFAULTS)
      members.push([name, maskValue(member, masking)]);
  return Object.fromEntries(members);
}

function sensitive(secret: JsonObject, masking: Masking): Json {
  const text = masking.key === undefined ? undefined : secretText(secret, masking.open);
  return mark(text, masking);
}

/** A secret that is known only after the apply has no value to compare. */
function mark(text: string | undefined, { key }: Masking): Json {
  if (key === undefined || text === undefined || UNKNOWNS.has(String(parseSecret(text))))
    return { ...SENSITIVE };
  return { $sensitive: `hmac-sha256:${createHmac('sha256', key).update(text).digest('hex')}` };
}

/** JSON text of a secret: encrypted in a state or plan, blinded in an event. */
function secretText(secret: JsonObject, open: OpenSecret): string | undefined {
  const { plaintext, ciphertext } = secret;
  if (typeof plaintext === 'string') return plaintext;
  if (typeof ciphertext !== 'string' || ciphertext === BLINDED) return undefined;
  return open(ciphertext);
}

function parseSecret(text: string): Json {
  try {
    return parseJsonFast(text);
  } catch {
    return text;
  }
}

function isObject(value: Json): value is JsonObject {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value)
  );
}

function without(value: JsonObject, name: string): JsonObject {
  return Object.fromEntries(Object.entries(value).filter(([member]) => member !== name));
}
