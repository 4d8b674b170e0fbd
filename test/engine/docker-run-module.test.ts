import { randomBytes } from 'node:crypto';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';
import { sizeOf, wholeOf } from '../../src/content.js';
import type { EntrypointEvent } from '../../src/contract/event.js';
import type { Engine } from '../../src/docker/engine.js';
import {
  inspectRun,
  removeFreedVolume,
  removeRun,
  removeVolume,
  signalRun,
} from '../../src/docker/inspect-run.js';
import {
  resolveLimits,
  type ModuleRun,
  type RunDependencies,
} from '../../src/docker/module-run.js';
import { readVolumeFiles } from '../../src/docker/read-files.js';
import { runModule } from '../../src/docker/run-module.js';
import { CONTRACT_CHANGES, scriptedImage } from '../support/scripted-image.js';
import { testEngine, uniqueName } from '../support/test-engine.js';

let engine: Engine;
let image: string;
const names: string[] = [];
const volumes: string[] = [];

beforeAll(async () => {
  engine = await testEngine();
  image = await scriptedImage(engine);
});
afterEach(async () => {
  for (const name of names.splice(0)) await removeRun(engine, name);
  for (const volume of volumes.splice(0)) await removeVolume(engine, volume);
});

const ANSWER = JSON.stringify({ success: true, action: 'apply', outputs: { a: { value: 1 } } });
const FAILURE = JSON.stringify({ success: false, action: 'apply', outputs: {}, error: 'no' });

function moduleRun(script: object[], more: Partial<ModuleRun> = {}): ModuleRun {
  const name = uniqueName('run');
  names.push(name);
  return {
    image,
    name,
    labels: {},
    request: {
      action: 'apply',
      inputs: { script: script as never },
      seal_key: randomBytes(32).toString('base64'),
    },
    files: {},
    workspace: { kind: 'anonymous' },
    limits: resolveLimits({ network: 'none' }),
    stopGraceMs: 5000,
    runTimeoutMs: 60_000,
    ...more,
  };
}

interface Watched extends RunDependencies {
  readonly lines: string[];
  readonly stamps: string[];
  readonly cancel: AbortController;
  readonly let: AbortController;
  /** Resolves when a line that contains the text has come. */
  line(text: string): Promise<void>;
}

function watched(): Watched {
  const lines: string[] = [];
  const stamps: string[] = [];
  const cancel = new AbortController();
  const letGo = new AbortController();
  const waiting: { text: string; done: () => void }[] = [];
  return {
    lines,
    stamps,
    cancel,
    let: letGo,
    signal: cancel.signal,
    letGo: letGo.signal,
    onEvent(event: EntrypointEvent, at: string) {
      if (event.type !== 'log') return;
      lines.push(event.message);
      stamps.push(at);
      for (const { text, done } of waiting) if (event.message.includes(text)) done();
    },
    line: (text) => new Promise((done) => waiting.push({ text, done })),
  };
}

describe('the ordinary path', () => {
  test('input goes in on stdin and the sealed frame comes back', async () => {
    const run = moduleRun(
      [
        { read: 'state/state' },
        { print: 'hello' },
        { frame: { 'output.json': ANSWER, plan: 'the plan', state: 'after' } },
      ],
      { files: { 'state/state': Buffer.from('before') } },
    );
    const deps = watched();
    const result = await runModule(engine, run, deps);
    expect(result).toMatchObject({
      exitCode: 0,
      collectedBy: 'frame',
      adopted: false,
      killed: false,
      response: { success: true, outputs: { a: { value: 1 } } },
    });
    expect((await wholeOf(result.files.plan!)).toString()).toBe('the plan');
    expect((await wholeOf(result.files.state!)).toString()).toBe('after');
    expect(deps.lines).toEqual(['read before', 'hello']);
  });

  test('the result is there at the complete frame, before the container has ended', async () => {
    const run = moduleRun([{ frame: { 'output.json': ANSWER } }, { sleep: 20_000 }]);
    const result = await runModule(engine, run, watched());
    expect(result.collectedBy).toBe('frame');
    expect((await inspectRun(engine, run.name))?.state).toBe('running');
  });

  test('a frame of the largest size arrives whole through the log driver', async () => {
    const run = moduleRun([{ frame: { 'output.json': ANSWER }, bytes: 180_000 }]);
    const result = await runModule(engine, run, watched());
    expect(sizeOf(result.files.plan!)).toBe(180_000);
  });

  test('a frame that a module made up is not the result', async () => {
    const run = moduleRun([
      { frame: { 'output.json': ANSWER }, wrongKey: true },
      { frame: { 'output.json': FAILURE }, exitCode: 1 },
    ]);
    const result = await runModule(engine, run, watched());
    expect(result.response.success).toBe(false);
  });

  test('without a frame the files are read out of the ended container', async () => {
    const run = moduleRun([
      { write: 'plan/plan', text: 'large plan' },
      {
        write: 'output.json',
        text: JSON.stringify({
          success: true,
          action: 'apply',
          outputs: {},
          plan: { path: 'plan/plan', digest: `sha256:${'0'.repeat(64)}`, size: 10 },
        }),
      },
      { exit: 0 },
    ]);
    const result = await runModule(engine, run, watched());
    expect(result).toMatchObject({ collectedBy: 'archive', exitCode: 0 });
    expect((await wholeOf(result.files.plan!)).toString()).toBe('large plan');
  });

  test('numbers that a double would round come through exactly', async () => {
    const text = '{"success":true,"action":"apply","outputs":{"n":{"value":12345678901234567890}}}';
    const run = moduleRun([{ frame: { 'output.json': text } }]);
    const { response } = await runModule(engine, run, watched());
    expect(String(response.outputs['n']?.value)).toBe('12345678901234567890');
  });
});

