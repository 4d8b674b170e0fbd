/** A container that vanishes during a destroy or an import: what is told, who is asked, and how it goes on. The outside world is counted. */
import { expect, test } from 'vitest';
import type { Receipt } from '../../src/contract/change.js';
import type { OperationInput } from '../../src/contract/operation.js';
import type { CodedError } from '../../src/errors.js';
import { command } from '../support/command.js';
import { uniqueStack, type LocalSystem } from '../support/local-system.js';
import { failureOf, loseContainer, shortName, statuses } from '../support/lose-container.js';
import { NAMES, type Tool } from '../support/outside-modules.js';
import type { Held, OutsideWorld } from '../support/outside-world.js';

/** Where the chain is run; its parts are there when the tests run. */
export interface LostPlace {
  /** Names stacks. */
  readonly name: string;
  readonly tool: Tool;
  readonly system: LocalSystem;
  readonly world: OutsideWorld;
  /** An apply of the chain, which nobody has to approve. */
  operation(stackId: string, more?: Partial<OperationInput>): OperationInput;
}

async function run({ system }: LostPlace, input: OperationInput): Promise<string> {
  return (await system.client.result(await system.client.start(input))).outcome;
}

/** Nothing is carried out by itself: the plan waits; a person who looks at it says no. */
async function asks({ system }: LostPlace, input: OperationInput, lost: CodedError): Promise<void> {
  const started = await system.client.startAndWaitPlan(input);
  expect(started.ready.phase).toBe('awaiting-approval');
  expect(await system.client.plan(started)).toMatchObject({ lostRun: { message: lost.message } });
  const { planDigest = '' } = started.ready;
  await system.client.reject(started, { planDigest, by: 'ann' });
  expect(await system.client.result(started)).toMatchObject({ outcome: 'rejected' });
}

/** `resume` up to the plan, as it is shown, then its approval, to the end. */
async function resumed({ system }: LostPlace, stackId: string): Promise<string> {
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

/** Its container is removed when `c` is gone and `b` is being deleted. */
export function lostDestroyCases(place: LostPlace): void {
  const stackId = uniqueStack(`lost-destroy-${place.name}`);
  const destroy = (): OperationInput => place.operation(stackId, { operation: 'destroy' });
  const deleted = (): number[] =>
    NAMES.map((name) => place.world.count('delete', `${stackId}-${name}`));
  let lost: CodedError;

  test('the run says what is gone, what may be, and what it did not reach', async () => {
    expect(await run(place, place.operation(stackId))).toBe('succeeded');
    const held = place.world.hold(`${stackId}-b`, 'delete');
    const started = await place.system.client.start(destroy());
    await held.reached;
    await loseContainer(place.system, stackId, 'b');
    held.release();
    lost = await failureOf(place.system, started);
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
    expect((await place.system.client.stack(stackId)).lostRun).toMatchObject({
      operation: 'destroy',
    });
  });

  test('the list shows it, and can show nothing else', async () => {
    const table = await command(['list'], { env: place.system.env });
    expect(table.stdout).toMatch(new RegExp(`^${stackId} .*  destroy \\d{4}-\\d\\d-\\d\\d`, 'm'));
    const lines = (await command(['list', '--lost', '--json'], { env: place.system.env })).stdout;
    const listed = lines
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as object);
    expect(listed).toMatchObject([
      { stackId, lostRun: { operation: 'destroy', message: lost.message } },
    ]);
  });

  test('another destroy, and an apply, wait for a person', async () => {
    await asks(place, destroy(), lost);
    await asks(place, place.operation(stackId), lost);
    expect(deleted()).toEqual([0, 0, 1]);
    expect(place.world.namesOf(stackId)).toEqual([`${stackId}-a`, `${stackId}-b`]);
  });

  test('a resume shows the rest, and takes it away when a person approves', async () => {
    const shown = await resumed(place, stackId);
    expect(shown).toContain('Lost: the destroy of');
    expect(shown).toMatch(/done +delete +\S*c$/m);
    expect(shown).toMatch(/there or not delet\w+ \S*b$/m);
    expect(shown).toContain('2 to destroy');
    expect(deleted()).toEqual([1, 1, 1]);
    expect(place.world.namesOf(stackId)).toEqual([]);
    const next = { ...destroy(), approval: { mode: 'on-changes' as const, expiresIn: '1h' } };
    expect(await run(place, next)).toBe('no-changes');
    expect(await place.system.client.stack(stackId)).not.toHaveProperty('lostRun');
  });
}

