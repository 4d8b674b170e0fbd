/** Cloud credentials by name: environment of the tool, or files where a variable holds a path. */
import { CodedError } from '../errors.js';
import { readSecretFile, type SecretSource } from './sources.js';

/** Variables whose value is the path of a file: the file's content goes along, not the path. */
const FILES: ReadonlySet<string> = new Set(['KUBECONFIG', 'GOOGLE_APPLICATION_CREDENTIALS']);
/** Names that identify a place, not a person; redacting `us-east-1` would blind every log. */
const PUBLIC: ReadonlySet<string> = new Set(['AWS_REGION', 'GOOGLE_PROJECT', 'GOOGLE_REGION']);

/** Credentials as a request takes them. */
export interface Credentials {
  /** Variable to value. */
  readonly environment: Record<string, string>;
  /** Variable to content of the file whose path it will hold. */
  readonly files: Record<string, string>;
  /** The values to redact. */
  readonly secretValues: string[];
}

/**
 * Finds credentials by name; `names` undefined takes those of `defaults` that a source has.
 * Throws `SecretNotFound` for a named one that is nowhere, or whose file can't be read.
 */
export async function resolveCredentials(
  sources: readonly SecretSource[],
  names: readonly string[] | undefined,
  defaults: readonly string[],
): Promise<Credentials> {
  const environment: Record<string, string> = {};
  const files: Record<string, string> = {};
  for (const name of new Set(names ?? defaults)) {
    const value = await firstValue(sources, name);
    if (value === undefined) {
      if (names === undefined) continue;
      throw new CodedError(
        'SecretNotFound',
        `there is no credential ${name}: add it to the worker's CLDCTL_SECRETS_ENV or CLDCTL_SECRETS_DIR`,
      );
    }
    if (FILES.has(name)) files[name] = await fileContent(name, value);
    else environment[name] = value;
  }
  const secretValues = [
    ...Object.entries(environment).flatMap(([name, value]) => (PUBLIC.has(name) ? [] : [value])),
    ...Object.values(files),
  ];
  return { environment, files, secretValues };
}

async function firstValue(
  sources: readonly SecretSource[],
  name: string,
): Promise<string | undefined> {
  for (const source of sources) {
    const value = await source.get(name);
    if (value !== undefined && value !== '') return value;
  }
  return undefined;
}

/** A variable of the worker holds a path; a file of the secrets folder is the content itself. */
async function fileContent(name: string, value: string): Promise<string> {
  if (/[\n{]/.test(value)) return value;
  const content = await readSecretFile(value, name);
  if (content !== undefined) return content;
  const hint = value.includes(':')
    ? ': several paths are not supported, merge them into one file'
    : '';
  throw new CodedError(
    'SecretNotFound',
    `the file that ${name} names does not exist on the worker${hint}`,
  );
}