describe('what the container may do', () => {
  test('it is read-only, without capabilities, as uid 10001, alone and bounded', async () => {
    const run = moduleRun([{ frame: { 'output.json': ANSWER } }]);
    await runModule(engine, run, watched());
    const { Config, HostConfig } = await engine.docker.getContainer(run.name).inspect();
    expect(Config).toMatchObject({
      Hostname: run.name,
      User: '10001:10001',
      Entrypoint: ['/cldctl-entrypoint'],
      Cmd: null,
    });
    expect(HostConfig).toMatchObject({
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      NetworkMode: 'none',
      PidsLimit: 1024,
      Memory: 2 * 1024 ** 3,
      MemorySwap: 2 * 1024 ** 3,
      NanoCpus: 2e9,
      AutoRemove: false,
      Binds: null,
    });
    expect(HostConfig.LogConfig).toMatchObject({ Type: 'json-file', Config: { 'max-size': '1g' } });
  });

  test('variables of the image that would change the entrypoint are removed, others stay', async () => {
    const hostile = await scriptedImage(engine, [
      ...CONTRACT_CHANGES,
      'ENV BUN_BE_BUN=1 BUN_JSC_nope=1 NODE_OPTIONS=--nonsense LD_DEBUG=all MODULE_OWN=kept',
    ]);
    const deps = watched();
    const run = moduleRun([{ environment: true }, { frame: { 'output.json': ANSWER } }], {
      image: hostile,
    });
    await runModule(engine, run, deps);
    const line = deps.lines.find((text) => text.startsWith('environment ')) ?? '';
    const environment = JSON.parse(line.slice(12)) as Record<string, string>;
    expect(Object.keys(environment).filter((name) => /^(BUN|NODE|LD)_/.test(name))).toEqual([]);
    expect(environment).toMatchObject({ MODULE_OWN: 'kept', CLDCTL_INPUT: 'stdin' });
  });

  test("an image's own ENTRYPOINT does not win", async () => {
    const other = await scriptedImage(engine, [
      ...CONTRACT_CHANGES.slice(1),
      'ENTRYPOINT ["/other"]',
      'CMD ["--flag"]',
    ]);
    const run = moduleRun([{ frame: { 'output.json': ANSWER } }], { image: other });
    expect((await runModule(engine, run, watched())).response.success).toBe(true);
  });

  test('more cores than the engine has means all of them', async () => {
    const run = moduleRun([{ frame: { 'output.json': ANSWER } }], {
      limits: resolveLimits({ network: 'none', cpus: 1000 }),
    });
    expect((await runModule(engine, run, watched())).exitCode).toBe(0);
  });

  test('network internal has no way out and open has one', async () => {
    for (const network of ['internal', 'open'] as const) {
      const run = moduleRun([{ frame: { 'output.json': ANSWER } }], {
        limits: resolveLimits({ network }),
      });
      await runModule(engine, run, watched());
      const { NetworkMode } = (await engine.docker.getContainer(run.name).inspect()).HostConfig;
      const found = await engine.docker.getNetwork(NetworkMode ?? '').inspect();
      expect((found as { Internal: boolean }).Internal).toBe(network === 'internal');
    }
  });
});