/** Its container is removed when the second thing is under way. */
export function lostImportCases(place: LostPlace): void {
  const stackId = uniqueStack(`lost-import-${place.name}`);
  const isTofu = place.tool === 'opentofu';
  const value = isTofu ? '1' : 'one';
  let lost: CodedError;
  let imports: NonNullable<OperationInput['imports']>;
  const importing = (): OperationInput =>
    place.operation(stackId, {
      operation: 'import',
      imports,
      options: { parallelism: 1 },
    });

  /**
   * Starts it and waits until the second thing is under way. OpenTofu asks the outside world again only for what it changes, Pulumi
   * reads each thing, which it knows by its id alone.
   */
  async function half(): Promise<{ held: Held; started: Awaited<ReturnType<typeof start>> }> {
    const started = await start();
    if (isTofu) {
      const held = place.world.hold(`${stackId}-b`, 'update');
      await approve(started);
      await held.reached;
      return { held, started };
    }
    const first = place.world.hold('', 'read');
    await approve(started);
    await first.reached;
    const held = place.world.hold('', 'read');
    first.release();
    await held.reached;
    return { held, started };
  }
  const start = () =>
    place.system.client.startAndWaitPlan({
      ...importing(),
      approval: { mode: 'required', expiresIn: '1h' },
    });
  const approve = async (started: Awaited<ReturnType<typeof start>>): Promise<void> => {
    const { planDigest = '' } = started.ready;
    await place.system.client.approve(started, { planDigest, by: 'ann' });
  };

  test('the run says what it did not get to, and that it may not be in the state', async () => {
    imports = NAMES.map((name) => {
      const outside = { value: isTofu && name === 'b' ? '0' : value, key: 'k' };
      const id = place.world.change(`${stackId}-${name}`, outside);
      return isTofu
        ? { address: `outside_thing.${name}`, id }
        : { type: 'outside:index:Thing', name, id };
    });
    const { held, started } = await half();
    await loseContainer(place.system, stackId, isTofu ? 'b' : 2);
    held.release();
    lost = await failureOf(place.system, started);
    expect(lost.code).toBe('OutcomeUnknown');
    // OpenTofu gives no word of an import; Pulumi of each, and saves each.
    expect(Object.values(statuses(lost.detail?.['receipt'] as Receipt)).sort()).toEqual([
      ...(isTofu ? [] : ['done']),
      'failed, it began and did not end',
      'unknown',
      ...(isTofu ? ['unknown'] : []),
    ]);
    expect(lost.detail?.['open']).toHaveLength(1);
    expect(lost.detail?.['untracked']).toEqual([]);
    expect((await place.system.client.stack(stackId)).lostRun).toMatchObject({
      operation: 'import',
    });
  });

  test('another import waits for a person', async () => {
    await asks(place, importing(), lost);
  });

  test('a resume imports what is left, once, and makes nothing', async () => {
    const shown = await resumed(place, stackId);
    expect(shown).toContain('Lost: the import of');
    expect(shown).toContain('2 to import');
    expect(place.world.namesOf(stackId)).toEqual(NAMES.map((name) => `${stackId}-${name}`));
    expect(
      await run(place, {
        ...place.operation(stackId),
        approval: { mode: 'on-changes', expiresIn: '1h' },
      }),
    ).toBe('no-changes');
    for (const name of NAMES) expect(place.world.count('create', `${stackId}-${name}`)).toBe(0);
    expect(place.world.count('update', `${stackId}-b`)).toBe(isTofu ? 1 : 0);
  });
}
