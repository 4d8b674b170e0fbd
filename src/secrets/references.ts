/** References in inputs: `{"$secret": name}` and `{"$output": {stack, name}}`, found and replaced by what they name. */
import type { Json } from '../contract/json.js';
import { stackIdSchema } from '../contract/operation.js';
import { CodedError } from '../errors.js';
import { fromMembers, isMembers, type InputPath } from '../plan/inputs.js';

/** A reference and its place in the inputs. */
export type Reference =
  | { readonly kind: 'secret'; readonly name: string; readonly path: InputPath }
  | {
      readonly kind: 'output';
      readonly stack: string;
      readonly name: string;
      readonly path: InputPath;
    };

/** What looks references up; throws `SecretNotFound`, `StackNotFound` or `InvalidInput`. */
export interface ReferenceResolver {
  secret(name: string): Promise<string>;
  output(
    stack: string,
    name: string,
  ): Promise<{ readonly value: Json; readonly sensitive: boolean }>;
}

/** Inputs with every reference replaced. */
export interface ResolvedInputs {
  readonly inputs: Record<string, Json>;
  /** Places of secret values, for `maskInputs`. */
  readonly secretPaths: readonly InputPath[];
  /** Inputs that hold a secret anywhere, for `secret_inputs` of a request. */
  readonly secretInputs: readonly string[];
  /** The secret strings themselves, for redaction. */
  readonly secretValues: readonly string[];
}

const SECRET_NAME = /^[A-Za-z0-9_][A-Za-z0-9._-]{0,199}$/;

/** True for a name that a secret may have. */
export function isSecretName(name: string): boolean {
  return SECRET_NAME.test(name);
}

/** All references in inputs. Throws `InvalidInput` for a malformed one, naming its place. */
export function findReferences(inputs: Readonly<Record<string, Json>>): Reference[] {
  const found: Reference[] = [];
  visit(inputs, [], found);
  return found;
}

/** Replaces every reference; each name is looked up once. Throws what `findReferences` and the resolver throw. */
export async function resolveReferences(
  inputs: Readonly<Record<string, Json>>,
  resolver: ReferenceResolver,
): Promise<ResolvedInputs> {
  const references = findReferences(inputs);
  const lookups = new Map<string, Promise<{ value: Json; sensitive: boolean }>>();
  for (const reference of references) {
    const key = lookupKey(reference);
    if (lookups.has(key)) continue;
    lookups.set(key, lookUp(reference, resolver));
  }
  const values = new Map<string, { value: Json; sensitive: boolean }>();
  // All settle before the first failure is thrown: none may go unhandled.
  await Promise.allSettled(lookups.values());
  for (const [key, lookup] of lookups) values.set(key, await lookup);
  const secrets = references.filter((reference) => values.get(lookupKey(reference))?.sensitive);
  return {
    inputs: replace(inputs, (reference) => values.get(lookupKey(reference))?.value ?? null),
    secretPaths: secrets.map((reference) => reference.path),
    secretInputs: [...new Set(secrets.map(({ path }) => String(path[0])))],
    secretValues: [
      ...new Set(secrets.flatMap((reference) => strings(values.get(lookupKey(reference))?.value))),
    ],
  };
}

/** Every string inside a value, numbers as their text: what redaction looks for when the value is secret. */
export function strings(value: Json | undefined): string[] {
  if (typeof value === 'string') return [value];
  if (value === undefined || value === null || typeof value === 'boolean') return [];
  if (Array.isArray(value)) return value.flatMap((item) => strings(item as Json));
  if (isMembers(value)) return Object.keys(value).flatMap((name) => strings(value[name]));
  return [String(value)];
}

function visit(value: Json, path: InputPath, found: Reference[]): void {
  if (Array.isArray(value)) {
    value.forEach((item, index) => visit(item as Json, [...path, index], found));
    return;
  }
  if (!isMembers(value)) return;
  const reference = path.length === 0 ? undefined : referenceOf(value, path);
  if (reference) found.push(reference);
  else for (const name of Object.keys(value)) visit(value[name] as Json, [...path, name], found);
}

function replace(
  inputs: Readonly<Record<string, Json>>,
  valueOf: (reference: Reference) => Json,
): Record<string, Json> {
  const walk = (value: Json, path: InputPath): Json => {
    if (Array.isArray(value))
      return value.map((item, index) => walk(item as Json, [...path, index]));
    if (!isMembers(value)) return value;
    const reference = path.length === 0 ? undefined : referenceOf(value, path);
    if (reference) return valueOf(reference);
    return fromMembers(
      Object.keys(value).map((name) => [name, walk(value[name] as Json, [...path, name])]),
    );
  };
  return walk(inputs, []) as Record<string, Json>;
}

function referenceOf(
  value: { readonly [name: string]: Json },
  path: InputPath,
): Reference | undefined {
  const names = Object.keys(value);
  const marker = names.find((name) => name === '$secret' || name === '$output');
  if (marker === undefined) return undefined;
  if (names.length > 1) throw malformed(path, `"${marker}" stands alone in its object`);
  const target = value[marker];
  if (marker === '$secret') {
    if (typeof target === 'string' && isSecretName(target))
      return { kind: 'secret', name: target, path };
    throw malformed(path, '"$secret" takes a name of letters, digits, ".", "_" and "-"');
  }
  if (isMembers(target) && Object.keys(target).sort().join() === 'name,stack') {
    const { stack, name } = target as { stack: Json; name: Json };
    if (stackIdSchema.safeParse(stack).success && typeof name === 'string' && name !== '') {
      return { kind: 'output', stack: stack as string, name, path };
    }
  }
  throw malformed(path, '"$output" takes {"stack": id, "name": output}');
}

async function lookUp(
  reference: Reference,
  resolver: ReferenceResolver,
): Promise<{ value: Json; sensitive: boolean }> {
  if (reference.kind === 'output') return resolver.output(reference.stack, reference.name);
  return { value: await resolver.secret(reference.name), sensitive: true };
}

function lookupKey(reference: Reference): string {
  return reference.kind === 'secret'
    ? JSON.stringify(['secret', reference.name])
    : JSON.stringify(['output', reference.stack, reference.name]);
}

function malformed(path: InputPath, why: string): CodedError {
  return new CodedError('InvalidInput', `input ${path.join('.')}: ${why}`);
}