describe('images', () => {
  test('one of the seed form gets its input as a file and is answered by a file', async () => {
    for (const changes of [['LABEL seed=1'], ['USER 4711:4711']]) {
      const seed = await scriptedImage(engine, changes);
      const run = moduleRun([{ write: 'output.json', text: ANSWER }, { exit: 0 }], { image: seed });
      const result = await runModule(engine, run, watched());
      expect(result).toMatchObject({ collectedBy: 'archive', response: { success: true } });
    }
  });

  test('one that the engine does not have is named', async () => {
    const run = moduleRun([], { image: 'cldctl-test/nowhere:1' });
    await expect(runModule(engine, run, watched())).rejects.toMatchObject({
      code: 'ModuleNotFound',
      message: expect.stringContaining('cldctl-test/nowhere:1') as string,
    });
  });

  test('one that speaks another contract version is refused before it starts', async () => {
    const other = await scriptedImage(engine, [
      ...CONTRACT_CHANGES,
      'LABEL dev.cldctl.contract=99',
    ]);
    const run = moduleRun([], { image: other });
    await expect(runModule(engine, run, watched())).rejects.toMatchObject({
      code: 'InvalidModule',
    });
    expect(await inspectRun(engine, run.name)).toBeUndefined();
  });

  test('one for another architecture is refused before it starts', async () => {
    const other = { ...engine, platform: 'linux/riscv64' };
    await expect(runModule(other, moduleRun([]), watched())).rejects.toMatchObject({
      code: 'InvalidModule',
      message: expect.stringMatching(
        /is for linux\/\w+, but the Docker engine runs linux\/riscv64/,
      ) as string,
    });
  });
});

describe('answers that are not believed', () => {
  const cases: [string, object[], string, RegExp][] = [
    [
      'no output.json',
      [{ print: 'last words' }, { exit: 0 }],
      'InvalidOutput',
      /no .*output\.json/,
    ],
    [
      'cut off',
      [{ write: 'output.json', text: '{"succ' }, { exit: 0 }],
      'InvalidOutput',
      /not JSON/,
    ],
    [
      'not an answer',
      [{ write: 'output.json', text: '[]' }, { exit: 0 }],
      'InvalidOutput',
      /not an answer/,
    ],
    [
      'success with exit 1',
      [{ write: 'output.json', text: ANSWER }, { exit: 1 }],
      'InvalidOutput',
      /agree/,
    ],
    [
      'failure with exit 0',
      [{ write: 'output.json', text: FAILURE }, { exit: 0 }],
      'InvalidOutput',
      /agree/,
    ],
    ['a folder', [{ write: 'output.json/x', text: '' }, { exit: 0 }], 'InvalidOutput', /directory/],
    [
      'a file elsewhere',
      [
        {
          write: 'output.json',
          text: JSON.stringify({
            success: true,
            action: 'apply',
            state: { fingerprint: null, path: '../etc/passwd' },
          }),
        },
        { exit: 0 },
      ],
      'InvalidOutput',
      /outside/,
    ],
    ['input not whole', [{ exit: 75 }], 'ContainerLost', /nothing was run/],
  ];
  test.each(cases)('%s', async (_, script, code, message) => {
    const failing = runModule(engine, moduleRun(script), watched());
    await expect(failing).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as string,
    });
  });

  test('the error carries exit code and last lines', async () => {
    const run = moduleRun([{ print: 'a' }, { print: 'last words', stream: 'stderr' }, { exit: 3 }]);
    await expect(runModule(engine, run, watched())).rejects.toMatchObject({
      detail: { exitCode: 3, logTail: expect.stringContaining('last words') as string },
    });
  });

  test('out of memory is named', async () => {
    const run = moduleRun([{ spin: 600 * 1024 * 1024 }, { sleep: 5000 }], {
      limits: resolveLimits({ network: 'none', memory: 96 * 1024 * 1024 }),
    });
    await expect(runModule(engine, run, watched())).rejects.toMatchObject({
      code: 'ModuleFailed',
      message: expect.stringContaining('out of memory') as string,
    });
  });
});

