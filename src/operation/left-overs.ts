/** What ended or dead operations left on an engine, and from when on nobody can need it any more. */
import type { Engine } from '../docker/engine.js';
import { LABEL } from '../docker/labels.js';
import { listRuns, type ListedRun } from '../docker/list-runs.js';
import { listUnusedVolumes, type ListedVolume } from '../docker/list-volumes.js';
import { readRecord } from '../stack/record.js';
import type { Store } from '../store/open-store.js';

/** A container, with the volume of its name, or a volume alone. */
export interface LeftOver {
  readonly kind: 'container' | 'volume';
  /** What removes it by hand: the name of either. */
  readonly name: string;
  readonly what: string;
  /** From then on workers of the engine remove it. */
  readonly removable: Date;
  /** A container's id: its name may be another's by the time it is removed. */
  readonly id?: string;
}

const HOUR = 3_600_000;
/** Time after which an ended preview, or a step's helper, is nobody's any more; a later attempt would begin anew. */
const SHORT = HOUR;
/** Time that what is left of a settled run is kept, for a look into what was lost. */
const LONG = 24 * HOUR;
/** Containers that exist for the seconds of one look into an image, a volume or a socket; any worker's. */
const HELPERS: readonly (string | undefined)[] = [
  'read-volume',
  'read-description',
  'socket-group',
];

/**
 * Finds by label what no operation of the installation needs: previews that ended, or outlived every try of their step;
 * mutating runs whose stack is not bound to them any more (their result is in the store); helpers; volumes without a
 * container. A stack that is bound keeps everything. Throws `DockerUnavailable` and `StoreUnavailable`.
 */
export async function findLeftOvers({
  engine,
  store,
}: {
  readonly engine: Engine;
  readonly store: Store;
}): Promise<LeftOver[]> {
  const own = { [LABEL.installation]: store.installation };
  const found: LeftOver[] = [];
  for (const run of await listRuns(engine, own)) {
    const left = await leftContainer(store, run);
    if (left !== undefined) found.push(left);
  }
  for (const run of await listRuns(engine, { [LABEL.managed]: 'true' })) {
    if (!HELPERS.includes(run.labels[LABEL.purpose]) || run.state === 'running') continue;
    found.push(container(run, 'a look into an image or a volume', after(run.createdAt, SHORT)));
  }
  for (const volume of await listUnusedVolumes(engine, own)) {
    const left = await leftVolume(store, volume);
    if (left !== undefined) found.push(left);
  }
  return found;
}

async function leftContainer(store: Store, run: ListedRun): Promise<LeftOver | undefined> {
  const stackId = run.labels[LABEL.stackId] ?? '';
  if (run.labels[LABEL.purpose] === 'preview') {
    const what = `a preview of ${stackId}`;
    if (run.state !== 'running') return container(run, what, after(run.createdAt, SHORT));
    const until = run.labels[LABEL.neededUntil];
    return until === undefined
      ? undefined
      : container(run, `${what} that nobody follows any more`, new Date(until));
  }
  if (run.labels[LABEL.purpose] !== 'mutation' || run.state === 'running') return undefined;
  if (await isBound(store, stackId)) return undefined;
  return container(run, `a settled run of ${stackId}`, after(run.createdAt, LONG));
}

async function leftVolume(store: Store, volume: ListedVolume): Promise<LeftOver | undefined> {
  const { name, createdAt, labels } = volume;
  const stackId = labels[LABEL.stackId] ?? '';
  if (createdAt === undefined) return undefined;
  const isPreview = labels[LABEL.purpose] === 'preview';
  if (!isPreview && (await isBound(store, stackId))) return undefined;
  return {
    kind: 'volume',
    name,
    what: `the working files of a ${isPreview ? 'preview' : 'settled run'} of ${stackId}`,
    removable: after(createdAt, isPreview ? SHORT : LONG),
  };
}

/** True while the stack's run may still be harvested, and when its record does not tell. */
async function isBound(store: Store, stackId: string): Promise<boolean> {
  const record = (await readRecord(store, stackId))?.record;
  return record === undefined || record.openRun !== undefined;
}

function container({ name, id }: ListedRun, what: string, removable: Date): LeftOver {
  return { kind: 'container', name, id, what, removable };
}

function after(start: Date, milliseconds: number): Date {
  return new Date(start.getTime() + milliseconds);
}
