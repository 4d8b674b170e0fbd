/** What a masked value has to look like, by the masks of the tool's own plan. */
import { stringifyJson, type Json } from '../../src/contract/json.js';
import { isLosslessNumber } from '../../src/contract/json.js';

/** Stands for a value that is secret as well as unknown: either mark is right. */
const HIDDEN = Symbol('hidden');
const UNKNOWN = { $unknown: true };
const SENSITIVE = { $sensitive: true };

/** The value with each masked part replaced by its mark. `null` stays null. */
export function expectedValue(
  value: Json | undefined,
  sensitive: Json | undefined,
  unknown: Json | undefined,
): unknown {
  if (sensitive === true) return unknown === true ? HIDDEN : SENSITIVE;
  if (unknown === true) return UNKNOWN;
  if (Array.isArray(value) || Array.isArray(unknown)) {
    const list = (value ?? []) as readonly Json[];
    const length = Math.max(
      list.length,
      holdsTrue(unknown) ? ((unknown as Json[]).length ?? 0) : 0,
    );
    return Array.from({ length }, (_, index) =>
      expectedValue(list[index] ?? null, part(sensitive, index), part(unknown, index)),
    );
  }
  if (isObject(value)) {
    const names = new Set([...Object.keys(value), ...namesOfTrue(unknown)]);
    return Object.fromEntries(
      [...names].map((name) => [
        name,
        expectedValue(own(value, name), part(sensitive, name), part(unknown, name)),
      ]),
    );
  }
  return value ?? null;
}

/**
 * Where two values differ; `undefined` equals an absent one. Text with one of `secrets` in it may be hidden although the tool shows it:
 * its masks don't follow a secret that a provider copies into another attribute.
 */
export function valueDifferences(
  path: string,
  expected: unknown,
  actual: unknown,
  secrets: readonly string[] = [],
): string[] {
  if (expected === HIDDEN) {
    const text = stringifyJson(actual ?? null);
    return text === stringifyJson(UNKNOWN) || text === stringifyJson(SENSITIVE)
      ? []
      : [`${path}: expected a mark, not a value`];
  }
  if (Array.isArray(expected) && Array.isArray(actual) && expected.length === actual.length)
    return expected.flatMap((entry, index) =>
      valueDifferences(`${path}[${index}]`, entry, actual[index], secrets),
    );
  if (isObject(expected) && isObject(actual)) {
    const names = new Set([...Object.keys(expected), ...Object.keys(actual)]);
    return [...names].flatMap((name) =>
      valueDifferences(`${path}.${name}`, own(expected, name), own(actual, name), secrets),
    );
  }
  const [wanted, got] = [text(expected), text(actual)];
  const hides = got === text(SENSITIVE) && secrets.some((secret) => wanted.includes(secret));
  return hides || wanted === got ? [] : [`${path}: expected ${wanted}, got ${got}`];
}

function text(value: unknown): string {
  return value === undefined ? 'nothing' : stringifyJson(value);
}

function isObject(value: unknown): value is Record<string, Json> {
  return (
    typeof value === 'object' && value !== null && !Array.isArray(value) && !isLosslessNumber(value)
  );
}

function part(mask: Json | undefined, step: string | number): Json | undefined {
  if (mask === true) return true;
  if (typeof mask !== 'object' || mask === null) return undefined;
  return own(mask as Record<string | number, Json>, step);
}

/** A member of its own: `__proto__` is a name like any other. */
function own<Value>(
  members: Readonly<Record<string | number, Value>>,
  name: string | number,
): Value | undefined {
  return Object.hasOwn(members, name) ? members[name] : undefined;
}

function namesOfTrue(mask: Json | undefined): string[] {
  if (!isObject(mask)) return [];
  return Object.keys(mask).filter((name) => holdsTrue(mask[name]));
}

function holdsTrue(mask: Json | undefined): boolean {
  if (mask === true) return true;
  return typeof mask === 'object' && mask !== null && Object.values(mask).some(holdsTrue);
}