describe('stopping', () => {
  test('cancel sends one SIGINT and the answer is still collected', async () => {
    const run = moduleRun([{ print: 'working' }, { sleep: 30_000 }]);
    const deps = watched();
    void deps.line('working').then(() => deps.cancel.abort());
    const result = await runModule(engine, run, deps);
    expect(result).toMatchObject({ exitCode: 130, stopped: 'cancelled', killed: false });
    expect(deps.lines).toEqual(['working', 'signal 1']);
  });

  test('what does not end within the grace is killed, and that is told', async () => {
    const run = moduleRun([{ signals: 'ignore' }, { print: 'working' }, { sleep: 30_000 }], {
      stopGraceMs: 300,
    });
    const deps = watched();
    void deps.line('working').then(() => deps.cancel.abort());
    await expect(runModule(engine, run, deps)).rejects.toMatchObject({
      code: 'OutcomeUnknown',
      message: expect.stringContaining('grace') as string,
    });
    expect(deps.lines.filter((line) => line.startsWith('signal'))).toEqual(['signal 1']);
  });

  test.each([
    ['seed', ['LABEL seed=1'], 1],
    ['contract', CONTRACT_CHANGES, 2],
  ] as const)(
    'a silent container of the form %s is asked once, or again where only the first is passed on',
    async (_form, changes, signals) => {
      // Where the entrypoint is not ours the tool itself may be what gets it, and a second one makes it drop its work.
      const run = moduleRun(
        [{ signals: 'quiet' }, { write: 'ready' }, { sleep: 4000 }, { told: true }, { exit: 1 }],
        { image: await scriptedImage(engine, changes) },
      );
      const deps = watched();
      const ended = runModule(engine, run, deps).catch(() => undefined);
      const ready = (): Promise<boolean> =>
        engine.docker
          .getContainer(run.name)
          .getArchive({ path: '/workspace/ready' })
          .then((archive) => (archive.resume(), true))
          .catch(() => false);
      await expect.poll(ready, { timeout: 20_000 }).toBe(true);
      deps.cancel.abort();
      await ended;
      expect(deps.lines).toContain(`told ${signals}`);
    },
  );

  test('a run that takes too long is stopped the same way', async () => {
    const run = moduleRun([{ sleep: 30_000 }], { runTimeoutMs: 1500 });
    const result = await runModule(engine, run, watched());
    expect(result).toMatchObject({ exitCode: 130, stopped: 'timeout' });
  });

  test('a run that was cancelled before it started leaves no container', async () => {
    const run = moduleRun([{ sleep: 30_000 }]);
    const deps = watched();
    const onStarted = (): void => deps.cancel.abort();
    await expect(runModule(engine, run, { ...deps, onStarted })).rejects.toMatchObject({
      name: 'AbortError',
    });
    expect(await inspectRun(engine, run.name)).toBeUndefined();
  });

  test('a container that somebody kills or removes is lost, not failed', async () => {
    const ends: ((name: string) => Promise<unknown>)[] = [
      (name) => signalRun(engine, name, 'SIGKILL'),
      (name) => removeRun(engine, name),
    ];
    for (const end of ends) {
      const run = moduleRun([{ print: 'working' }, { sleep: 30_000 }]);
      const deps = watched();
      void deps.line('working').then(async () => void (await end(run.name)));
      await expect(runModule(engine, run, deps)).rejects.toMatchObject({ code: 'ContainerLost' });
    }
  });
});

describe('adoption', () => {
  test('a run that was let go goes on, and is followed without a lost or repeated line', async () => {
    const run = moduleRun([
      { print: 'one' },
      { sleep: 1500 },
      { print: 'two' },
      { frame: { 'output.json': ANSWER } },
    ]);
    const first = watched();
    void first.line('one').then(() => first.let.abort());
    await expect(runModule(engine, run, first)).rejects.toMatchObject({ name: 'AbortError' });
    expect((await inspectRun(engine, run.name))?.state).toBe('running');
    const second = watched();
    let started = 0;
    const again = { ...run, logsAfter: first.stamps.at(-1) ?? '' };
    const result = await runModule(engine, again, {
      ...second,
      onStarted: () => void (started += 1),
    });
    expect(result).toMatchObject({ adopted: true, collectedBy: 'frame' });
    expect([...first.lines, ...second.lines]).toEqual(['one', 'two']);
    expect(started).toBe(0);
  });

  test('a run that ended meanwhile is collected and never started again', async () => {
    const run = moduleRun([{ print: 'once' }, { write: 'output.json', text: ANSWER }, { exit: 0 }]);
    await runModule(engine, run, watched());
    const before = await inspectRun(engine, run.name);
    const result = await runModule(engine, { ...run, adoptOnly: true }, watched());
    expect(result).toMatchObject({ adopted: true, response: { success: true } });
    expect((await inspectRun(engine, run.name))?.startedAt).toBe(before?.startedAt);
  });

  test('a container that was created and not started is started once', async () => {
    const run = moduleRun([{ frame: { 'output.json': ANSWER } }]);
    const dying = new Error('worker died');
    await expect(
      runModule(engine, run, { ...watched(), onStarted: () => Promise.reject(dying) }),
    ).rejects.toBe(dying);
    expect((await inspectRun(engine, run.name))?.state).toBe('created');
    const result = await runModule(engine, run, watched());
    expect(result).toMatchObject({ adopted: true, response: { success: true } });
  });

  test('four calls at once make one container', async () => {
    const run = moduleRun([
      { print: 'once' },
      { sleep: 500 },
      { frame: { 'output.json': ANSWER } },
    ]);
    let created = 0;
    const calls = [1, 2, 3, 4].map(() =>
      runModule(engine, run, { ...watched(), onStarted: () => void (created += 1) }),
    );
    const results = await Promise.all(calls);
    expect(results.every(({ response }) => response.success)).toBe(true);
    expect(new Set(results.map(({ containerId }) => containerId)).size).toBe(1);
  });

  test("another run's container of that name is left alone", async () => {
    const run = moduleRun([{ frame: { 'output.json': ANSWER } }]);
    await runModule(engine, run, watched());
    const other = { ...run, labels: { 'dev.cldctl.plan-digest': 'sha256:other' } };
    await expect(runModule(engine, other, watched())).rejects.toMatchObject({
      code: 'OutcomeUnknown',
    });
    expect(await inspectRun(engine, run.name)).toBeDefined();
  });

  test('nothing to adopt is said, and nothing is created', async () => {
    const run = moduleRun([], { adoptOnly: true });
    await expect(runModule(engine, run, watched())).rejects.toMatchObject({
      code: 'ContainerLost',
    });
  });
});

