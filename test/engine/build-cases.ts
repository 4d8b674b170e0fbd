/** What a build must do, whichever builder does it. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { packArchive } from '../../src/docker/archive.js';
import { buildImage, type BuildEvent, type ImageBuild } from '../../src/docker/build.js';
import type { Engine } from '../../src/docker/engine.js';
import { findImage, findImagesByLabel } from '../../src/docker/find-image.js';
import { testEngine, uniqueName } from '../support/test-engine.js';
import { tinyBase } from '../support/tiny-base.js';

export function buildCases(builder: Engine['builder']): void {
  describe(builder, () => {
    let engine: Engine;
    let base: string;
    const tags: string[] = [];

    beforeAll(async () => {
      engine = await testEngine();
      base = await tinyBase(engine);
    });
    afterAll(async () => {
      for (const tag of tags)
        await engine.docker
          .getImage(tag)
          .remove({ force: true })
          .catch(() => undefined);
    });

    const newTag = (): string => {
      const tag = `cldctl-test/build:${uniqueName(builder)}`;
      tags.push(tag);
      return tag;
    };
    const context = async (dockerfile: string, files: Record<string, string> = {}) =>
      packArchive(
        Object.entries({ Dockerfile: dockerfile, ...files }).map(([name, bytes]) => ({
          name,
          bytes,
          mode: 0o644,
          uid: 0,
          gid: 0,
        })),
      );
    const build = async (
      dockerfile: string,
      more: Partial<ImageBuild> = {},
      signal = new AbortController().signal,
      onEvent: (event: BuildEvent) => void = () => undefined,
    ) =>
      buildImage(
        engine,
        {
          context: await context(dockerfile, { 'a.txt': 'a' }),
          dockerfile: 'Dockerfile',
          tags: [newTag()],
          builder,
          ...more,
        },
        { signal, onEvent },
      );
    const containers = async (): Promise<Set<string>> =>
      new Set((await engine.docker.listContainers({ all: true })).map(({ Id }) => Id));

    test('gives the image, its tags and labels, and tells each step and line', async () => {
      const events: BuildEvent[] = [];
      const [first, second] = [newTag(), newTag()];
      const { imageId } = await build(
        `FROM ${base}\nARG WORD\nCOPY a.txt /a.txt\nRUN out ${first} says $WORD`,
        { tags: [first, second], labels: { 'dev.cldctl.test': first }, buildArgs: { WORD: 'hi' } },
        undefined,
        (event) => events.push(event),
      );
      expect(imageId).toMatch(/^sha256:[0-9a-f]{64}$/);
      expect((await findImage(engine, first))?.id).toBe(imageId);
      expect((await findImage(engine, second))?.id).toBe(imageId);
      expect(await findImagesByLabel(engine, 'dev.cldctl.test', first)).toEqual([imageId]);
      const steps = events.filter(({ type }) => type === 'step').map(({ message }) => message);
      expect(steps.some((step) => step.includes('RUN out'))).toBe(true);
      expect(events).toContainEqual({ type: 'log', message: expect.stringContaining('says') });
    });

    test('a failing step is named with its last lines, and leaves no container and no image', async () => {
      const before = await containers();
      const tag = newTag();
      const failing = build(`FROM ${base}\nRUN out one ${tag}; err two ; out three; exit 7`, {
        tags: [tag],
      });
      await expect(failing).rejects.toMatchObject({
        code: 'BuildFailed',
        message: expect.stringMatching(/RUN out one/) as string,
        detail: { logTail: expect.stringMatching(/one[^]*three/) as string },
      });
      expect(await findImage(engine, tag)).toBeUndefined();
      const left = [...(await containers())].filter((id) => !before.has(id));
      const ours = await Promise.all(
        left.map((id) =>
          engine.docker
            .getContainer(id)
            .inspect()
            .catch(() => undefined),
        ),
      );
      expect(ours.filter((found) => JSON.stringify(found?.Config ?? '').includes(tag))).toEqual([]);
    });

    test.each([
      ['an unknown instruction', 'NONSENSE x', /unknown instruction/i],
      ['a missing source', 'COPY nope /nope', /nope/],
    ])('%s is the build’s failure, in one line', async (_, line, message) => {
      await expect(build(`FROM ${base}\n${line}\n`)).rejects.toMatchObject({
        code: 'BuildFailed',
        message: expect.stringMatching(message) as string,
      });
    });

    test('a base image that no registry has is not called a failure of the module', async () => {
      await expect(build('FROM registry.invalid/nothing:1\n')).rejects.toMatchObject({
        code: 'RegistryUnavailable',
      });
    });

    test('a cancelled build stops at once and leaves no image and no container', async () => {
      const cancel = new AbortController();
      const tag = newTag();
      const dockerfile = `FROM ${base}\nRUN out begun ${tag}; sleep 60\n`;
      const started = Date.now();
      const running = build(dockerfile, { tags: [tag] }, cancel.signal, (event) => {
        if (event.type === 'log' && event.message.includes('begun')) cancel.abort();
      });
      await expect(running).rejects.toMatchObject({ name: 'AbortError' });
      expect(Date.now() - started).toBeLessThan(20_000);
      expect(await findImage(engine, tag)).toBeUndefined();
      const mentioning = async (): Promise<number> =>
        (await engine.docker.listContainers({ all: true })).filter(({ Command }) =>
          Command.includes(tag),
        ).length;
      await expect.poll(mentioning, { timeout: 20_000 }).toBe(0);
    });

    test('the same sources build the same image out of the cache', async () => {
      const dockerfile = `FROM ${base}\nCOPY a.txt /a.txt\n`;
      const first = await build(dockerfile);
      expect((await build(dockerfile)).imageId).toBe(first.imageId);
    });
  });
}
