/** What a state file says of itself: OpenTofu state version 4, Pulumi deployment version 3. */
import { createHash } from 'node:crypto';
import { isLosslessNumber, parseJson, type Json } from '../contract/json.js';
import type { Engine } from '../contract/module-schema.js';
import { CodedError } from '../errors.js';
import { byCodePoint, canonicalJson } from '../contract/canonical-json.js';
import { fromMembers, isMembers } from '../plan/inputs.js';

/** The identity of a state. */
export interface StateDescription {
  /** OpenTofu: `lineage/serial`. Pulumi: SHA-256 of the bytes, which any write changes. */
  readonly fingerprint: string;
  /** OpenTofu only. */
  readonly serial?: number;
  /** What stays the same through a stack's life: OpenTofu's lineage; Pulumi's `stack::project`, once it has resources. */
  readonly lineage?: string;
  /** Managed resource instances. */
  readonly resources: number;
}

/** Describes a state file of an engine. Throws `StateDamaged` when it is not one. */
export function describeState(engine: Engine, bytes: Uint8Array): StateDescription {
  const document = parseState(engine, bytes);
  return engine === 'opentofu' ? describeTofu(document) : describePulumi(document, bytes);
}

/** The engine whose state file this is, or undefined when it is none. */
export function engineOfState(bytes: Uint8Array): Engine | undefined {
  return (['opentofu', 'pulumi'] as const).find((engine) => {
    try {
      describeState(engine, bytes);
      return true;
    } catch (error) {
      if (error instanceof CodedError && error.code === 'StateDamaged') return false;
      throw error;
    }
  });
}

/** Parses a state file. Throws `StateDamaged` when it is not a state of the engine. */
export function parseState(engine: Engine, bytes: Uint8Array): Members {
  let document: Json;
  try {
    document = parseJson(Buffer.from(bytes).toString('utf8'));
  } catch (error) {
    // The parser's message would quote the state, which may hold secrets.
    throw notState(
      engine,
      error instanceof SyntaxError ? 'it is not JSON' : 'it could not be read',
    );
  }
  if (!isMembers(document)) throw notState(engine, 'it is no object');
  return document;
}

type Members = { readonly [name: string]: Json };

function describeTofu(state: Members): StateDescription {
  const serial = integer(state['serial']);
  const lineage = state['lineage'];
  if (integer(state['version']) !== 4) throw notState('opentofu', 'its version is not 4');
  if (serial === undefined || typeof lineage !== 'string') {
    throw notState('opentofu', 'it has no serial or lineage');
  }
  const resources = array(state['resources']).filter(
    (resource) => isMembers(resource) && resource['mode'] === 'managed',
  );
  const instances = resources.map((resource) => array((resource as Members)['instances']).length);
  return {
    fingerprint: `${lineage}/${serial}`,
    serial,
    lineage,
    resources: instances.reduce((sum, count) => sum + count, 0),
  };
}

function describePulumi(state: Members, bytes: Uint8Array): StateDescription {
  const resources = deploymentResources(deploymentOf(state));
  const counted = resources.filter(
    (resource) => isMembers(resource) && resource['type'] !== 'pulumi:pulumi:Stack',
  );
  const lineage = resources.map(urnStack).find((found) => found !== undefined);
  return {
    fingerprint: createHash('sha256').update(bytes).digest('hex'),
    ...(lineage !== undefined && { lineage }),
    resources: counted.length,
  };
}

/** Stack and project of a resource, out of `urn:pulumi:STACK::PROJECT::…`. */
function urnStack(resource: Json): string | undefined {
  const urn = isMembers(resource) ? resource['urn'] : undefined;
  return typeof urn === 'string' ? /^urn:pulumi:([^:]+::[^:]+)::/.exec(urn)?.[1] : undefined;
}

/**
 * SHA-256 of what a Pulumi state says of the world, as hex. Unlike the fingerprint it stays the same through an update
 * or refresh without changes, which rewrites times, ciphertexts, dependency order and source positions (3.259).
 */
export function pulumiContentDigest(bytes: Uint8Array): string {
  const resources = deploymentResources(deploymentOf(parseState('pulumi', bytes)));
  const lines = resources.map((resource) => canonicalJson(worldly(resource))).sort(byCodePoint);
  return createHash('sha256').update(lines.join('\n')).digest('hex');
}

const UNWORLDLY: ReadonlySet<string> = new Set([
  'propertyDependencies',
  'dependencies',
  'created',
  'modified',
  'sourcePosition',
  'stackTrace',
]);

function worldly(resource: Json): Json {
  if (!isMembers(resource)) return resource;
  const kept = Object.keys(resource).filter((name) => !UNWORLDLY.has(name));
  return fromMembers(kept.map((name) => [name, withoutCiphertext(resource[name] as Json)]));
}

function withoutCiphertext(value: Json): Json {
  if (Array.isArray(value)) return value.map((item) => withoutCiphertext(item as Json));
  if (!isMembers(value)) return value;
  return fromMembers(
    Object.keys(value).map((name) => [
      name,
      name === 'ciphertext' ? '[secret]' : withoutCiphertext(value[name] as Json),
    ]),
  );
}

/** The deployment of `pulumi stack export`, or of a checkpoint file of the file back end. */
export function deploymentOf(state: Members): Members {
  const checkpoint = state['checkpoint'];
  const deployment =
    state['deployment'] ?? (isMembers(checkpoint) ? (checkpoint['latest'] ?? {}) : undefined);
  if (!isMembers(deployment)) throw notState('pulumi', 'it has no deployment');
  return deployment;
}

function deploymentResources(deployment: Members): readonly Json[] {
  return array(deployment['resources']);
}

function array(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? (value as readonly Json[]) : [];
}

function integer(value: Json | undefined): number | undefined {
  const number = isLosslessNumber(value) ? Number(value.toString()) : value;
  return typeof number === 'number' && Number.isInteger(number) ? number : undefined;
}

function notState(engine: Engine, why: string): CodedError {
  return new CodedError('StateDamaged', `this is no ${engine} state: ${why}`);
}
