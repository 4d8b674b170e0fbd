/** One operation of a round: brought to its place, struck, and then compared with what is there outside. */
import { expect } from 'vitest';
import type { StartedOperation } from '../../../src/client/index.js';
import type { OperationInput } from '../../../src/contract/operation.js';
import { CodedError } from '../../../src/errors.js';
import { approveWhenAsked } from '../../support/approve-when-asked.js';
import { uniqueStack } from '../../support/local-system.js';
import { applyChain, NAMES } from '../../support/outside-modules.js';
import type { Held } from '../../support/outside-world.js';
import { KILLS_TOOL, type Draw } from './draw.js';
import type { FaultSystem } from './fault-system.js';

/** An operation whose tool is held in the middle of something. */
export interface Struck {
  readonly draw: Draw;
  readonly stackId: string;
  readonly started: StartedOperation;
  readonly held: Held;
}

/** What is known when it is over. */
export interface Ended {
  readonly draw: Draw;
  /** Outcome or error code of the operation that was struck. */
  readonly first: string;
  /** Outcome of the operation after it, or its error. */
  readonly next: string;
  /** True when a person was asked before the next operation did anything. */
  readonly asked: boolean;
  /** How often each thing was made outside. */
  readonly made: readonly number[];
  /** Things outside after the next operation, each once. */
  readonly there: readonly string[];
  /** Things outside when all was taken away. */
  readonly left: readonly string[];
  readonly openRun: boolean;
}

/** Starts the operation and waits until its tool is at its place. */
export async function reach(faults: FaultSystem, draw: Draw): Promise<Struck> {
  const { operation, at, name } = draw.place;
  const stackId = uniqueStack('fault');
  const { client } = faults.system;
  if (operation === 'destroy') {
    const applied = await endOf(faults, await client.start(input(faults, draw, stackId, 'apply')));
    expect(applied).toBe('succeeded');
  }
  const held = faults.world.hold(`${stackId}-${name}`, at);
  const started = await client.start(input(faults, draw, stackId, operation));
  await Promise.race([held.reached, endedBefore(faults, started)]);
  return { draw, stackId, started, held };
}

/** Waits for its end, lets the next operation find out what there is, and takes everything away. */
export async function conclude(faults: FaultSystem, struck: Struck): Promise<Ended> {
  const { draw, stackId, started } = struck;
  const { place, fault } = draw;
  const first = await endOf(faults, started);
  // The run that a reset began does the work.
  if (fault === 'reset') await endOf(faults, { workflowId: started.workflowId });
  const { client } = faults.system;
  const next = await approveWhenAsked(client, input(faults, draw, stackId, place.operation));
  const made = NAMES.map((name) => faults.world.count('create', `${stackId}-${name}`));
  const there = [...new Set(faults.world.namesOf(stackId))];
  if (place.operation === 'apply')
    await approveWhenAsked(client, input(faults, draw, stackId, 'destroy'));
  const { openRun } = await client.stack(stackId);
  const left = faults.world.namesOf(stackId);
  return {
    draw,
    first,
    next: next.message === undefined ? next.end : `${next.end}: ${next.message}`,
    asked: next.asked,
    made,
    there: there.map((name) => name.slice(stackId.length + 1)),
    left,
    openRun: openRun !== undefined,
  };
}

/** Nothing is done twice and nothing stays; what the death of a tool may have cost was told, and a person asked. */
export function judge({ draw, first, next, asked, made, there, left, openRun }: Ended): string[] {
  const { fault, place } = draw;
  const wrong: string[] = [];
  if (place.operation === 'apply' && there.join() !== NAMES.join())
    wrong.push(`there is only ${there.join() || 'nothing'}`);
  if (!/^(succeeded|no-changes)$/.test(next)) wrong.push(`the next operation ended ${next}`);
  if (openRun) wrong.push('a run is still open');
  const twice = made.some((count) => count > 1);
  const told = KILLS_TOOL.includes(fault) && !/^(succeeded|no-changes)$/.test(first);
  if (twice && !told) wrong.push(`made ${made.join()} times, and nobody said so`);
  if (twice && !asked) wrong.push(`made ${made.join()} times, and nobody was asked`);
  if (made.some((count) => count < 1)) wrong.push(`made ${made.join()} times`);
  if (left.length > 0 && !twice) wrong.push(`left over: ${left.join()}`);
  const ends: readonly string[] = ENDS[fault];
  if (!ends.includes(first) && !/^(succeeded|no-changes)$/.test(first))
    wrong.push(`it ended ${first}`);
  const what = `${draw.tool}, ${fault} at ${place.at} ${place.name}, ended ${first}, then ${next}`;
  return wrong.map((text) => `${what}: ${text}`);
}

/** How an operation may end besides well. */
const ENDS: Record<Draw['fault'], readonly string[]> = {
  'container killed': ['OutcomeUnknown', 'ModuleFailed', 'ContainerLost'],
  'container removed': ['OutcomeUnknown', 'ModuleFailed', 'ContainerLost'],
  'engine crashed': ['OutcomeUnknown', 'ModuleFailed', 'ContainerLost'],
  'engine stopped': ['OutcomeUnknown', 'ModuleFailed', 'ContainerLost', 'OperationCanceled'],
  // A kill while the destroy is still being planned ends an operation that has changed nothing.
  'killed by update': ['OutcomeUnknown', 'ModuleFailed', 'ContainerLost', 'OperationCanceled'],
  canceled: ['OperationCanceled'],
  // Of a run that is no more nobody tells the end; the next operation finds it.
  terminated: ['OutcomeUnknown'],
  reset: ['OutcomeUnknown'],
  'worker killed': [],
  'worker stopped': [],
  'server restarted': [],
  'network cut': [],
  'disk away': [],
  'disk full': [],
  'disk read-only': [],
};

function input(
  { world, images }: FaultSystem,
  draw: Draw,
  stackId: string,
  operation: 'apply' | 'destroy',
): OperationInput {
  return applyChain(world, stackId, images[draw.tool], {
    operation,
    limits: { network: 'none', grace: '5s' },
  });
}

async function endOf(
  { system }: FaultSystem,
  target: StartedOperation | { readonly workflowId: string },
): Promise<string> {
  return system.client.result(target).then(
    ({ outcome }) => outcome,
    (error: unknown) => (error instanceof CodedError ? error.code : String(error)),
  );
}

async function endedBefore(faults: FaultSystem, started: StartedOperation): Promise<never> {
  throw new Error(`it ended before it was there: ${await endOf(faults, started)}`);
}
