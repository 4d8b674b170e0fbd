/** Images of the table's modules: one base with the test provider, and two layers for each module. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { stringifyJson } from '../../src/contract/json.js';
import { packArchive, type ArchiveEntry } from '../../src/docker/archive.js';
import { buildImage } from '../../src/docker/build.js';
import type { Engine } from '../../src/docker/engine.js';
import { findImage } from '../../src/docker/find-image.js';
import type { Builder } from '../../src/standalone/builder.js';
import { writeModule } from '../support/tofu.js';
import type { Files } from './row.js';

const OWNER = { uid: 0, gid: 0, mode: 0o644 };
const REQUIREMENTS = {
  terraform: [{ required_providers: [{ outside: { source: 'cldctl/outside' } }] }],
};

/**
 * Gives the reference of an image of a module, built on `base` with providers from `mirror`. Images stay on the engine under a name that
 * says their content: a second run of the tests builds none.
 */
export function moduleImages(
  engine: Engine,
  base: string,
  mirror: string,
  signal: AbortSignal,
): (files: Files) => Promise<string> {
  const known = new Map<string, Promise<string>>();
  const image = async (
    from: string,
    entries: ArchiveEntry[],
    steps: readonly string[],
  ): Promise<string> => {
    const dockerfile = [`FROM ${from}`, 'USER 0:0', ...steps, 'USER 10001:10001', ''].join('\n');
    const context = await packArchive([
      ...entries,
      { name: 'Dockerfile', bytes: dockerfile, ...OWNER },
    ]);
    const digest = createHash('sha256').update(context).digest('hex').slice(0, 16);
    const tag = `cldctl-test/table:${digest}`;
    if ((await findImage(engine, tag)) !== undefined) return tag;
    await buildImage(engine, { context, dockerfile: 'Dockerfile', tags: [tag] }, { signal });
    return tag;
  };
  const prepared = (async () =>
    image(
      base,
      [
        ...(await directoryEntries(mirror, 'mirror')),
        { name: 'requirements/providers.tf.json', bytes: stringifyJson(REQUIREMENTS), ...OWNER },
      ],
      [
        'COPY mirror /mirror',
        'COPY requirements /requirements',
        'RUN ["/cldctl-entrypoint", "prepare", "opentofu", "providers", "/requirements", "/mirror"]',
        'LABEL dev.cldctl.contract=1 dev.cldctl.engine=opentofu',
      ],
    ))();
  prepared.catch(() => undefined);

  return (files) => {
    const entries = Object.entries(files).map(([name, bytes]) => ({
      name: `module/${name}`,
      bytes,
      ...OWNER,
    }));
    const key = stringifyJson(files);
    const made =
      known.get(key) ??
      prepared.then((from) =>
        image(from, entries, [
          'COPY module /module',
          'RUN ["/cldctl-entrypoint", "prepare", "opentofu", "module"]',
        ]),
      );
    known.set(key, made);
    return made;
  };
}

/** Gives the reference of an image as the product's builder makes it. */
export function builtImages(
  builder: Builder,
  signal: AbortSignal,
): (files: Files) => Promise<string> {
  const known = new Map<string, Promise<string>>();
  const build = async (files: Files, digest: string): Promise<string> => {
    const folder = await mkdtemp(join(tmpdir(), 'table-module-'));
    try {
      await writeModule(folder, files);
      const tag = `cldctl-test/table-built:${digest}`;
      return (await builder.build({ moduleDir: folder, tag, signal })).imageId;
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  };
  return (files) => {
    const digest = createHash('sha256').update(stringifyJson(files)).digest('hex').slice(0, 16);
    const made = known.get(digest) ?? build(files, digest);
    known.set(digest, made);
    return made;
  };
}

async function directoryEntries(directory: string, name: string): Promise<ArchiveEntry[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return Promise.all(
    entries
      .filter((entry) => entry.isFile())
      .map(async (entry) => {
        const path = join(entry.parentPath, entry.name);
        return {
          name: join(name, relative(directory, path)),
          bytes: await readFile(path),
          ...OWNER,
          mode: 0o755,
        };
      }),
  );
}
