/** Takes the container of a mutating run away, and reads what is told of that. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { expect } from 'vitest';
import type { OperationTarget } from '../../src/client/index.js';
import type { Receipt } from '../../src/contract/change.js';
import type { Engine } from '../../src/docker/engine.js';
import { CodedError } from '../../src/errors.js';
import type { LocalSystem } from './local-system.js';

/** Removes the container of the stack's mutating run, running or not, as `docker rm -f` does; its volume stays, and is named. */
export async function removeContainer(
  { engine, containers }: LocalSystem,
  stackId: string,
): Promise<string> {
  const [found] = await containers(stackId);
  const container = engine.docker.getContainer(found?.id ?? '');
  const { Mounts: mounts } = await container.inspect();
  await container.remove({ force: true, v: true });
  // The engine names them in any order, and a granted socket is one too.
  return mounts.find(({ Destination }) => Destination === '/workspace')?.Name ?? '';
}

/**
 * Removes it when the tool has begun with a resource of that name, or with so many. The outside world can be asked before the
 * tool's word of it is read: what is in the log is in the journal.
 */
export async function loseContainer(
  system: LocalSystem,
  stackId: string,
  begun: string | number,
): Promise<void> {
  const [found] = await system.containers(stackId);
  const container = system.engine.docker.getContainer(found?.id ?? '');
  const log = (await container.logs({ follow: true, stdout: true })) as unknown as Readable;
  try {
    await hasBegun(log, begun);
  } finally {
    log.destroy();
  }
  await removeContainer(system, stackId);
}

async function hasBegun(log: Readable, begun: string | number): Promise<void> {
  const started = new Set<string>();
  for await (const line of createInterface({ input: log })) {
    if (!line.includes('"status":"started"')) continue;
    started.add(shortName(/"resource":"(.*?)"/.exec(line)?.[1] ?? ''));
    if (typeof begun === 'string' ? started.has(begun) : started.size === begun) return;
  }
  throw new Error(`the tool ended before it began with ${begun}`);
}

/** Runs a command of the image in a working volume whose container is gone. */
export async function runInVolume(
  engine: Engine,
  image: string,
  volume: string,
  argv: string[],
): Promise<void> {
  const container = await engine.docker.createContainer({
    Image: image,
    User: '0:0',
    Entrypoint: argv,
    HostConfig: { Mounts: [{ Type: 'volume', Source: volume, Target: '/workspace' }] },
  });
  await container.start();
  expect((await container.wait()) as { StatusCode: number }).toMatchObject({ StatusCode: 0 });
  await container.remove();
}

/** What the operation failed with. */
export async function failureOf(
  { client }: LocalSystem,
  started: OperationTarget,
): Promise<CodedError> {
  const error = await client.result(started).then(
    ({ outcome }) => new Error(`it ended ${outcome}`),
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(CodedError);
  return error as CodedError;
}

/** The last part of an address or URN. */
export const shortName = (resource: string): string => resource.split(/\.|::/).at(-1) ?? '';

/** What a receipt says of each resource, by its short name. */
export function statuses(receipt: Receipt | undefined): Record<string, string> {
  return Object.fromEntries(
    (receipt?.entries ?? []).map(({ resource, status, detail }) => [
      shortName(resource),
      detail === undefined ? status : `${status}, ${detail}`,
    ]),
  );
}
