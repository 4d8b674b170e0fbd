/** What dead workers and terminated operations leave on an engine: told by `doctor`, removed by workers, and never too early. */
import { createHash, randomBytes } from 'node:crypto';
import { readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { StartedOperation } from '../../src/client/index.js';
import type { OperationInput } from '../../src/contract/operation.js';
import { packArchive } from '../../src/docker/archive.js';
import { createLabels, LABEL } from '../../src/docker/labels.js';
import { tidyEngine } from '../../src/operation/tidy-engine.js';
import type { Finding } from '../../src/setup/doctor.js';
import { newRecord, updateRecord } from '../../src/stack/record.js';
import type { Store } from '../../src/store/open-store.js';
import { command, type RunningCommand } from '../support/command.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';
import { scriptedImage } from '../support/scripted-image.js';

const HOUR = 3_600_000;
const SLOW = `
variable "seconds" { type = number }
resource "terraform_data" "slow" {
  provisioner "local-exec" { command = "echo begun; sleep \${var.seconds}" }
}
`;

let system: LocalSystem;
let worker: RunningCommand;
let store: Store;
let image: string;
let scripted: string;
const images: string[] = [];

beforeAll(async () => {
  system = await createLocalSystem();
  image = await tofuModule(system.engine, SLOW);
  scripted = await scriptedImage(system.engine, ['LABEL seed=1']);
  worker = await system.startWorker();
  store = await system.openStore();
});
afterAll(async () => {
  store.close();
  for (const each of images)
    await system.engine.docker
      .getImage(each)
      .remove({ force: true })
      .catch(() => undefined);
  await system.close();
});

const apply = (stackId: string, seconds: number): OperationInput => ({
  stackId,
  operation: 'apply',
  module: { image },
  inputs: { seconds },
  limits: { network: 'none' },
  approval: { mode: 'auto', expiresIn: '1h' },
});

/** What `doctor` says of left-overs (or what is missing) with a name that contains the text. */
async function told(text: string, of: Finding['status'] = 'left-over'): Promise<Finding[]> {
  const { HOME: _none, ...env } = system.env as Record<string, string>;
  const { stdout, exitCode } = await command(['doctor', '--json'], { env });
  expect([0, 6]).toContain(exitCode);
  const { findings } = JSON.parse(stdout) as { findings: Finding[] };
  return findings.filter(({ status, found }) => status === of && found.includes(text));
}

async function containersOf(stackId: string): Promise<{ name: string; state: string }[]> {
  const filters = { label: [`${LABEL.stackId}=${stackId}`] };
  const found = await system.engine.docker.listContainers({ all: true, filters });
  return found.map(({ Names, State }) => ({ name: (Names[0] ?? '').slice(1), state: State }));
}

async function volumesOf(stackId: string): Promise<string[]> {
  const filters = { label: [`${LABEL.stackId}=${stackId}`] };
  return (await system.engine.docker.listVolumes({ filters })).Volumes.map(({ Name }) => Name);
}

async function terminate({ workflowId, runId }: StartedOperation): Promise<void> {
  const connection = await Connection.connect({ address: system.address });
  await new Client({ connection }).workflow.getHandle(workflowId, runId).terminate('the test');
  await connection.close();
}

const sweep = (later: number): Promise<number> =>
  tidyEngine({ engine: system.engine, store }, Date.now() + later);

test('the preview of a terminated operation whose worker died: told, and removed when no try can come for it', async () => {
  const stackId = uniqueStack('left-preview');
  const started = await system.client.start({
    ...apply(stackId, 0),
    module: { image: scripted },
    engine: 'opentofu',
    inputs: { script: [{ sleep: 2000 }, { exit: 1 }] },
  });
  const states = async (): Promise<string[]> =>
    (await containersOf(stackId)).map(({ state }) => state);
  await expect.poll(states, { timeout: 30_000, interval: 50 }).toEqual(['running']);
  worker.signal('SIGKILL');
  await worker.done;
  await terminate(started);
  await expect.poll(states, { timeout: 30_000 }).toEqual(['exited']);
  const [{ name } = { name: '' }] = await containersOf(stackId);
  expect(await volumesOf(stackId)).toHaveLength(1);
  const [finding] = await told(stackId);
  expect(finding).toMatchObject({
    subject: 'left container',
    found: `${name}: a preview of ${stackId}`,
    remedy: expect.stringMatching(
      new RegExp(`removes it after .* UTC; at once: docker rm --force --volumes ${name}$`),
    ) as string,
  });
  await sweep(HOUR - 60_000);
  expect(await states()).toEqual(['exited']);
  expect(await sweep(HOUR)).toBeGreaterThan(0);
  expect(await containersOf(stackId)).toEqual([]);
  expect(await volumesOf(stackId)).toEqual([]);
  expect(await told(stackId)).toEqual([]);
  worker = await system.startWorker();
});

test('what a stack that is bound may still be harvested from stays at any age, and is not called left over', async () => {
  const stackId = uniqueStack('left-bound');
  const started = await system.client.start(apply(stackId, 3));
  const log = async (): Promise<string> => {
    const [container] = await system.containers(stackId);
    if (container === undefined) return '';
    const text = await system.engine.docker
      .getContainer(container.id)
      .logs({ stdout: true, stderr: true });
    return text.toString('utf8');
  };
  await expect.poll(log, { timeout: 60_000 }).toContain('begun');
  worker.signal('SIGKILL');
  await worker.done;
  const [container] = await system.containers(stackId);
  await system.engine.docker.getContainer(container?.id ?? '').wait();
  await sweep(1000 * HOUR);
  expect(await system.containers(stackId)).toEqual([{ id: container?.id, state: 'exited' }]);
  expect((await volumesOf(stackId)).length).toBeGreaterThan(0);
  expect(await told(stackId)).toEqual([]);
  worker = await system.startWorker();
  expect(await system.client.result(started)).toMatchObject({
    outcome: 'succeeded',
    receipt: { done: 1 },
  });
  await expect.poll(() => containersOf(stackId), { timeout: 20_000 }).toEqual([]);
});

test('a volume without a container: kept for a look, then removed; kept as long as its stack is bound', async () => {
  const [settled, bound] = [uniqueStack('left-volume'), uniqueStack('bound-volume')];
  for (const stackId of [settled, bound])
    await updateRecord(store, stackId, () => ({
      ...newRecord(stackId, new Date().toISOString()),
      ...(stackId === settled
        ? {}
        : {
            openRun: {
              planDigest: `sha256:${'0'.repeat(64)}`,
              attempt: 1,
              dockerId: system.engine.id,
              containerName: `cldctl-${store.installation}-${stackId}`,
              operation: 'apply' as const,
              workflowId: `stack:${stackId}`,
              runId: 'r',
              at: new Date().toISOString(),
            },
          }),
    }));
  for (const stackId of [settled, bound])
    await system.engine.docker.createVolume({
      Name: `cldctl-${store.installation}-${stackId}`,
      Labels: createLabels({
        installation: store.installation,
        stackId,
        purpose: 'mutation',
      }),
    });
  expect(await told(settled)).toMatchObject([
    { subject: 'left volume', remedy: expect.stringContaining('docker volume rm ') as string },
  ]);
  expect(await told(bound)).toEqual([]);
  await sweep(23 * HOUR);
  expect(await volumesOf(settled)).toHaveLength(1);
  await sweep(25 * HOUR);
  expect(await volumesOf(settled)).toEqual([]);
  await sweep(1000 * HOUR);
  expect(await volumesOf(bound)).toHaveLength(1);
});

test('a worker that starts ends previews that outlived every try of their step, and leaves the others alone', async () => {
  const [gone, needed] = [uniqueStack('left-running'), uniqueStack('needed-running')];
  for (const stackId of [gone, needed]) {
    const container = await system.engine.docker.createContainer({
      Image: scripted,
      name: `cldctl-${store.installation}-preview-${stackId}`,
      // Waits for input that never comes.
      Env: ['CLDCTL_INPUT=stdin'],
      OpenStdin: true,
      Entrypoint: ['/cldctl-entrypoint'],
      Labels: createLabels({
        installation: store.installation,
        stackId,
        purpose: 'preview',
        neededUntil: new Date(Date.now() + (stackId === gone ? -1000 : HOUR)).toISOString(),
      }),
    });
    await container.start();
  }
  expect(await told(gone)).toMatchObject([
    { remedy: expect.stringContaining('removes it at its next look') as string },
  ]);
  worker.signal('SIGTERM');
  await worker.done;
  worker = await system.startWorker();
  await expect.poll(() => containersOf(gone), { timeout: 20_000 }).toEqual([]);
  expect(await containersOf(needed)).toMatchObject([{ state: 'running' }]);
});

test('what is past its time in the store is counted, and an object that can not be read is named', async () => {
  // It would sweep.
  worker.signal('SIGTERM');
  await worker.done;
  const key = `logs/${uniqueStack('left-log')}/1`;
  await store.objects.put(key, randomBytes(10));
  const directory = fileURLToPath(system.env['CLDCTL_STORE'] ?? '');
  await utimes(join(directory, key), new Date('2020-01-02'), new Date('2020-01-02'));
  expect(await told('1 logs past their times')).toEqual([
    {
      subject: 'left in store',
      status: 'left-over',
      found: expect.stringMatching(/^1 logs past their times, \d+ B$/) as string,
      bytes: expect.any(Number) as number,
      remedy: 'a worker removes them at its next sweep, within six hours',
    },
  ]);
  await store.objects.delete(key);
  expect(await told('past their times')).toEqual([]);

  const damaged = uniqueStack('damaged');
  await updateRecord(store, damaged, () => newRecord(damaged, new Date().toISOString()));
  const [record = ''] = await readdir(join(directory, 'records', damaged));
  await writeFile(join(directory, 'records', damaged, record), 'not what was written');
  expect(await told(`records/${damaged}`, 'missing')).toMatchObject([
    { subject: 'damaged object', remedy: expect.stringContaining('restore it') as string },
  ]);
  await rm(join(directory, 'records', damaged), { recursive: true });
  worker = await system.startWorker();
});

test('an old image that no stack names is told; one that a stack would need is not', async () => {
  const stackId = uniqueStack('left-image');
  const id = await oldModuleImage(`cldctl-test/left:${stackId}`);
  expect(await told(stackId)).toMatchObject([
    {
      subject: 'left image',
      found: expect.stringContaining('named by no stack and no plan') as string,
      remedy: `docker image rm cldctl-test/left:${stackId}`,
    },
  ]);
  await updateRecord(store, stackId, () => ({
    ...newRecord(stackId, new Date().toISOString()),
    image: id,
  }));
  expect(await told(stackId)).toEqual([]);
});

/** Loads an image that says to have been built from a module years ago. */
async function oldModuleImage(tag: string): Promise<string> {
  const layer = await packArchive([
    { name: 'unique', bytes: randomBytes(8), mode: 0o644, uid: 0, gid: 0 },
  ]);
  const [os, architecture] = system.engine.platform.split('/');
  const config = JSON.stringify({
    os,
    architecture,
    created: '2020-01-01T00:00:00Z',
    config: { Labels: { [LABEL.sourceDigest]: `sha256:${'1'.repeat(64)}` } },
    rootfs: {
      type: 'layers',
      diff_ids: [`sha256:${createHash('sha256').update(layer).digest('hex')}`],
    },
  });
  const file = { mode: 0o644, uid: 0, gid: 0 };
  const archive = await packArchive([
    { name: 'layer.tar', bytes: layer, ...file },
    { name: 'config.json', bytes: config, ...file },
    {
      name: 'manifest.json',
      bytes: JSON.stringify([{ Config: 'config.json', RepoTags: [tag], Layers: ['layer.tar'] }]),
      ...file,
    },
  ]);
  const { docker } = system.engine;
  const answer = (await docker.loadImage(Readable.from([archive]))) as Readable;
  for await (const _ of answer) void _;
  images.push(tag);
  return (await docker.getImage(tag).inspect()).Id;
}
