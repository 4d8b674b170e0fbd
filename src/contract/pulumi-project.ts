/** `Pulumi.yaml`: what a Pulumi module says about itself, read the way the CLI reads it. */
import { parse } from 'yaml';
import * as z from 'zod';
import { recordOf } from './record-of.js';

/** Names of a project file, in the order in which the CLI looks for them. */
export const PROJECT_FILES = ['Pulumi.yaml', 'Pulumi.yml', 'Pulumi.json'] as const;

const configItemsSchema = z.looseObject({ type: z.string(), items: z.unknown().optional() });

const configTypeSchema = z.looseObject({
  type: z.enum(['string', 'integer', 'boolean', 'array', 'object']).optional(),
  description: z.string().optional(),
  items: configItemsSchema.optional(),
  default: z.unknown().optional(),
  value: z.unknown().optional(),
  secret: z.boolean().optional(),
});

/** One declared configuration key. */
export type ProjectConfig = z.infer<typeof configTypeSchema>;

/** A parsed project file. */
export interface PulumiProject {
  readonly name: string;
  /** As written, lower case; not checked against what we can run. */
  readonly runtime: string;
  readonly runtimeOptions: Readonly<Record<string, unknown>>;
  /** Folder or file of the program, relative to the project file. */
  readonly main?: string;
  readonly description?: string;
  /** Declared keys as written: bare, or `namespace:name`. */
  readonly config: Readonly<Record<string, ProjectConfig>>;
  /** Names of the outputs; only a `yaml` program lists them in the project file. */
  readonly outputs: readonly string[];
  /** Range of CLI versions that the project asks for. */
  readonly requiredPulumiVersion?: string;
  /** URL of the project's own backend. */
  readonly backendUrl?: string;
}

const projectSchema = z.looseObject({
  name: z.string().min(1),
  runtime: z.union([
    z.string().min(1),
    z.looseObject({
      name: z.string().min(1),
      options: z.record(z.string(), z.unknown()).nullish(),
    }),
  ]),
  main: z.string().nullish(),
  description: z.string().nullish(),
  config: z.union([z.string(), recordOf(z.unknown())]).nullish(),
  outputs: recordOf(z.unknown()).nullish(),
  requiredPulumiVersion: z.string().nullish(),
  backend: z.looseObject({ url: z.string().nullish() }).nullish(),
});

/** Parses a project file (YAML, of which JSON is a part). Throws `Error` with one line that says what is wrong where. */
export function parsePulumiProject(text: string, fileName: string): PulumiProject {
  const parsed = projectSchema.safeParse(parseYaml(text.replace(/^\uFEFF/, ''), fileName));
  if (!parsed.success) throw new Error(`${fileName}: ${describe(parsed.error)}`);
  const { name, runtime, main, description, outputs, requiredPulumiVersion, backend } = parsed.data;
  const runtimeInfo = typeof runtime === 'string' ? { name: runtime, options: undefined } : runtime;
  return {
    name,
    runtime: runtimeInfo.name.toLowerCase(),
    runtimeOptions: runtimeInfo.options ?? {},
    ...(main ? { main } : {}),
    ...(description ? { description } : {}),
    config: configOf(parsed.data.config ?? {}, fileName),
    outputs: Object.keys(outputs ?? {}),
    ...(requiredPulumiVersion ? { requiredPulumiVersion } : {}),
    ...(backend?.url ? { backendUrl: backend.url } : {}),
  };
}

/** `namespace:name` of a configuration key; a bare key belongs to the project. */
export function qualifiedConfigKey(project: string, key: string): string {
  return key.includes(':') ? key : `${project}:${key}`;
}

/** True for a key that nothing but an input can fill: the project's own, without default and value. */
export function isRequiredConfig(project: string, key: string, config: ProjectConfig): boolean {
  const own = qualifiedConfigKey(project, key).startsWith(`${project}:`);
  return own && isAbsent(config.default) && isAbsent(config.value);
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null;
}

function parseYaml(text: string, fileName: string): unknown {
  try {
    return parse(text);
  } catch (error) {
    const [line] = (error instanceof Error ? error.message : String(error)).split('\n');
    throw new Error(`${fileName}: ${line?.replace(/:$/, '') ?? 'not YAML'}`, { cause: error });
  }
}

/** A string is the old form of `stackConfigDir`; a bare value is short for `{value}`. */
function configOf(
  config: string | Record<string, unknown>,
  fileName: string,
): Record<string, ProjectConfig> {
  if (typeof config === 'string') return {};
  const declare = ([key, value]: [string, unknown]): [string, ProjectConfig] => {
    const isDeclaration = typeof value === 'object' && value !== null && !Array.isArray(value);
    const parsed = configTypeSchema.safeParse(isDeclaration ? dropNulls(value) : { value });
    if (!parsed.success) throw new Error(`${fileName}: config.${key}: ${describe(parsed.error)}`);
    return [key, parsed.data];
  };
  return Object.fromEntries(Object.entries(config).map(declare));
}

function dropNulls(value: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null));
}

function describe(error: z.ZodError): string {
  const [issue] = error.issues;
  if (issue === undefined) return 'not valid';
  const path = issue.path.map(String).join('.');
  return path === '' ? issue.message : `${path}: ${issue.message}`;
}
