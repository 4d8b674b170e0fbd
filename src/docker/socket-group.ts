/** The grant of the Docker socket: which group a module's container needs to use it. */
import type { Readable } from 'node:stream';
import { CodedError } from '../errors.js';
import { dockerCall } from './docker-error.js';
import type { Engine } from './engine.js';
import { createLabels } from './labels.js';
import { readLogLines } from './logs.js';

const SOCKET = '/run/granted.sock';

/**
 * Finds the group id that owns the socket as a container really sees it: bind mounts resolve on the engine's host, and
 * rootless or remote engines map ids. A probe container runs `stat`, because the engine's archives leave sockets out.
 * `image` is an image with coreutils that the engine has, such as a base image. Throws `InvalidConfiguration` when there
 * is no socket at `socketPath`.
 */
export async function socketGroupId(
  engine: Engine,
  socketPath: string,
  image: string,
): Promise<number> {
  const doing = `look at socket ${socketPath}`;
  const refused = (reason: string, cause?: unknown): CodedError =>
    new CodedError(
      'InvalidConfiguration',
      `the Docker socket ${socketPath} can't be granted: ${reason}; correct CLDCTL_DOCKER_SOCKET_GRANT`,
      { cause },
    );
  const container = await dockerCall(doing, () =>
    engine.docker.createContainer({
      Image: image,
      Entrypoint: ['/usr/bin/stat', '-c', '%F:%g', SOCKET],
      Labels: createLabels({ purpose: 'socket-group' }),
      HostConfig: {
        NetworkMode: 'none',
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges'],
        Mounts: [{ Type: 'bind', Source: socketPath, Target: SOCKET, ReadOnly: true }],
      },
    }),
  ).catch((error: unknown) => {
    if (/bind source path does not exist/i.test(String(error))) {
      throw refused('the Docker host has no such file', error);
    }
    throw error;
  });
  try {
    await dockerCall(doing, async () => {
      await container.start();
      await container.wait();
    });
    const log = await dockerCall(doing, () =>
      container.logs({ follow: true, stdout: true, stderr: true, timestamps: true }),
    );
    let text = '';
    for await (const line of readLogLines(log as unknown as Readable)) text += line.text;
    const group = /^socket:(\d+)$/.exec(text)?.[1];
    if (group === undefined) throw refused(`it is not a socket (${text})`);
    return Number(group);
  } finally {
    await container.remove({ force: true, v: true }).catch(() => undefined);
  }
}
