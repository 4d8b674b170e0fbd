/** The connection to one Docker engine, and what that engine can do. */
import Docker from 'dockerode';
import { CodedError } from '../errors.js';
import { resolveDockerHost, type DockerHost } from './docker-host.js';

/** Newest engine API whose behaviour this code was written for. */
const NEWEST_API = '1.44';
/** Oldest engine API of Docker with BuildKit in it. */
const BUILDKIT_API = '1.39';

export interface Engine {
  /** The engine's own id: stable over restarts of engine and worker. */
  readonly id: string;
  /** Its address in the form of `DOCKER_HOST`. */
  readonly host: string;
  readonly version: string;
  readonly apiVersion: string;
  /** BuildKit through the engine API, or the classic builder (Podman, old engines). */
  readonly builder: 'buildkit' | 'classic';
  /** `os/architecture` as images write it, e.g. `linux/amd64`. */
  readonly platform: string;
  readonly cpus: number;
  /** Only `src/docker` calls it. */
  readonly docker: Docker;
  /** Throws `DockerUnavailable` when the engine does not answer. */
  ping(): Promise<void>;
}

export interface ConnectOptions extends Partial<DockerHost> {
  /** Where `DOCKER_*` is read when no host is given; default: none of them is set. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** Connects to an engine. Throws `DockerUnavailable` (cause and next step) or `InvalidConfiguration`. */
export async function connectEngine(options: ConnectOptions = {}): Promise<Engine> {
  const address: DockerHost =
    options.host === undefined
      ? await resolveDockerHost(options.environment ?? {})
      : { host: options.host, ...(options.tls === undefined ? {} : { tls: options.tls }) };
  const transport = transportOptions(address);
  try {
    const probe = new Docker(transport);
    const [ping, version] = await Promise.all([readPing(probe), probe.version()]);
    const apiVersion = older(version.ApiVersion, NEWEST_API);
    const docker = new Docker({ ...transport, version: `v${apiVersion}` });
    const info = (await docker.info()) as { ID: string; NCPU: number };
    // BuildKit has been in Docker longer than it is the default. Podman answers for the same API, and calls itself otherwise.
    const hasBuildkit =
      ping.builderVersion === '2' || (!isOlder(apiVersion, BUILDKIT_API) && isDocker(version));
    return {
      id: info.ID,
      host: address.host,
      version: version.Version,
      apiVersion,
      builder: hasBuildkit ? 'buildkit' : 'classic',
      platform: `${version.Os}/${version.Arch}`,
      cpus: info.NCPU,
      docker,
      async ping() {
        try {
          await docker.ping();
        } catch (cause) {
          throw unavailable(address.host, cause);
        }
      },
    };
  } catch (cause) {
    throw unavailable(address.host, cause);
  }
}

/** Every key that docker-modem would else take from the process's environment is set here. */
function transportOptions({ host, tls }: DockerHost): Docker.DockerOptions {
  const none = { host: undefined, port: undefined, socketPath: undefined, timeout: undefined };
  if (host.startsWith('unix://')) return { ...none, protocol: 'http', socketPath: host.slice(7) };
  if (host.startsWith('npipe://')) return { ...none, protocol: 'http', socketPath: host.slice(8) };
  let url: URL;
  try {
    url = new URL(host.includes('//') ? host : `tcp://${host}`);
  } catch (cause) {
    throw new CodedError(
      'InvalidConfiguration',
      `"${host}" is not a Docker host: expected unix:///path, tcp://host:port or ssh://user@host`,
      { cause },
    );
  }
  if (url.protocol === 'ssh:') {
    return {
      ...none,
      protocol: 'ssh',
      host: url.hostname,
      port: url.port === '' ? 22 : Number(url.port),
      username: url.username,
    };
  }
  const secure = tls !== undefined || url.protocol === 'https:';
  return {
    ...none,
    protocol: secure ? 'https' : 'http',
    host: url.hostname,
    port: Number(url.port === '' ? (secure ? 2376 : 2375) : url.port),
    ...tls,
  };
}

/** dockerode's own `ping` drops the header that names the builder. */
function readPing(docker: Docker): Promise<{ builderVersion: string | undefined }> {
  return new Promise((resolve, reject) => {
    const modem = docker.modem as {
      dial(options: object, done: (error: Error | null, answer: PingAnswer) => void): void;
    };
    modem.dial(
      { path: '/_ping', method: 'GET', isStream: true, statusCodes: { 200: true, 500: 'error' } },
      (error, answer) => {
        if (error !== null) return reject(error);
        answer.resume();
        resolve({ builderVersion: answer.headers['builder-version'] });
      },
    );
  });
}

interface PingAnswer extends NodeJS.ReadableStream {
  headers: Record<string, string | undefined>;
}

function older(a: string, b: string): string {
  return isOlder(a, b) ? a : b;
}

function isOlder(a: string, b: string): boolean {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor < bMajor || (aMajor === bMajor && aMinor < bMinor);
}

function isDocker(version: Docker.DockerVersion): boolean {
  return version.Os === 'linux' && (version.Components ?? []).some(({ Name }) => Name === 'Engine');
}

function unavailable(host: string, cause: unknown): CodedError {
  if (cause instanceof CodedError) return cause;
  const { code, message } = cause as { code?: string; message: string };
  const reason =
    code === 'ENOENT'
      ? 'there is no such socket; start Docker or set DOCKER_HOST'
      : code === 'EACCES'
        ? 'permission denied; add the user to the "docker" group or set DOCKER_HOST'
        : code === 'ECONNREFUSED'
          ? 'nothing listens there; start Docker or set DOCKER_HOST'
          : `${message.trim()}; check "docker version" and DOCKER_HOST`;
  return new CodedError('DockerUnavailable', `no Docker engine at ${host}: ${reason}`, { cause });
}
