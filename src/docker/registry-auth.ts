/** Credentials of registries, as the docker command keeps them; read at each use, for one host only. */
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../errors.js';

/** What the engine is given for one registry. */
export type RegistryAuth =
  | { readonly username: string; readonly password: string; readonly serveraddress: string }
  | { readonly identitytoken: string; readonly serveraddress: string };

interface DockerConfig {
  readonly auths?: Record<string, { auth?: string; identitytoken?: string } | null>;
  readonly credsStore?: string;
  readonly credHelpers?: Record<string, string>;
}

/** Docker Hub's key in every store. */
const HUB = 'https://index.docker.io/v1/';
/** Milliseconds that a credential helper may take. */
const HELPER_TIMEOUT = 30_000;

/**
 * Finds credentials for a registry host: `credHelpers[host]`, else `credsStore`, else `auths`; undefined means anonymous.
 * Throws `InvalidConfiguration` when `config.json` or a helper is broken.
 */
export async function registryAuth(
  host: string,
  options: {
    /** Folder of `config.json`; see `dockerConfigFolder`. */
    configFolder: string;
    /** Environment of helpers; they need `PATH` and `HOME`. */
    environment: Readonly<Record<string, string | undefined>>;
  },
): Promise<RegistryAuth | undefined> {
  const path = join(options.configFolder, 'config.json');
  const config = await readConfig(path);
  const hub = host === 'docker.io';
  const serveraddress = hub ? HUB : host;
  const helper = config.credHelpers?.[hub ? HUB : host] ?? config.credHelpers?.[host];
  if (helper !== undefined) return askHelper(helper, serveraddress, options.environment);
  if (config.credsStore) {
    const found = await askHelper(config.credsStore, serveraddress, options.environment);
    if (found !== undefined) return found;
  }
  for (const [key, entry] of Object.entries(config.auths ?? {})) {
    if (key !== serveraddress && hostOf(key) !== (hub ? 'index.docker.io' : host)) continue;
    if (entry?.identitytoken) return { identitytoken: entry.identitytoken, serveraddress };
    if (!entry?.auth) continue;
    const decoded = Buffer.from(entry.auth, 'base64').toString('utf8');
    const colon = decoded.indexOf(':');
    if (colon < 0) {
      throw new CodedError(
        'InvalidConfiguration',
        `${path}: the entry of ${key} is malformed; run "docker login ${host}" again`,
      );
    }
    return {
      username: decoded.slice(0, colon),
      password: decoded.slice(colon + 1).replace(/\0+$/, ''),
      serveraddress,
    };
  }
  return undefined;
}

function hostOf(key: string): string {
  return key.replace(/^https?:\/\//, '').split('/')[0] ?? key;
}

async function readConfig(path: string): Promise<DockerConfig> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch {
    return {};
  }
  try {
    return JSON.parse(text) as DockerConfig;
  } catch (cause) {
    throw new CodedError('InvalidConfiguration', `${path} is not JSON; repair or remove it`, {
      cause,
    });
  }
}

async function askHelper(
  name: string,
  server: string,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<RegistryAuth | undefined> {
  const program = `docker-credential-${name}`;
  const broken = (reason: string): CodedError =>
    new CodedError(
      'InvalidConfiguration',
      `credential helper ${program}: ${reason}; check "credsStore" and "credHelpers" in Docker's config.json`,
    );
  if (!/^[A-Za-z0-9._-]+$/.test(name)) throw broken('not a helper name');
  const { code, stdout, failed } = await new Promise<{
    code: number | null;
    stdout: string;
    failed?: string;
  }>((resolve) => {
    const child = spawn(program, ['get'], {
      stdio: ['pipe', 'pipe', 'ignore'],
      env: { ...environment },
      timeout: HELPER_TIMEOUT,
    });
    let stdout = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.on('error', (error) => resolve({ code: null, stdout, failed: error.message }));
    child.on('close', (code) => resolve({ code, stdout }));
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${server}\n`);
  });
  if (failed !== undefined) throw broken(failed);
  if (code !== 0) {
    // Helpers say on stdout that there is nothing for this host.
    if (/credentials not found|not found in (native )?keychain/i.test(stdout)) return undefined;
    throw broken(code === null ? 'it did not answer' : `it ended with exit code ${code}`);
  }
  let answer: { Username?: string; Secret?: string };
  try {
    answer = JSON.parse(stdout) as typeof answer;
  } catch {
    throw broken('its answer is not JSON');
  }
  const { Username: username = '', Secret: password = '' } = answer;
  if (password === '') return undefined;
  return username === '<token>'
    ? { identitytoken: password, serveraddress: server }
    : { username, password, serveraddress: server };
}
