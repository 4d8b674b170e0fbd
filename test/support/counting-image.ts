/** Images whose tool tells the outside world of every SIGINT that reaches it. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { packArchive } from '../../src/docker/archive.js';
import { buildImage } from '../../src/docker/build.js';
import type { Engine } from '../../src/docker/engine.js';
import { findImage } from '../../src/docker/find-image.js';
import { interruptCounter } from './outside-provider.js';

const TOOLS = { opentofu: '/usr/local/bin/tofu', pulumi: '/pulumi/bin/pulumi' } as const;

/** A module image with `interrupt-counter` in the place of its tool; made once per image. */
export async function countingImage(
  engine: Engine,
  tool: keyof typeof TOOLS,
  image: string,
  signal: AbortSignal,
): Promise<string> {
  const path = TOOLS[tool];
  const counter = await readFile(await interruptCounter());
  const found = await findImage(engine, image);
  const digest = createHash('sha256')
    .update(found?.id ?? image)
    .update(counter)
    .digest('hex');
  const tag = `cldctl-test/counting:${digest.slice(0, 16)}`;
  if ((await findImage(engine, tag)) !== undefined) return tag;
  const dockerfile = [
    `FROM ${image}`,
    'USER 0:0',
    `RUN ["mv", "${path}", "${path}.real"]`,
    `COPY interrupt-counter ${path}`,
    'USER 10001:10001',
  ].join('\n');
  const root = { uid: 0, gid: 0 };
  const context = await packArchive([
    { name: 'Dockerfile', bytes: dockerfile, mode: 0o644, ...root },
    { name: 'interrupt-counter', bytes: counter, mode: 0o755, ...root },
  ]);
  await buildImage(engine, { context, dockerfile: 'Dockerfile', tags: [tag] }, { signal });
  return tag;
}
