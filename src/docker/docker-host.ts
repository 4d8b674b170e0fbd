/** Which Docker engine a machine's configuration means, as the `docker` command chooses it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { CodedError } from '../errors.js';

/** An engine's address in the form of `DOCKER_HOST`, and the TLS files that go with it. */
export interface DockerHost {
  readonly host: string;
  readonly tls?: { readonly ca: string; readonly cert: string; readonly key: string };
}

const DEFAULT_HOST = 'unix:///var/run/docker.sock';

/**
 * Resolves `DOCKER_HOST`, else `DOCKER_CONTEXT`, else the current context of `config.json`, else the default socket.
 * Throws `InvalidConfiguration` when a context is named that does not exist.
 */
export async function resolveDockerHost(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<DockerHost> {
  if (environment['DOCKER_HOST'] !== undefined && environment['DOCKER_HOST'] !== '') {
    const certificates = environment['DOCKER_CERT_PATH'];
    const verify = environment['DOCKER_TLS_VERIFY'];
    return {
      host: environment['DOCKER_HOST'],
      ...(certificates !== undefined && verify !== undefined && verify !== ''
        ? { tls: await readTls(certificates) }
        : {}),
    };
  }
  const folder = dockerConfigFolder(environment);
  const context = environment['DOCKER_CONTEXT'] ?? (await currentContext(folder));
  if (context === undefined || context === '' || context === 'default')
    return { host: DEFAULT_HOST };
  const id = createHash('sha256').update(context).digest('hex');
  try {
    const meta = JSON.parse(
      await readFile(join(folder, 'contexts', 'meta', id, 'meta.json'), 'utf8'),
    ) as { Endpoints?: { docker?: { Host?: string } } };
    const host = meta.Endpoints?.docker?.Host;
    if (host === undefined) throw new Error('it has no docker endpoint');
    const tls = host.startsWith('tcp:')
      ? await readTls(join(folder, 'contexts', 'tls', id, 'docker')).catch(() => undefined)
      : undefined;
    return { host, ...(tls === undefined ? {} : { tls }) };
  } catch (cause) {
    throw new CodedError(
      'InvalidConfiguration',
      `Docker context "${context}" can't be read: ${(cause as Error).message}; see "docker context ls", or set DOCKER_HOST`,
      { cause },
    );
  }
}

/** Where the docker command keeps its configuration: `DOCKER_CONFIG`, else `~/.docker`. */
export function dockerConfigFolder(
  environment: Readonly<Record<string, string | undefined>>,
): string {
  return environment['DOCKER_CONFIG'] ?? join(environment['HOME'] ?? '/', '.docker');
}

async function currentContext(folder: string): Promise<string | undefined> {
  try {
    const config = JSON.parse(await readFile(join(folder, 'config.json'), 'utf8')) as {
      currentContext?: string;
    };
    return config.currentContext;
  } catch {
    return undefined;
  }
}

async function readTls(folder: string): Promise<{ ca: string; cert: string; key: string }> {
  const [ca, cert, key] = await Promise.all(
    ['ca.pem', 'cert.pem', 'key.pem'].map((name) => readFile(join(folder, name), 'utf8')),
  );
  return { ca: ca ?? '', cert: cert ?? '', key: key ?? '' };
}
