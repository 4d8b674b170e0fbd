import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { connectEngine } from '../../docker/engine.js';
import { listUnusedModuleImages, unusedInternalNetwork } from '../../docker/list-unused.js';
import { asCodedError } from '../../errors.js';
import type { Config } from '../../config.js';
import { findLeftOvers } from '../../operation/left-overs.js';
import { findUnneededImages } from '../../operation/tidy-images.js';
import { namedDigests } from '../../stack/janitor.js';
import { openStore, type Store } from '../../store/open-store.js';
import { dockerEnvironment } from '../setup-settings.js';
import type { Finding } from './finding.js';
import { checkStoreObjects } from './left-in-store.js';

type Engine = Awaited<ReturnType<typeof connectEngine>>;

/** An image that was just built is one that an operation is about to name. */
const YOUNG = 24 * 3_600_000;

/** What no operation of the configured store needs, on the engine and in the store, and what workers remove by themselves. */
export async function* checkLeftOvers(
  config: Config,
  signal: AbortSignal,
): AsyncGenerator<Finding> {
  const engine = await connectEngine({ environment: dockerEnvironment(config) }).catch(
    () => undefined,
  );
  // A store that nobody has used yet is not made by looking.
  if (engine === undefined || !mayBeThere(config)) return;
  let store: Store;
  try {
    const { store: url, masterKeyFile } = config;
    store = await openStore({ store: url, masterKeyFile });
  } catch (error) {
    yield {
      subject: 'left-overs',
      status: 'optional',
      found: `can't be told without the store: ${asCodedError(error).message}`,
      remedy: 'run this where the workers run, with their configuration',
    };
    return;
  }
  try {
    let found = 0;
    for (const left of [leftOnEngine(engine, store), checkStoreObjects(config, store, signal)])
      for await (const finding of left) {
        found += 1;
        yield finding;
      }
    if (found === 0) yield { subject: 'left-overs', status: 'ok', found: 'none' };
  } catch (error) {
    yield {
      subject: 'left-overs',
      status: 'optional',
      found: asCodedError(error).message,
      remedy: 'make engine and store answer, then look again',
    };
  } finally {
    store.close();
  }
}

function mayBeThere({ store }: Config): boolean {
  return !store.startsWith('file:') || existsSync(fileURLToPath(store));
}

async function* leftOnEngine(engine: Engine, store: Store): AsyncGenerator<Finding> {
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
      found: `${names[0] ?? id}: ${Math.ceil(size / 1e6)} MB, named by no stack and no plan of this store`,
      remedy: `docker image rm ${names.length === 0 ? id : names.join(' ')}`,
    };
  }
}

function when(time: Date): string {
  return time.getTime() <= Date.now()
    ? 'at its next look, within ten minutes'
    : `after ${time.toISOString().slice(0, 16).replace('T', ' ')} UTC`;
}
