/** What is drawn: which tool is held where, and what happens to it. The same seed draws the same on every machine. */
import { TOOLS, type NAMES, type Tool } from '../../support/outside-modules.js';
import type { OutsideOperation } from '../../support/outside-world.js';

/** What can happen to one operation. */
export const OPERATION_FAULTS = [
  'container killed',
  'container removed',
  'canceled',
  'killed by update',
  'terminated',
  'reset',
] as const;
export type OperationFault = (typeof OPERATION_FAULTS)[number];

/** What happens to all operations at once. */
export const SYSTEM_FAULTS = [
  'worker killed',
  'worker stopped',
  'engine crashed',
  'engine stopped',
  'server restarted',
  'network cut',
  'disk away',
  'disk full',
  'disk read-only',
] as const;
export type SystemFault = (typeof SYSTEM_FAULTS)[number];
export type Fault = OperationFault | SystemFault;

/** Faults that take the tool away in the middle of what it does. */
export const KILLS_TOOL: readonly Fault[] = [
  'container killed',
  'container removed',
  'engine crashed',
  'killed by update',
];

/** Where the tool is held when the fault comes: which thing of which command. */
export interface Place {
  readonly operation: 'apply' | 'destroy';
  readonly at: OutsideOperation;
  readonly name: (typeof NAMES)[number];
}
const PLACES: readonly Place[] = [
  { operation: 'apply', at: 'create', name: 'a' },
  { operation: 'apply', at: 'create', name: 'b' },
  { operation: 'apply', at: 'create', name: 'c' },
  { operation: 'destroy', at: 'delete', name: 'c' },
  { operation: 'destroy', at: 'delete', name: 'b' },
  { operation: 'destroy', at: 'read', name: 'b' },
];

/** One operation and what happens to it. */
export interface Draw {
  readonly tool: Tool;
  readonly place: Place;
  readonly fault: Fault;
}

/** Operations that go on side by side; `shared` is what happens to all of them. */
export interface Round {
  readonly title: string;
  readonly shared?: SystemFault;
  readonly draws: readonly Draw[];
}

/** Draws rounds of `width` operations, `count` in all. */
export function drawRounds(seed: number, count: number, width: number): Round[] {
  const random = generator(seed);
  const pick = <T>(of: readonly T[]): T => of[random(of.length)] as T;
  const rounds: Round[] = [];
  for (let left = count; left > 0; left -= width) {
    const shared = random(2) === 0 ? pick(SYSTEM_FAULTS) : undefined;
    const draws = Array.from({ length: Math.min(width, left) }, () => ({
      tool: pick(TOOLS),
      place: pick(PLACES),
      fault: shared ?? pick(OPERATION_FAULTS),
    }));
    const title = `seed ${seed}, round ${rounds.length + 1}: ${shared ?? 'each its own'}`;
    rounds.push({ title, draws, ...(shared === undefined ? {} : { shared }) });
  }
  return rounds;
}

/** A small generator (mulberry32). */
function generator(start: number): (below: number) => number {
  let state = start >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) % below;
  };
}
