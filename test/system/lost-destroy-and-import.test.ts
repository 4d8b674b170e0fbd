/** A container that vanishes during a destroy or an import: what is told, who is asked, and how it goes on. The outside world is counted. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Receipt } from '../../src/contract/change.js';
import type { OperationInput } from '../../src/contract/operation.js';
import type { CodedError } from '../../src/errors.js';
import { command } from '../support/command.js';
import { createLocalSystem, uniqueStack, type LocalSystem } from '../support/local-system.js';
import { failureOf, loseContainer, shortName, statuses } from '../support/lose-container.js';
import {
  applyChain,
  CHAIN,
  NAMES,
  outsideModuleImages,
  TOOLS,
  type Tool,
} from '../support/outside-modules.js';
import { startOutsideWorld, type Held, type OutsideWorld } from '../support/outside-world.js';

const abort = new AbortController();
let world: OutsideWorld;
let system: LocalSystem;
let images: Record<Tool, string>;

beforeAll(async () => {
  world = await startOutsideWorld();
  system = await createLocalSystem({
    env: { CLDCTL_DOCKER_SOCKET_GRANT: world.withoutNetwork.dockerSocket.path },
  });
  images = await outsideModuleImages(system.engine, CHAIN, abort.signal);
  await system.startWorker();
}, 900_000);
afterAll(async () => {
  abort.abort();
  await system.close();
  await world.close();
});

const operation = (stackId: string, tool: Tool, more?: Partial<OperationInput>): OperationInput =>
  applyChain(world, stackId, images[tool], more);

async function run(input: OperationInput): Promise<string> {
  return (await system.client.result(await system.client.start(input))).outcome;
}

/** Nothing is carried out by itself: the plan waits; a person who looks at it says no. */
async function asks(input: OperationInput, lost: CodedError): Promise<void> {
  const started = await system.client.startAndWaitPlan(input);
  expect(started.ready.phase).toBe('awaiting-approval');
  expect(await system.client.plan(started)).toMatchObject({ lostRun: { message: lost.message } });
  const { planDigest = '' } = started.ready;
  await system.client.reject(started, { planDigest, by: 'ann' });
  expect(await system.client.result(started)).toMatchObject({ outcome: 'rejected' });
}

/** `resume` up to the plan, as it is shown, then its approval, to the end. */
async function resumed(stackId: string): Promise<string> {
  const waiting = await command(['resume', stackId, '--until', 'plan'], { env: system.env });
  expect(waiting.stderr).toContain('waiting for a decision');
  const { planDigest = '' } = await system.client.state(stackId);
  const digits = planDigest.replace('sha256:', '').slice(0, 16);
  const approve = ['approve', stackId, '--wait', '--plan', digits];
  const approved = await command(approve, { env: system.env });
  expect(approved, approved.stderr).toMatchObject({ exitCode: 0 });
  expect((await system.client.stack(stackId)).lostRun).toBeUndefined();
  return waiting.stdout;
}

describe.each(TOOLS)('%s, its container removed during a destroy', (tool) => {
  const stackId = uniqueStack(`lost-destroy-${tool}`);
  const destroy = (): OperationInput => operation(stackId, tool, { operation: 'destroy' });
  const deleted = (): number[] => NAMES.map((name) => world.count('delete', `${stackId}-${name}`));
  let lost: CodedError;

  test('the run says what is gone, what may be, and what it did not reach', async () => {
    expect(await run(operation(stackId, tool))).toBe('succeeded');
    const held = world.hold(`${stackId}-b`, 'delete');
    const started = await system.client.start(destroy());
    await held.reached;
    await loseContainer(system, stackId, 'b');
    held.release();
    lost = await failureOf(system, started);
    expect(lost.code).toBe('OutcomeUnknown');
    expect(lost.message).toContain('the destroy of stack');
    expect(deleted()).toEqual([0, 0, 1]);
    expect(statuses(lost.detail?.['receipt'] as Receipt)).toEqual({
      a: 'unknown',
      b: 'failed, it began and did not end',
      c: 'done',
    });
    const open = lost.detail?.['open'] as { resource: string }[];
    expect(open.map(({ resource }) => shortName(resource))).toEqual(['b']);
    expect(lost.detail?.['untracked']).toEqual([]);
    expect((await system.client.stack(stackId)).lostRun).toMatchObject({ operation: 'destroy' });
  });

  test('the list shows it, and can show nothing else', async () => {
    const table = await command(['list'], { env: system.env });
    expect(table.stdout).toMatch(new RegExp(`^${stackId} .*  destroy \\d{4}-\\d\\d-\\d\\d`, 'm'));
    const lines = (await command(['list', '--lost', '--json'], { env: system.env })).stdout;
    const listed = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(listed).toMatchObject([
      { stackId, lostRun: { operation: 'destroy', message: lost.message } },
    ]);
  });

  test('another destroy, and an apply, wait for a person', async () => {
    await asks(destroy(), lost);
    await asks(operation(stackId, tool), lost);
    expect(deleted()).toEqual([0, 0, 1]);
    expect(world.namesOf(stackId)).toEqual([`${stackId}-a`, `${stackId}-b`]);
  });

  test('a resume shows the rest, and takes it away when a person approves', async () => {
    const shown = await resumed(stackId);
    expect(shown).toContain('Lost: the destroy of');
    expect(shown).toMatch(/done +delete +\S*c$/m);
    expect(shown).toMatch(/there or not delet\w+ \S*b$/m);
    expect(shown).toContain('2 to destroy');
    expect(deleted()).toEqual([1, 1, 1]);
    expect(world.namesOf(stackId)).toEqual([]);
    const next = { ...destroy(), approval: { mode: 'on-changes' as const, expiresIn: '1h' } };
    expect(await run(next)).toBe('no-changes');
    expect(await system.client.stack(stackId)).not.toHaveProperty('lostRun');
  });
});

