import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connectEngine, type Engine } from '../../docker/engine.js';
import { listUnusedModuleImages, unusedInternalNetwork } from '../../docker/list-unused.js';
import type { Config } from '../../config.js';
import { isAbort } from '../../errors.js';
import { findLeftOvers } from '../../operation/left-overs.js';
import { findUnneededImages } from '../../operation/tidy-images.js';
import { namedDigests } from '../../stack/janitor.js';
import { openStore, type Store } from '../../store/open-store.js';
import { dockerEnvironment } from '../setup-settings.js';
import type { Finding } from './finding.js';
import { firstLine } from './first-line.js';
import { checkStoreObjects } from './left-in-store.js';
import { readableSize } from './readable-size.js';

/** An image that was just built is one that an operation is about to name. */
const YOUNG = 24 * 3_600_000;

/**
 * What no operation of the configured store needs, on the engine and in the store, and what workers remove by themselves.
 * A part that can't be looked at is said, and the other is looked at nevertheless.
 */
export async function* checkLeftOvers(
  config: Config,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  // A store that nobody has used yet is not made by looking.
  if (!mayBeThere(config)) return;
  let store: Store;
  try {
    const { store: url, masterKeyFile } = config;
    store = await openStore({ store: url, masterKeyFile });
  } catch (error) {
    yield {
      subject: 'left-overs',
      status: 'unknown',
      found: `can't be told without the store: ${firstLine(error)}`,
      remedy: 'run this where the workers run, with their configuration',
    };
    return;
  }
  const parts = {
    'on the engine': leftOnEngine(config, store),
    'in the store': checkStoreObjects(config, store, signal),
  };
  try {
    let found = 0;
    for (const [place, findings] of Object.entries(parts))
      for await (const finding of orUnknown(place, findings)) {
        found += 1;
        yield finding;
      }
    if (found === 0) yield { subject: 'left-overs', status: 'ok', found: 'none' };
  } finally {
    store.close();
  }
}

async function* orUnknown(
  place: string,
  findings: AsyncGenerator<Finding>,
): AsyncGenerator<Finding> {
  try {
    yield* findings;
  } catch (error) {
    if (isAbort(error)) throw error;
    yield {
      subject: 'left-overs',
      status: 'unknown',
      found: `can't be told ${place}: ${firstLine(error)}`,
      remedy: 'make it answer, then look again',
    };
  }
}

function mayBeThere({ store }: Config): boolean {
  return !store.startsWith('file:') || existsSync(fileURLToPath(store));
}

async function* leftOnEngine(config: Config, store: Store): AsyncGenerator<Finding> {
  const engine = await connectEngine({ environment: dockerEnvironment(config) });
  for (const { kind, name, what, removable } of await findLeftOvers({ engine, store })) {
    const command =
      kind === 'container' ? `docker rm --force --volumes ${name}` : `docker volume rm ${name}`;
    yield {
      subject: `left ${kind}`,
      status: 'left-over',
      found: `${name}: ${what}`,
      remedy: `a worker of this engine removes it ${when(removable)}; at once: ${command}`,
    };
  }
  for (const name of await findUnneededImages(engine))
    yield {
      subject: 'left image',
      status: 'left-over',
      found: `${name}: a directory of providers that no build took any from for a day`,
      remedy: `a worker of this engine removes it ${when(new Date())}; at once: docker image rm ${name}`,
    };
  yield* leftImages(engine, store);
  const network = await unusedInternalNetwork(engine);
  if (network !== undefined)
    yield {
      subject: 'left network',
      status: 'left-over',
      found: `${network}: no container is in it; the next run with network internal makes it again`,
      remedy: `docker network rm ${network}`,
    };
}

async function* leftImages(engine: Engine, store: Store): AsyncGenerator<Finding> {
  const old = (await listUnusedModuleImages(engine)).filter(
    ({ createdAt }) => Date.now() - createdAt.getTime() > YOUNG,
  );
  // Every plan is read for it.
  if (old.length === 0) return;
  const needed = new Set<string>();
  for await (const digest of namedDigests(store)) needed.add(digest);
  for (const { id, names, size } of old) {
    const digests = [id, ...names.map((name) => name.split('@')[1] ?? '')];
    if (digests.some((digest) => needed.has(digest))) continue;
    yield {
      subject: 'left image',
      status: 'left-over',
      found: `${names[0] ?? id}: ${readableSize(size)}, named by no stack and no plan of this store`,
      bytes: size,
      remedy: `docker image rm ${names.length === 0 ? id : names.join(' ')}`,
    };
  }
}

function when(time: Date): string {
  return time.getTime() <= Date.now()
    ? 'at its next look, within ten minutes'
    : `after ${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
