/** Inputs of a request as a Pulumi stack configuration file. */
import { qualifiedConfigKey, isRequiredConfig } from '../../../src/contract/pulumi-project.js';
import type { ProjectConfig, PulumiProject } from '../../../src/contract/pulumi-project.js';
import { isLosslessNumber, stringifyJson, type Json } from '../../../src/contract/json.js';
import { FailureError } from '../../failure-error.js';
import { configTypeName, isContainer, matchesConfigType } from './config-type.js';
import type { PassphraseEncryption } from './passphrase-encryption.js';

/**
 * Most bytes of configuration that reach a program: language hosts hand it over as one environment variable, and Linux takes 131,072 bytes
 * in one (131,051 were seen to pass, 131,090 to fail). A `yaml` program runs inside its host and has no such cap.
 */
export const CONFIG_LIMIT = 128_000;

export interface ConfigRequest {
  readonly project: PulumiProject;
  readonly inputs: Readonly<Record<string, Json>>;
  /** Names of inputs, bare or with namespace, whose values are secret. */
  readonly secretInputs: readonly string[];
  /** Salt of the stack's state; without one the CLI writes a new one into the file. */
  readonly salt: string | undefined;
  /** Derives the stack's key; only called when a value has to be encrypted. */
  readonly encryption: () => Promise<PassphraseEncryption>;
}

interface Entry {
  readonly input: string;
  readonly value: Json;
  readonly secret: boolean;
  readonly declared: ProjectConfig | undefined;
}

/** Text of a configuration file (JSON) that gives the program exactly the inputs. Throws `InvalidInput` that names every problem. */
export async function renderConfigFile(request: ConfigRequest): Promise<string> {
  const { project } = request;
  const entries = collectEntries(request);
  const issues: string[] = [];
  for (const entry of entries.values()) {
    const issue = checkEntry(project, entry);
    if (issue !== undefined) issues.push(issue);
  }
  for (const [name, declared] of Object.entries(project.config)) {
    if (
      isRequiredConfig(project.name, name, declared) &&
      !entries.has(qualifiedConfigKey(project.name, name))
    )
      issues.push(`input "${name}" is required`);
  }
  if (issues.length > 0) throw new FailureError('InvalidInput', issues.join('; '), { issues });
  checkSize(project, entries);

  const encryption = [...entries.values()].some(needsKey) ? await request.encryption() : undefined;
  const encrypt: Encrypt = (text) => ({ secure: encryption?.encrypt(text) });
  const config = Object.fromEntries(
    [...entries].map(([key, { value, secret }]) => [
      key,
      secret ? secretValue(value, encrypt) : plainValue(value, encrypt),
    ]),
  );
  return stringifyJson({ encryptionsalt: encryption?.salt ?? request.salt, config });
}

type Encrypt = (text: string) => unknown;

function needsKey({ value, secret }: Entry): boolean {
  return secret || holdsSecureObject(value);
}

function collectEntries({ project, inputs, secretInputs }: ConfigRequest): Map<string, Entry> {
  const declarations = new Map(
    Object.entries(project.config).map(([name, declared]) => [
      qualifiedConfigKey(project.name, name),
      declared,
    ]),
  );
  const secretKeys = new Set(secretInputs.map((name) => qualifiedConfigKey(project.name, name)));
  const entries = new Map<string, Entry>();
  for (const [input, value] of Object.entries(inputs)) {
    const key = qualifiedConfigKey(project.name, input);
    if (!/^[^:]+:[^:]+$/.test(key))
      throw new FailureError(
        'InvalidInput',
        `input "${input}" is not a configuration key: use name or namespace:name`,
      );
    if (entries.has(key))
      throw new FailureError(
        'InvalidInput',
        `inputs "${entries.get(key)?.input}" and "${input}" are the same configuration key ${key}`,
      );
    // The CLI reads null as an empty string; to a request it means "not given".
    if (value === null) continue;
    const declared = declarations.get(key);
    entries.set(key, {
      input,
      value,
      declared,
      secret: secretKeys.has(key) || declared?.secret === true,
    });
  }
  // The CLI refuses a default in clear for a key that is declared secret.
  for (const [key, declared] of declarations) {
    const preset = (declared.value ?? declared.default) as Json | undefined;
    if (declared.secret === true && preset !== undefined && preset !== null && !entries.has(key))
      entries.set(key, { input: key, value: preset, declared, secret: true });
  }
  return entries;
}