describe.each(TOOLS)('%s, its container removed during an import', (tool) => {
  const stackId = uniqueStack(`lost-import-${tool}`);
  const value = tool === 'opentofu' ? '1' : 'one';
  let lost: CodedError;
  let imports: NonNullable<OperationInput['imports']>;
  const importing = (): OperationInput =>
    operation(stackId, tool, {
      operation: 'import',
      imports,
      options: { dockerSocket: true, parallelism: 1 },
    });

  /**
   * Starts it and waits until the second thing is under way. OpenTofu asks the outside world again only for what it changes, Pulumi
   * reads each thing, which it knows by its id alone.
   */
  async function half(): Promise<{ held: Held; started: Awaited<ReturnType<typeof start>> }> {
    const started = await start();
    if (tool === 'opentofu') {
      const held = world.hold(`${stackId}-b`, 'update');
      await approve(started);
      await held.reached;
      return { held, started };
    }
    const first = world.hold('', 'read');
    await approve(started);
    await first.reached;
    const held = world.hold('', 'read');
    first.release();
    await held.reached;
    return { held, started };
  }
  const start = () =>
    system.client.startAndWaitPlan({
      ...importing(),
      approval: { mode: 'required', expiresIn: '1h' },
    });
  const approve = async (started: Awaited<ReturnType<typeof start>>): Promise<void> => {
    const { planDigest = '' } = started.ready;
    await system.client.approve(started, { planDigest, by: 'ann' });
  };

  test('the run says what it did not get to, and that it may not be in the state', async () => {
    imports = NAMES.map((name) => {
      const outside = { value: tool === 'opentofu' && name === 'b' ? '0' : value, key: 'k' };
      const id = world.change(`${stackId}-${name}`, outside);
      return tool === 'opentofu'
        ? { address: `outside_thing.${name}`, id }
        : { type: 'outside:index:Thing', name, id };
    });
    const { held, started } = await half();
    await loseContainer(system, stackId, tool === 'opentofu' ? 'b' : 2);
    held.release();
    lost = await failureOf(system, started);
    expect(lost.code).toBe('OutcomeUnknown');
    // OpenTofu gives no word of an import; Pulumi of each, and saves each.
    expect(Object.values(statuses(lost.detail?.['receipt'] as Receipt)).sort()).toEqual([
      ...(tool === 'opentofu' ? [] : ['done']),
      'failed, it began and did not end',
      'unknown',
      ...(tool === 'opentofu' ? ['unknown'] : []),
    ]);
    expect(lost.detail?.['open']).toHaveLength(1);
    expect(lost.detail?.['untracked']).toEqual([]);
    expect((await system.client.stack(stackId)).lostRun).toMatchObject({ operation: 'import' });
  });

  test('another import waits for a person', async () => {
    await asks(importing(), lost);
  });

  test('a resume imports what is left, once, and makes nothing', async () => {
    const shown = await resumed(stackId);
    expect(shown).toContain('Lost: the import of');
    expect(shown).toContain('2 to import');
    expect(world.namesOf(stackId)).toEqual(NAMES.map((name) => `${stackId}-${name}`));
    expect(
      await run({ ...operation(stackId, tool), approval: { mode: 'on-changes', expiresIn: '1h' } }),
    ).toBe('no-changes');
    for (const name of NAMES) expect(world.count('create', `${stackId}-${name}`)).toBe(0);
    expect(world.count('update', `${stackId}-b`)).toBe(tool === 'opentofu' ? 1 : 0);
  });
});
