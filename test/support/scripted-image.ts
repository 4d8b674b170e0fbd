/** Images around the scripted entrypoint: a root file system with it and the C library, nothing else. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { packArchive, type ArchiveEntry } from '../../src/docker/archive.js';
import type { Engine } from '../../src/docker/engine.js';

const run = promisify(execFile);
const here = dirname(fileURLToPath(import.meta.url));
const root = join(here, '..', '..');

/** Lines of a Dockerfile that make the image one of the contract. */
export const CONTRACT_CHANGES = [
  'ENTRYPOINT ["/cldctl-entrypoint"]',
  'LABEL dev.cldctl.contract=1',
  'LABEL dev.cldctl.engine=opentofu',
  'USER 10001:10001',
];

/**
 * Gives the reference of an image with the scripted entrypoint, made once per engine and content.
 * `changes` are Dockerfile lines; the default makes it an image of the contract.
 */
export async function scriptedImage(
  engine: Engine,
  changes: readonly string[] = CONTRACT_CHANGES,
): Promise<string> {
  const source = join(here, 'scripted', 'entrypoint.ts');
  const digest = createHash('sha256')
    .update(await readFile(source))
    .update(JSON.stringify(changes))
    .update('3')
    .digest('hex')
    .slice(0, 12);
  const reference = `cldctl-test/scripted:${digest}`;
  const present = await engine.docker
    .getImage(reference)
    .inspect()
    .catch(() => undefined);
  if (present !== undefined) return reference;

  const folder = await mkdtemp(join(tmpdir(), 'scripted-'));
  try {
    const executable = join(folder, 'cldctl-entrypoint');
    await run(join(root, 'node_modules', '.bin', 'bun'), [
      'build',
      '--compile',
      '--no-compile-autoload-dotenv',
      '--no-compile-autoload-bunfig',
      `--outfile=${executable}`,
      source,
    ]);
    const owner = { uid: 0, gid: 0, mode: 0o755 };
    const module = { uid: 10001, gid: 10001, mode: 0o700 };
    const entries: ArchiveEntry[] = [
      { name: 'module/', type: 'directory', ...owner },
      { name: 'workspace/', type: 'directory', ...module },
      { name: 'cldctl-entrypoint', bytes: await readFile(executable), ...owner },
      {
        name: 'cldctl/module.json',
        bytes: JSON.stringify({
          engine: 'opentofu',
          variables: { script: { required: true } },
          outputs: {},
        }),
        ...owner,
      },
      ...(await libraries(executable, owner)),
    ];
    const body = await packArchive(entries);
    const [repo, tag] = reference.split(':');
    const stream = await engine.docker.importImage(Readable.from([body]), {
      repo,
      tag,
      changes,
    } as object);
    for await (const _ of stream) void _;
    return reference;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function libraries(
  executable: string,
  owner: Pick<ArchiveEntry, 'uid' | 'gid' | 'mode'>,
): Promise<ArchiveEntry[]> {
  const { stdout } = await run('ldd', [executable]);
  const paths = [...stdout.matchAll(/(\/\S+)\s+\(0x/g)].map((match) => match[1] ?? '');
  return Promise.all(
    paths.map(async (path) => ({
      name: path.slice(1),
      bytes: await readFile(await realpath(path)),
      ...owner,
    })),
  );
}
