/** A system that every part of can be killed or cut: server, wire, worker, engine, disk, and the world outside. */
import { Client, Connection } from '@temporalio/client';
import type { StartedOperation } from '../../../src/client/index.js';
import { pathToFileURL } from 'node:url';
import type { RunningCommand } from '../../support/command.js';
import { createLocalSystem, type LocalSystem } from '../../support/local-system.js';
import { CHAIN, outsideModuleImages, type Tool } from '../../support/outside-modules.js';
import { startOutsideWorld, type OutsideWorld } from '../../support/outside-world.js';
import { startOwnEngine, type OwnEngine } from '../../support/own-engine.js';
import { mountStoreDisk } from '../../support/store-disk.js';
import { testEngine } from '../../support/test-engine.js';
import { layWire } from '../../support/wire.js';
import type { OperationFault, SystemFault } from './draw.js';

export interface FaultSystem {
  readonly system: LocalSystem;
  readonly world: OutsideWorld;
  readonly engine: OwnEngine;
  readonly images: Readonly<Record<Tool, string>>;
  /** Does it to one operation. */
  injectInto(fault: OperationFault, started: StartedOperation): Promise<void>;
  /** Does it to everything; what it answers mends what lasts. */
  inject(fault: SystemFault): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

/**
 * Milliseconds that the client waits for a worker. An operation that it gave up would go on behind the back of who then looks
 * at the world.
 */
const DEADLINE = 300_000;

/** Starts it with `slots` containers at a time. */
export async function startFaultSystem(slots: number): Promise<FaultSystem> {
  const abort = new AbortController();
  const shared = await testEngine();
  const images = await outsideModuleImages(shared, CHAIN, abort.signal);
  const [world, engine, disk] = await Promise.all([
    startOutsideWorld(),
    startOwnEngine(),
    mountStoreDisk(),
  ]);
  for (const image of Object.values(images)) await engine.take(shared, image);
  const system = await createLocalSystem({
    durable: true,
    deadline: DEADLINE,
    engine,
    env: {
      CLDCTL_STORE: pathToFileURL(`${disk.path}/store`).href,
      CLDCTL_DOCKER_SLOTS: String(slots),
      CLDCTL_DOCKER_SOCKET_GRANT: world.withoutNetwork.dockerSocket.path,
    },
  });
  const wire = await layWire(Number(system.address.split(':')[1]));
  const startWorker = (): Promise<RunningCommand> =>
    system.startWorker({ TEMPORAL_ADDRESS: wire.address });
  let worker = await startWorker();
  const connection = await Connection.connect({ address: system.address });
  const temporal = new Client({ connection });

  return {
    system,
    world,
    engine,
    images,
    async injectInto(fault, started) {
      const { workflowId, runId, stackId } = started;
      const container = async () => {
        const [found] = await engine.engine.docker.listContainers({
          filters: { label: [`dev.cldctl.stack-id=${stackId}`] },
        });
        return engine.engine.docker.getContainer(found?.Id ?? '');
      };
      switch (fault) {
        case 'container killed':
          return void (await (await container()).kill());
        case 'container removed':
          return void (await (await container()).remove({ force: true, v: true }));
        case 'canceled':
          return system.client.cancel(started);
        case 'killed by update':
          return void (await system.client.kill(started, { reason: 'the test' }));
        case 'terminated':
          return void (await temporal.workflow.getHandle(workflowId, runId).terminate('the test'));
        case 'reset':
          return void (await connection.workflowService.resetWorkflowExecution({
            namespace: 'default',
            workflowExecution: { workflowId, runId },
            reason: 'the test',
            requestId: runId,
            // The first workflow task: everything after it is done again.
            workflowTaskFinishEventId: 4 as never,
          }));
      }
    },
    async inject(fault) {
      const nothing = (): Promise<void> => Promise.resolve();
      switch (fault) {
        case 'worker killed':
        case 'worker stopped':
          worker.signal(fault === 'worker killed' ? 'SIGKILL' : 'SIGTERM');
          await worker.done;
          worker = await startWorker();
          return nothing;
        case 'engine crashed':
        case 'engine stopped':
          await (fault === 'engine crashed' ? engine.kill() : engine.stop());
          await engine.start();
          return nothing;
        case 'server restarted':
          await system.restartTemporal();
          return nothing;
        case 'network cut':
          wire.cut();
          return () => Promise.resolve(wire.mend());
        case 'disk away':
        case 'disk full':
        case 'disk read-only': {
          const kind = fault.slice('disk '.length) as 'away' | 'full' | 'read-only';
          await disk.make(kind);
          return () => disk.mend(kind);
        }
      }
    },
    async close() {
      abort.abort();
      await connection.close();
      await system.close();
      await wire.close();
      await engine.close();
      await world.close();
      await disk.remove();
    },
  };
}
