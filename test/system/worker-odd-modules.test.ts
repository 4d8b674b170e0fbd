/** Modules that behave as no module should, each through one worker: how it ends, what is told, and that nothing is left. */
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Json } from '../../src/contract/json.js';
import type { OperationInput, OperationResult } from '../../src/contract/operation.js';
import type { Engine } from '../../src/docker/engine.js';
import type { CodedError } from '../../src/errors.js';
import {
  createLocalSystem,
  tofuModule,
  uniqueStack,
  type LocalSystem,
} from '../support/local-system.js';
import { CONTRACT_CHANGES, scriptedImage } from '../support/scripted-image.js';

const CHANGES = [{ resource: 'thing.a', action: 'create' }];
const PREVIEW = JSON.stringify({
  success: true,
  action: 'preview',
  outputs: {},
  changes: CHANGES,
});
const APPLIED = JSON.stringify({ success: true, action: 'apply', outputs: { a: { value: 1 } } });
const CANCELED = { code: 'OperationCanceled' };
const SUCCEEDED = { outcome: 'succeeded' };
const UNKNOWN = { code: 'OutcomeUnknown' };

interface Odd {
  readonly what: string;
  /** A command of a resource's provisioner, beside the tool, or the steps of an entrypoint of another's making. */
  readonly command?: string;
  readonly script?: readonly object[];
  /** An image of the contract instead of one that only writes its answer. */
  readonly sealed?: boolean;
  /** Cancelled when its log says this. */
  readonly cancelAt?: string;
  readonly grace?: string;
  readonly ends: object;
  /** Longest time from the cancel, or the start, to the end: in milliseconds. */
  readonly within?: number;
  readonly logHas?: RegExp;
  readonly logBytes?: number;
}

const ODD: readonly Odd[] = [
  {
    what: 'its command ignores SIGINT and SIGTERM',
    command: "trap '' INT TERM; echo stubborn; sleep 100 & wait; sleep 100",
    cancelAt: 'stubborn',
    ends: CANCELED,
    within: 40_000,
  },
  {
    what: 'its entrypoint ignores SIGINT',
    script: [{ signals: 'ignore' }, { print: 'stubborn' }, { sleep: 600_000 }],
    cancelAt: 'stubborn',
    grace: '2s',
    ends: UNKNOWN,
    within: 20_000,
    logHas: /signal 1(?![^]*signal 2)/,
  },
  {
    what: 'it forks children that outlive the tool',
    command: 'for i in 1 2 3; do (sleep 600 > /dev/null 2>&1 &); done; echo forked',
    ends: SUCCEEDED,
    logHas: /forked/,
  },
  {
    what: "a grandchild keeps the tool's own output open",
    command: '(sleep 600 > /proc/$PPID/fd/1 2> /proc/$PPID/fd/2 &) ; echo open',
    ends: SUCCEEDED,
    logHas: /open/,
  },
  {
    what: 'it floods its log',
    script: [
      { lines: 20_000, text: 'x'.repeat(1000) },
      { print: 'flooded' },
      { frame: { 'output.json': APPLIED } },
    ],
    sealed: true,
    ends: SUCCEEDED,
    logHas: /flooded/,
    logBytes: 20_000_000,
  },
  {
    what: 'it closes its streams and stays',
    script: [
      { print: 'closing' },
      { close: true },
      { sleep: 3000 },
      { write: 'output.json', text: APPLIED },
      { exit: 0 },
    ],
    ends: SUCCEEDED,
    logHas: /closing/,
  },
  {
    what: 'it has ended before it can be watched',
    script: [{ write: 'output.json', text: APPLIED }, { exit: 0 }],
    ends: SUCCEEDED,
  },
  {
    what: 'it writes its answer while it is stopped',
    script: [{ print: 'waiting' }, { sleep: 600_000 }],
    cancelAt: 'waiting',
    ends: CANCELED,
    within: 10_000,
    logHas: /signal 1/,
  },
  {
    what: 'it ends with 0 and without an answer',
    script: [{ print: 'that was it' }, { exit: 0 }],
    ends: { code: expect.stringMatching(/^(OutcomeUnknown|InvalidOutput)$/) as string },
    logHas: /that was it/,
  },
  {
    what: 'its answer is half a document',
    script: [{ write: 'output.json', text: APPLIED.slice(0, 30) }, { exit: 0 }],
    ends: { code: expect.stringMatching(/^(OutcomeUnknown|InvalidOutput)$/) as string },
  },
  {
    what: 'it answers under a key of its own',
    script: [{ frame: { 'output.json': APPLIED }, wrongKey: true }, { exit: 0 }],
    sealed: true,
    ends: { code: expect.stringMatching(/^(OutcomeUnknown|InvalidOutput)$/) as string },
  },
];

let engine: Engine;
let system: LocalSystem;
let images: { seed: string; contract: string };

beforeAll(async () => {
  system = await createLocalSystem();
  ({ engine } = system);
  images = {
    seed: await scriptedImage(engine, ['LABEL seed=1']),
    contract: await scriptedImage(engine, CONTRACT_CHANGES),
  };
  await system.startWorker();
});
afterAll(() => system.close());

async function inputOf(stackId: string, odd: Odd): Promise<OperationInput> {
  const common = {
    stackId,
    operation: 'apply' as const,
    limits: { network: 'none' as const, grace: odd.grace ?? '30s' },
    approval: { mode: 'auto' as const, expiresIn: '1h' },
  };
  if (odd.command !== undefined) {
    const command = JSON.stringify(odd.command.replaceAll('${', '$${'));
    const source = `resource "terraform_data" "odd" {
  provisioner "local-exec" { command = ${command} }
}
`;
    return { ...common, module: { image: await tofuModule(engine, source) } };
  }
  const sealed = odd.sealed === true;
  const answer = sealed
    ? { frame: { 'output.json': PREVIEW } }
    : { write: 'output.json', text: PREVIEW };
  const script = [
    { only: 'preview', ...answer },
    { only: 'preview', exit: 0 },
    ...(odd.script ?? []),
  ] as unknown as Json;
  const image = sealed ? images.contract : images.seed;
  return { ...common, module: { image }, engine: 'opentofu', inputs: { script } };
}

test.each(ODD)('$what', async (odd) => {
  const stackId = uniqueStack('odd');
  const started = await system.client.start(await inputOf(stackId, odd));
  let from = performance.now();
  if (odd.cancelAt !== undefined) {
    await expect.poll(() => system.logOf(started), { timeout: 60_000 }).toContain(odd.cancelAt);
    from = performance.now();
    await system.client.cancel(started);
  }
  const end: CodedError | OperationResult = await system.client
    .result(started)
    .catch((error: unknown) => error as CodedError);
  expect(end).toMatchObject(odd.ends);
  expect(performance.now() - from).toBeLessThan(odd.within ?? 60_000);
  const log = await system.logOf(started);
  if (odd.logHas !== undefined) expect(log).toMatch(odd.logHas);
  expect(log.length).toBeGreaterThanOrEqual(odd.logBytes ?? 0);
  // Nothing runs, whatever it wanted; the stack is free; what it did is in its record, once.
  const filters = { label: [`dev.cldctl.stack-id=${stackId}`] };
  await expect
    .poll(async () => (await engine.docker.listContainers({ filters })).length, { timeout: 20_000 })
    .toBe(0);
  const { openRun, operations } = await system.client.stack(stackId);
  expect(openRun).toBeUndefined();
  expect(operations).toHaveLength(1);
});
