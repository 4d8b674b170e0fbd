/** The resources that a state file names, in the words of the engine's events. */
import { isLosslessNumber, type Json } from '../contract/json.js';
import type { Engine } from '../contract/module-schema.js';
import { isMembers } from '../plan/inputs.js';
import { deploymentOf, parseState } from './describe.js';

type Members = { readonly [name: string]: Json };

/** Addresses (OpenTofu) or URNs (Pulumi); undefined for an encrypted state. Throws `StateDamaged` when it is no state. */
export function resourcesIn(engine: Engine, bytes: Uint8Array): Set<string> | undefined {
  const document = parseState(engine, bytes);
  if ('encrypted_data' in document) return undefined;
  if (engine === 'opentofu') return new Set(members(document['resources']).flatMap(addresses));
  const resources = members(deploymentOf(document)['resources']);
  return new Set(resources.map(({ urn }) => String(urn)));
}

/** Operations that a Pulumi state names as under way. */
export function pendingIn(
  engine: Engine,
  bytes: Uint8Array,
): { resource: string; operation: string }[] {
  if (engine !== 'pulumi') return [];
  const pending = members(deploymentOf(parseState(engine, bytes))['pending_operations']);
  return pending.map(({ type, resource }) => ({
    resource: String(isMembers(resource) ? resource['urn'] : ''),
    operation: String(type),
  }));
}

function addresses({ mode, module, type, name, instances }: Members): string[] {
  if (mode !== 'managed') return [];
  const base = `${module === undefined ? '' : `${String(module)}.`}${String(type)}.${String(name)}`;
  return members(instances)
    .filter(({ deposed }) => deposed === undefined)
    .map(({ index_key: key }) => `${base}${key === undefined ? '' : `[${index(key as Json)}]`}`);
}

/** A key as the tool writes it in an address. */
function index(key: Json): string {
  if (isLosslessNumber(key)) return key.toString();
  return typeof key === 'string'
    ? JSON.stringify(key).replace(/([$%])\{/g, '$1$1{')
    : JSON.stringify(key);
}

function members(value: Json | undefined): Members[] {
  return Array.isArray(value) ? (value as Json[]).filter(isMembers) : [];
}
