/** Configuration: one schema over `CLDCTL_*`, and Temporal's own `TEMPORAL_*`; the only reader of the environment. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadClientConnectConfig } from '@temporalio/envconfig';
import type { ConnectionOptions } from '@temporalio/client';
import * as z from 'zod';
import { milliseconds } from './contract/duration.js';
import { durationSchema } from './contract/operation.js';
import { CodedError } from './errors.js';

/** Cloud credentials that reach a module by default when the worker has them. */
export const DEFAULT_CREDENTIALS: readonly string[] = [
  'AWS_ACCESS_KEY_ID',
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
  'AWS_REGION',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'GOOGLE_PROJECT',
  'GOOGLE_REGION',
  'AZURE_SUBSCRIPTION_ID',
  'AZURE_TENANT_ID',
  'AZURE_CLIENT_ID',
  'AZURE_CLIENT_SECRET',
  'KUBECONFIG',
];

const names = z
  .string()
  .transform((text) =>
    text
      .split(',')
      .map((name) => name.trim())
      .filter(Boolean),
  )
  .pipe(z.array(z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'not a variable name')));

const storeUrl = z
  .string()
  .regex(/^(file|s3):\/\//, 'not a store: file:///directory or s3://bucket/prefix');

const variables = z.object({
  CLDCTL_STORE: storeUrl.optional(),
  CLDCTL_MASTER_KEY_FILE: z.string().optional(),
  CLDCTL_MODULES_ROOT: z.string().optional(),
  CLDCTL_REGISTRY: z.string().optional(),
  CLDCTL_DOCKER_SOCKET_GRANT: z.string().startsWith('/', 'not an absolute path').optional(),
  CLDCTL_SECRETS_DIR: z.string().optional(),
  CLDCTL_SECRETS_ENV: names.optional(),
  CLDCTL_CREDENTIALS: names.optional(),
  CLDCTL_ROUTE: z.enum(['auto', 'public', 'source']).default('auto'),
  CLDCTL_CACHE_DIR: z.string().optional(),
  CLDCTL_PROVIDER_MIRROR: z
    .string()
    .refine((place) => !/^http:/i.test(place), 'OpenTofu takes network mirrors over https only')
    .optional(),
  CLDCTL_STATE_URL: z
    .url()
    .refine((url) => /^(pg|postgres|postgresql|s3):/i.test(url), 'use postgres:// or s3://')
    .optional(),
  CLDCTL_DOCKER_SLOTS: z.coerce.number().int().min(1).max(256).default(4),
  CLDCTL_PLAN_MAX_AGE: durationSchema.default('7d'),
  CLDCTL_KEEP_PLANS: durationSchema.default('30d'),
  CLDCTL_KEEP_STATES: durationSchema.default('90d'),
  CLDCTL_KEEP_REQUESTS: durationSchema.default('180d'),
  CLDCTL_KEEP_LOGS: durationSchema.default('30d'),
  CLDCTL_KEEP_ARTEFACTS: durationSchema.default('30d'),
  CLDCTL_HTTP_ADDRESS: z
    .string()
    .regex(/^(.+:)?\d{1,5}$/, 'not an address: host:port or port')
    .optional(),
  CLDCTL_HTTP_URL: z.url().optional(),
  CLDCTL_METRICS_ADDRESS: z
    .string()
    .regex(/^.+:\d{1,5}$/, 'not an address: host:port')
    .optional(),
  CLDCTL_UI_URL: z.url().optional(),
  CLDCTL_WEBHOOKS_FILE: z.string().optional(),
  CLDCTL_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

/** What the docker command and its credential helpers read. */
const DOCKER_VARIABLES: readonly string[] = [
  'DOCKER_HOST',
  'DOCKER_CONTEXT',
  'DOCKER_CONFIG',
  'DOCKER_CERT_PATH',
  'DOCKER_TLS_VERIFY',
  'HOME',
  'PATH',
];

/** Names of base images: `CLDCTL_IMAGE_{NAME}`. */
const BASE_IMAGES = [
  'ENTRYPOINT',
  'OPENTOFU',
  'PULUMI_NODEJS',
  'PULUMI_PYTHON',
  'PULUMI_GO',
  'PULUMI_YAML',
] as const;
/** Names of public images that parts are taken from: `CLDCTL_{NAME}_IMAGE`. */
const PUBLIC_IMAGES = [
  'DEBIAN',
  'OPENTOFU',
  'POSTGRES',
  'REGISTRY',
  'PULUMI',
  'NODE',
  'GO',
] as const;

/** Everything the worker, the command and set-up are configured by; passed down, never imported. */
export interface Config {
  /** `file:///directory` or `s3://bucket/prefix`. */
  readonly store: string;
  /** File of the store's master keys; default: the development key beside the local store. */
  readonly masterKeyFile?: string;
  /** Directory that `module: {path}` is below. */
  readonly modulesRoot?: string;
  /** Prefix of pushed references, e.g. `registry.example.com/modules`; absent: images are not pushed. */
  readonly registry?: string;
  /** Docker socket that modules may ask for; absent: refused. */
  readonly dockerSocketGrant?: string;
  /** Directory of files, one secret each, named as the secret. */
  readonly secretsDir?: string;
  /** Names of environment variables that may be read as secrets. */
  readonly secretsEnv: readonly string[];
  /** Values of the allow-listed variables that are set. */
  readonly secretValues: Readonly<Record<string, string>>;
  /** Names of credentials given to a module that asks for none; those without a value are left out. */
  readonly credentials: readonly string[];
  readonly route: 'auto' | 'public' | 'source';
  readonly cacheDir: string;
  readonly providerMirror?: string;
  readonly stateUrl?: string;
  /** Containers at one time. */
  readonly dockerSlots: number;
  /** Milliseconds after which a saved plan can't be approved or applied any more. */
  readonly planMaxAgeMs: number;
  /** Milliseconds that the store keeps what nothing needs any more. */
  readonly keepMs: {
    readonly plans: number;
    readonly states: number;
    readonly requests: number;
    readonly logs: number;
    readonly artefacts: number;
  };
  readonly httpAddress?: string;
  /** Where people reach that address, for links. */
  readonly httpUrl?: string;
  /** `host:port` of metrics in Prometheus' form. */
  readonly metricsAddress?: string;
  /** File that names who is told of events. */
  readonly webhooksFile?: string;
  /** Base address of the Temporal UI, for links. */
  readonly uiUrl?: string;
  readonly logLevel: 'debug' | 'info' | 'warn' | 'error';
  /** Base images by lower-case name with dashes, e.g. `pulumi-nodejs`. */
  readonly images: Readonly<Record<string, string>>;
  /** Mirrors of public images by lower-case name, e.g. `debian`. */
  readonly publicImages: Readonly<Record<string, string>>;
  readonly docker: {
    /** `DOCKER_HOST`. */
    readonly host?: string;
    /** `DOCKER_CONTEXT`. */
    readonly context?: string;
    /** What finds the docker command's own files, and what its credential helpers need. */
    readonly environment: Readonly<Record<string, string>>;
  };
  readonly temporal: {
    readonly connectionOptions: ConnectionOptions;
    readonly address: string;
    readonly namespace: string;
  };
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Reads and validates the configuration. Empty variables count as absent.
 * Throws `InvalidConfiguration` that names every wrong or unknown `CLDCTL_*` variable.
 */
export function loadConfig(env: Environment): Config {
  const given = Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => Boolean(entry[1])),
  );
  const issues = unknownVariables(given);
  const parsed = variables.safeParse(given);
  if (!parsed.success) {
    for (const issue of parsed.error.issues)
      issues.push(`${issue.path.join('.')}: ${issue.message}`);
  }
  if (!parsed.success || issues.length > 0) {
    throw new CodedError('InvalidConfiguration', issues.join('; '), { detail: { issues } });
  }
  const value = parsed.data;
  const home = given['HOME'] ?? homedir();
  const dataHome = given['XDG_DATA_HOME'] ?? join(home, '.local/share');
  const cacheHome = given['XDG_CACHE_HOME'] ?? join(home, '.cache');
  const secretsEnv = value.CLDCTL_SECRETS_ENV ?? DEFAULT_CREDENTIALS;
  return withoutUndefined({
    store: value.CLDCTL_STORE ?? pathToFileURL(join(dataHome, 'cldctl-iac/store')).href,
    masterKeyFile: value.CLDCTL_MASTER_KEY_FILE,
    modulesRoot: value.CLDCTL_MODULES_ROOT,
    registry: value.CLDCTL_REGISTRY?.replace(/\/+$/, ''),
    dockerSocketGrant: value.CLDCTL_DOCKER_SOCKET_GRANT,
    secretsDir: value.CLDCTL_SECRETS_DIR,
    secretsEnv,
    secretValues: pick(given, secretsEnv),
    credentials: value.CLDCTL_CREDENTIALS ?? DEFAULT_CREDENTIALS,
    route: value.CLDCTL_ROUTE,
    cacheDir: value.CLDCTL_CACHE_DIR ?? join(cacheHome, 'cldctl-iac'),
    providerMirror: value.CLDCTL_PROVIDER_MIRROR,
    stateUrl: value.CLDCTL_STATE_URL,
    dockerSlots: value.CLDCTL_DOCKER_SLOTS,
    planMaxAgeMs: milliseconds(value.CLDCTL_PLAN_MAX_AGE),
    keepMs: {
      plans: milliseconds(value.CLDCTL_KEEP_PLANS),
      states: milliseconds(value.CLDCTL_KEEP_STATES),
      requests: milliseconds(value.CLDCTL_KEEP_REQUESTS),
      logs: milliseconds(value.CLDCTL_KEEP_LOGS),
      artefacts: milliseconds(value.CLDCTL_KEEP_ARTEFACTS),
    },
    httpAddress: value.CLDCTL_HTTP_ADDRESS,
    httpUrl: (value.CLDCTL_HTTP_URL ?? localUrl(value.CLDCTL_HTTP_ADDRESS))?.replace(/\/+$/, ''),
    metricsAddress: value.CLDCTL_METRICS_ADDRESS,
    webhooksFile: value.CLDCTL_WEBHOOKS_FILE,
    uiUrl: value.CLDCTL_UI_URL?.replace(/\/+$/, ''),
    logLevel: value.CLDCTL_LOG_LEVEL,
    images: imageNames(given, BASE_IMAGES, (name) => `CLDCTL_IMAGE_${name}`),
    publicImages: imageNames(given, PUBLIC_IMAGES, (name) => `CLDCTL_${name}_IMAGE`),
    docker: withoutUndefined({
      host: given['DOCKER_HOST'],
      context: given['DOCKER_CONTEXT'],
      environment: pick(given, DOCKER_VARIABLES),
    }),
    temporal: temporalConfig(given),
  }) as Config;
}

/** The configuration as plain data that may be printed: secrets and credentials in URLs are masked. */
export function maskConfig(config: Config): Record<string, unknown> {
  const { connectionOptions: _options, ...temporal } = config.temporal;
  return {
    ...config,
    store: maskUrl(config.store),
    ...(config.stateUrl === undefined ? {} : { stateUrl: maskUrl(config.stateUrl) }),
    docker: {
      ...(config.docker.host === undefined ? {} : { host: maskUrl(config.docker.host) }),
      ...(config.docker.context === undefined ? {} : { context: config.docker.context }),
    },
    secretValues: Object.fromEntries(Object.keys(config.secretValues).map((name) => [name, '***'])),
    temporal,
  };
}

function temporalConfig(env: Record<string, string>): Config['temporal'] {
  try {
    const loaded = loadClientConnectConfig({ overrideEnvVars: env });
    const address = loaded.connectionOptions.address ?? 'localhost:7233';
    return {
      connectionOptions: { ...loaded.connectionOptions, address } as ConnectionOptions,
      address,
      namespace: loaded.namespace ?? 'default',
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError(
      'InvalidConfiguration',
      `TEMPORAL_* or the Temporal configuration file: ${reason}`,
      {
        cause: error,
      },
    );
  }
}

function unknownVariables(env: Record<string, string>): string[] {
  const known = new Set([
    ...Object.keys(variables.shape),
    ...BASE_IMAGES.map((name) => `CLDCTL_IMAGE_${name}`),
    ...PUBLIC_IMAGES.map((name) => `CLDCTL_${name}_IMAGE`),
  ]);
  return Object.keys(env)
    .filter((name) => name.startsWith('CLDCTL_') && !known.has(name))
    .map((name) => `${name}: unknown variable`);
}

function imageNames(
  env: Record<string, string>,
  known: readonly string[],
  variable: (name: string) => string,
): Record<string, string> {
  const images: Record<string, string> = {};
  for (const name of known) {
    const value = env[variable(name)];
    if (value !== undefined) images[name.toLowerCase().replaceAll('_', '-')] = value;
  }
  return images;
}

function pick(env: Record<string, string>, wanted: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    wanted.flatMap((name) => (env[name] === undefined ? [] : [[name, env[name]]])),
  );
}

function maskUrl(text: string): string {
  return text.replace(/(:\/\/[^/@:]*):[^/@]*@/, '$1:***@');
}

function withoutUndefined<T extends object>(
  value: T,
): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as never;
}

/** An address of this machine needs no URL of its own for links. */
function localUrl(address: string | undefined): string | undefined {
  if (address === undefined) return undefined;
  return /^\d+$/.test(address) ? `http://127.0.0.1:${address}` : `http://${address}`;
}