describe('output', () => {
  test('a flood of lines comes whole and in order', async () => {
    const run = moduleRun([{ lines: 30_000, text: 'line' }, { frame: { 'output.json': ANSWER } }]);
    const deps = watched();
    await runModule(engine, run, deps);
    expect(deps.lines.length).toBe(30_000);
    expect(deps.lines.at(-1)).toBe('line 29999');
  });

  test('a line that the log driver stores in pieces comes whole', async () => {
    const long = '0123456789'.repeat(9000);
    const run = moduleRun([
      { print: long },
      { print: 'ä€😀' },
      { frame: { 'output.json': ANSWER } },
    ]);
    const deps = watched();
    await runModule(engine, run, deps);
    expect(deps.lines[0] === long).toBe(true);
    expect(deps.lines[1]).toBe('ä€😀');
  });

  test('the answer in clear counts when /workspace could not be written', async () => {
    const output = `{"type":"output","output":${ANSWER}}`;
    const result = await runModule(engine, moduleRun([{ print: output }, { exit: 74 }]), watched());
    expect(result).toMatchObject({ exitCode: 74, response: { success: true } });
  });

  test('so does the sealed one, with the state that could be written nowhere', async () => {
    const files = { 'output.json': ANSWER, state: 'rescued' };
    const run = moduleRun([{ frame: files, exitCode: 74 }, { exit: 74 }]);
    const { response, files: given } = await runModule(engine, run, watched());
    expect(response.success).toBe(true);
    expect((await wholeOf(given.state!)).toString()).toBe('rescued');
  });
});

test('a named volume outlives its container and can be read without one', async () => {
  const volume = uniqueName('volume');
  volumes.push(volume);
  const run = moduleRun([{ write: 'state/state', text: 'kept' }, { exit: 3 }], {
    workspace: { kind: 'volume', name: volume },
  });
  await expect(runModule(engine, run, watched())).rejects.toMatchObject({ code: 'InvalidOutput' });
  await removeRun(engine, run.name);
  const files = await readVolumeFiles(engine, { volume, image }, ['state/state', 'missing']);
  expect(files?.['state/state']?.toString()).toBe('kept');
  expect(Object.keys(files ?? {})).toEqual(['state/state']);
  expect(await readVolumeFiles(engine, { volume: `${volume}-x`, image }, ['a'])).toBeUndefined();
});

test('a volume whose container is being removed by somebody else is removed when that is through', async () => {
  const volume = uniqueName('freed');
  volumes.push(volume);
  const run = moduleRun([{ exit: 3 }], { workspace: { kind: 'volume', name: volume } });
  await expect(runModule(engine, run, watched())).rejects.toMatchObject({ code: 'InvalidOutput' });
  await expect(removeVolume(engine, volume)).rejects.toThrow('volume is in use');
  const freed = removeFreedVolume(engine, volume);
  await removeRun(engine, run.name);
  await freed;
  expect(await readVolumeFiles(engine, { volume, image }, ['a'])).toBeUndefined();
});
