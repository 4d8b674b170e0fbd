/** Checks a value against the type that `Pulumi.yaml` declares, by the CLI's own rules. */
import { isLosslessNumber, type Json } from '../../../src/contract/json.js';

interface DeclaredType {
  readonly type?: string | undefined;
  readonly items?: unknown;
}

/** True when the CLI (3.259.0, `ValidateConfigValue`) accepts the value for the declared type; no type takes anything. */
export function matchesConfigType(declared: DeclaredType, value: Json): boolean {
  switch (declared.type) {
    case undefined:
      return true;
    case 'string':
      return !isContainer(value);
    case 'integer':
      return typeof value === 'number' || isLosslessNumber(value)
        ? /^-?\d+$/.test(String(value))
        : typeof value === 'string' && /^[+-]?\d{1,19}$/.test(value);
    case 'boolean':
      return typeof value === 'boolean' || value === 'true' || value === 'false';
    case 'object':
      return isContainer(value) && !Array.isArray(value);
    default: {
      const items = declared.items as DeclaredType | undefined;
      return (
        Array.isArray(value) && value.every((item: Json) => matchesItemType(items ?? {}, item))
      );
    }
  }
}

/** Inside a list nothing is turned into a string: a number is not a `string` there. */
function matchesItemType(declared: DeclaredType, value: Json): boolean {
  if (declared.type === 'string') return typeof value === 'string';
  return matchesConfigType(declared, value);
}

/** True for a list or an object. */
export function isContainer(
  value: Json,
): value is readonly Json[] | { readonly [name: string]: Json } {
  return typeof value === 'object' && value !== null && !isLosslessNumber(value);
}

/** Name of a declared type, with that of its items: `array<string>`. */
export function configTypeName(declared: DeclaredType): string {
  const items = declared.items as DeclaredType | undefined;
  return items === undefined
    ? (declared.type ?? 'any')
    : `${declared.type}<${configTypeName(items)}>`;
}
