/** Runs a shell command in a container of an image and returns what it printed. */
import { buffer } from 'node:stream/consumers';
import { PassThrough } from 'node:stream';
import type { Engine } from '../../src/docker/engine.js';

/** Standard output of `command` in a container without network, as the image's user unless told. Throws when it exits with another code than 0. */
export async function shellIn(
  engine: Engine,
  image: string,
  command: string,
  options: { user?: string } = {},
): Promise<string> {
  const container = await engine.docker.createContainer({
    Image: image,
    Entrypoint: ['/bin/sh', '-c'],
    Cmd: [command],
    ...(options.user === undefined ? {} : { User: options.user }),
    HostConfig: { NetworkMode: 'none' },
  });
  try {
    await container.start();
    const { StatusCode } = (await container.wait()) as { StatusCode: number };
    const out = new PassThrough();
    const errors = new PassThrough();
    const logs = await container.logs({ stdout: true, stderr: true, follow: true });
    engine.docker.modem.demuxStream(logs, out, errors);
    logs.once('end', () => {
      out.end();
      errors.end();
    });
    const [output, complaint] = await Promise.all([buffer(out), buffer(errors)]);
    if (StatusCode !== 0) throw new Error(`"${command}" exited with ${StatusCode}: ${complaint}`);
    return output.toString();
  } finally {
    await container.remove({ force: true, v: true });
  }
}
