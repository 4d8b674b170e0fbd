/** Inputs and credentials of a run, with every reference replaced by its value at the moment of use. */
import type { Json } from '../contract/json.js';
import { maskInputs } from '../plan/inputs.js';
import { resolveCredentials } from '../secrets/credentials.js';
import { createRedactor, type Redactor } from '../secrets/redact.js';
import { resolveReferences } from '../secrets/references.js';
import {
  directorySource,
  environmentSource,
  resolveSecret,
  type SecretSource,
} from '../secrets/sources.js';
import type { OperationDependencies } from './dependencies.js';
import { outputReader } from './read-output.js';

export interface RunInputs {
  readonly inputs: Record<string, Json>;
  /** Inputs as a plan bundle holds them. */
  readonly masked: Record<string, Json>;
  readonly secretInputs: readonly string[];
  readonly credentials: Record<string, string>;
  readonly credentialFiles: Record<string, string>;
  /** Takes every secret of this run out of a text. */
  readonly redact: Redactor;
  /** True when there is a secret to redact. */
  readonly hasSecrets: boolean;
}

/** Resolves `inputs` (with references) and `credentials` (names). Throws `SecretNotFound`, `StackNotFound`, `InvalidInput`. */
export async function resolveRunInputs(
  dependencies: OperationDependencies,
  stackId: string,
  inputs: Readonly<Record<string, Json>>,
  credentials: readonly string[] | undefined,
): Promise<RunInputs> {
  const { store, config } = dependencies;
  const sources = secretSources(config);
  const [resolved, found, keys] = await Promise.all([
    resolveReferences(inputs, {
      secret: (name) => resolveSecret(sources, name),
      output: outputReader(store, stackId),
    }),
    resolveCredentials(sources, credentials, config.credentials),
    store.stackKey(stackId),
  ]);
  const secretValues = [...resolved.secretValues, ...found.secretValues];
  return {
    inputs: resolved.inputs,
    masked: maskInputs(
      resolved.inputs,
      { paths: resolved.secretPaths, inputs: resolved.secretInputs },
      keys.inputs,
    ),
    secretInputs: resolved.secretInputs,
    credentials: found.environment,
    credentialFiles: found.files,
    redact: createRedactor(secretValues),
    hasSecrets: secretValues.length > 0,
  };
}

/** Where this worker finds secret values. */
export function secretSources(config: OperationDependencies['config']): SecretSource[] {
  return [
    environmentSource(config.secretValues, config.secretsEnv),
    ...(config.secretsDir === undefined ? [] : [directorySource(config.secretsDir)]),
  ];
}

/** Inputs of a run whose secrets are gone: enough to collect it. */
export function withoutSecrets(): RunInputs {
  return {
    inputs: {},
    masked: {},
    secretInputs: [],
    credentials: {},
    credentialFiles: {},
    redact: (text) => text,
    hasSecrets: false,
  };
}