function checkEntry(project: PulumiProject, { input, value, declared }: Entry): string | undefined {
  if (declared !== undefined && !matchesConfigType(declared, value))
    return `input "${input}" must be of type ${configTypeName(declared)}`;
  const rounded = isContainer(value)
    ? findLosslessNumber(value, input)
    : declared?.type === 'integer' &&
        project.runtime === 'yaml' &&
        !Number.isSafeInteger(Number(String(value)))
      ? input
      : undefined;
  if (rounded !== undefined)
    return `number at "${rounded}" would be rounded (Pulumi's numbers are doubles): send it as a string`;
  return undefined;
}

function findLosslessNumber(value: Json, path: string): string | undefined {
  if (isLosslessNumber(value)) return path;
  if (!isContainer(value)) return undefined;
  const isList = Array.isArray(value);
  for (const [name, member] of Object.entries(value)) {
    const found = findLosslessNumber(
      member as Json,
      isList ? `${path}[${name}]` : `${path}.${name}`,
    );
    if (found !== undefined) return found;
  }
  return undefined;
}

function checkSize(project: PulumiProject, entries: ReadonlyMap<string, Entry>): void {
  if (project.runtime === 'yaml') return;
  const clear = Object.fromEntries(
    [...entries].map(([key, { value }]) => [key, scalarText(value) ?? stringifyJson(value)]),
  );
  const size = Buffer.byteLength(stringifyJson(clear));
  if (size > CONFIG_LIMIT)
    throw new FailureError(
      'InvalidInput',
      `inputs are ${size} bytes, a Pulumi ${project.runtime} program takes ${CONFIG_LIMIT}: pass large values by reference`,
    );
}

/** A scalar as the program will see it; programs get every top-level scalar as text, so that text is exact whatever its size. */
function scalarText(value: Json): string | undefined {
  return isContainer(value) || value === null ? undefined : String(value);
}

function plainValue(value: Json, encrypt: Encrypt): unknown {
  const text = scalarText(value);
  if (text !== undefined) return text;
  return mapLeaves(value, (leaf) => leaf, encrypt);
}

/** Encrypts text leaf by leaf, which keeps types and lets the engine mask each; where there is no text, the whole as JSON text. */
function secretValue(value: Json, encrypt: Encrypt): unknown {
  const text = scalarText(value);
  if (text !== undefined) return encrypt(text);
  let texts = 0;
  const encrypted = mapLeaves(
    value,
    (leaf) => {
      if (typeof leaf !== 'string') return leaf;
      texts += 1;
      return encrypt(leaf);
    },
    encrypt,
  );
  return texts > 0 ? encrypted : encrypt(stringifyJson(value));
}

/** A plain `{"secure": "text"}` would be taken for ciphertext: its text is encrypted, so that it arrives as it was sent. */
function mapLeaves(value: Json, leaf: (value: Json) => unknown, encrypt: Encrypt): unknown {
  if (!isContainer(value)) return leaf(value);
  if (Array.isArray(value)) return value.map((item: Json) => mapLeaves(item, leaf, encrypt));
  if (isSecureObject(value)) return { secure: encrypt(value.secure) };
  const members = Object.entries(value);
  return Object.fromEntries(
    members.map(([name, member]) => [name, mapLeaves(member, leaf, encrypt)]),
  );
}

function isSecureObject(value: Json): value is { readonly secure: string } {
  if (!isContainer(value) || Array.isArray(value)) return false;
  const [only, ...others] = Object.entries(value);
  return others.length === 0 && only?.[0] === 'secure' && typeof only[1] === 'string';
}

function holdsSecureObject(value: Json): boolean {
  if (!isContainer(value)) return false;
  return (
    isSecureObject(value) || Object.values(value).some((member: Json) => holdsSecureObject(member))
  );
}
