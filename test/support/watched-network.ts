/** A network namespace with no network in it, that can be looked into after a module ran there. */
import { buffer } from 'node:stream/consumers';
import { PassThrough } from 'node:stream';
import type Docker from 'dockerode';
import type { Engine } from '../../src/docker/engine.js';

export interface WatchedNetwork {
  /** The engine, except that what it creates runs in this namespace. */
  readonly engine: Engine;
  /** How often since the last call something was sent, or was to be connected to, that is not on this machine. */
  asked(): Promise<number>;
  close(): Promise<void>;
}

/** Nobody's address (RFC 5737): a name that is looked up is asked of it, and shows. */
const NAME_SERVER = '192.0.2.53';

/**
 * Makes the namespace of a container with the network `none`, whose process only waits. A module's own container has the same network,
 * but takes its namespace along when it ends.
 */
export async function watchedNetwork(engine: Engine, image: string): Promise<WatchedNetwork> {
  const holder = await engine.docker.createContainer({
    Image: image,
    Entrypoint: ['sleep', 'infinity'],
    HostConfig: { NetworkMode: 'none', Dns: [NAME_SERVER], Init: true },
  });
  await holder.start();
  const docker = Object.assign(Object.create(engine.docker) as Docker, {
    createContainer: ({ Hostname: _own, ...options }: Docker.ContainerCreateOptions) => {
      if (options.HostConfig?.NetworkMode !== 'none')
        throw new Error('only a container without a network is what the test is about');
      const HostConfig = { ...options.HostConfig, NetworkMode: `container:${holder.id}` };
      return engine.docker.createContainer({ ...options, HostConfig });
    },
  });
  let before = 0;
  return {
    engine: { ...engine, docker },
    async asked() {
      const now = withoutRoute(await printed(engine, holder, ['cat', '/proc/net/snmp']));
      const since = now - before;
      before = now;
      return since;
    },
    close: () => holder.remove({ force: true, v: true }),
  };
}

/** Counter `OutNoRoutes` of the kernel's IP statistics: a name line, then a line of values. */
function withoutRoute(statistics: string): number {
  const [names = [], values = []] = statistics
    .split('\n')
    .filter((line) => line.startsWith('Ip:'))
    .map((line) => line.trim().split(' '));
  const place = names.indexOf('OutNoRoutes');
  if (place < 0) throw new Error(`the kernel counts no packets without a route:\n${statistics}`);
  return Number(values[place]);
}

async function printed(
  engine: Engine,
  container: Docker.Container,
  command: string[],
): Promise<string> {
  const exec = await container.exec({ Cmd: command, AttachStdout: true });
  const stream = await exec.start({});
  const out = new PassThrough();
  engine.docker.modem.demuxStream(stream, out, out);
  stream.once('end', () => out.end());
  return (await buffer(out)).toString();
}
