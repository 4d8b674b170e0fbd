/** Takes the container of a mutating run away, and reads what is told of that. */
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { expect } from 'vitest';
import type { StartedOperation } from '../../src/client/index.js';
import type { Receipt } from '../../src/contract/change.js';
import { CodedError } from '../../src/errors.js';
import type { LocalSystem } from './local-system.js';

/**
 * Removes the container of the stack's mutating run as `docker rm -f` does, when the tool has begun with a resource of that
 * name, or with so many; its volume stays. The outside world can be asked before the tool's word of it is read: what is in
 * the log is in the journal.
 */
export async function loseContainer(
  { engine, containers }: LocalSystem,
  stackId: string,
  begun: string | number,
): Promise<void> {
  const [found] = await containers(stackId);
  const container = engine.docker.getContainer(found?.id ?? '');
  const log = (await container.logs({ follow: true, stdout: true })) as unknown as Readable;
  const started = new Set<string>();
  for await (const line of createInterface({ input: log })) {
    if (!line.includes('"status":"started"')) continue;
    started.add(shortName(/"resource":"(.*?)"/.exec(line)?.[1] ?? ''));
    if (typeof begun === 'string' ? started.has(begun) : started.size === begun) break;
  }
  log.destroy();
  await container.remove({ force: true, v: true });
}

/** What the operation failed with. */
export async function failureOf(
  { client }: LocalSystem,
  started: StartedOperation,
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
