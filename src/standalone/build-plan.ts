/** What a module's image is built from: the Dockerfile, its context, and the digest that names both. */
import { createHash } from 'node:crypto';
import { readdir, readFile, readlink, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import { pack, type Pack } from 'tar-stream';
import type { Config } from '../config.js';
import { parsePulumiProject } from '../contract/pulumi-project.js';
import type { DetectedModule } from '../detect/detect-module.js';
import { detectPulumiDependencies } from '../detect/pulumi-dependencies.js';
import {
  renderOpentofuDockerfile,
  type OpentofuDockerfilePlan,
  type TargetPlatform,
} from '../dockerfile/opentofu-dockerfile.js';
import { renderPulumiDockerfile } from '../dockerfile/pulumi-dockerfile.js';
import { CodedError } from '../errors.js';

/** A build that is ready to be sent to an engine. */
export interface BuildPlan {
  readonly dockerfile: string;
  /** Path of the Dockerfile in the context. */
  readonly dockerfilePath: string;
  /** SHA-256 over sources, Dockerfile, base image and providers: the same digest needs no build. */
  readonly digest: string;
  /** Uncompressed tar. */
  context(): AsyncIterable<Uint8Array>;
}

interface ContextFile {
  /** Path in the context. */
  readonly name: string;
  /** Path on this machine, or the content itself. */
  readonly from: string | Buffer;
  readonly executable: boolean;
  readonly link?: string;
}

const EPOCH = new Date(0);
const GENERATED = '.cldctl.Dockerfile';
const CERTIFICATES = '.cldctl.certificates.pem';
const MODULE = 'module';
const MIRROR = 'mirror';

/** The base image of another platform than the engine's. */
export interface BuildTarget extends TargetPlatform {
  readonly id: string;
}

/** What an image is built on: a base image of ours, or what a Dockerfile of the module's own says. */
export type BuildBase =
  | { readonly reference: string; readonly id: string; readonly target?: BuildTarget }
  | { readonly dockerfile: string; readonly imageIds: readonly string[] };

/** Plans the build of a module. */
export async function planBuild(
  directory: string,
  detected: DetectedModule,
  base: BuildBase,
  config: Pick<Config, 'providerMirror'>,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<BuildPlan> {
  const own = 'dockerfile' in base;
  const files: ContextFile[] = detected.files
    .filter(({ path }) => path !== '.dockerignore')
    .map(({ path, executable, link }) => ({
      name: own ? path : `${MODULE}/${path}`,
      from: join(directory, path),
      executable,
      ...(link === undefined ? {} : { link }),
    }));
  let dockerfile: string;
  if (own) {
    dockerfile = base.dockerfile;
  } else if (detected.engine === 'opentofu') {
    const mirror = await providerMirror(config.providerMirror);
    files.push(...mirror.files);
    // A directory is not reached through a network.
    const extra = mirror.files.length > 0 ? undefined : await extraCertificates(environment);
    if (extra !== undefined) files.push(extra);
    dockerfile = renderOpentofuDockerfile({
      base: base.reference,
      module: MODULE,
      ...(mirror.plan === undefined ? {} : { mirror: mirror.plan }),
      ...(extra === undefined ? {} : { certificates: extra.name }),
      ...(base.target === undefined ? {} : { target: base.target }),
    });
  } else {
    const extra = await extraCertificates(environment);
    if (extra !== undefined) files.push(extra);
    const project = detected.entry ?? 'Pulumi.yaml';
    dockerfile = renderPulumiDockerfile({
      base: base.reference,
      module: MODULE,
      dependencies: detectPulumiDependencies(
        parsePulumiProject(await readFile(join(directory, project), 'utf8'), project),
        detected.files.map(({ path }) => path),
      ),
      ...(extra === undefined ? {} : { certificates: extra.name }),
    });
  }
  // What the build needs and the module does not: the engine keeps it out of COPY.
  const ignored = [GENERATED, '.dockerignore'].join('\n');
  files.push({ name: GENERATED, from: Buffer.from(dockerfile), executable: false });
  files.push({ name: '.dockerignore', from: Buffer.from(`${ignored}\n`), executable: false });
  const digest = createHash('sha256')
    .update(
      JSON.stringify({
        source: detected.sourceDigest,
        dockerfile,
        base: own ? base.imageIds : base.id,
        ...(own || base.target === undefined ? {} : { target: base.target.id }),
        others: await Promise.all(
          files.filter(({ name }) => name.startsWith(`${MIRROR}/`)).map(stamp),
        ),
      }),
    )
    .digest('hex');
  return {
    dockerfile,
    dockerfilePath: GENERATED,
    digest: `sha256:${digest}`,
    context: () => packContext(files),
  };
}

/** What Node trusts besides the public authorities, builds trust too. */
async function extraCertificates(
  environment: Readonly<Record<string, string | undefined>>,
): Promise<ContextFile | undefined> {
  const path = environment['NODE_EXTRA_CA_CERTS'];
  const from = path ? await readFile(path).catch(() => undefined) : undefined;
  return from === undefined ? undefined : { name: CERTIFICATES, from, executable: false };
}

async function providerMirror(
  place: string | undefined,
): Promise<{ plan?: OpentofuDockerfilePlan['mirror']; files: ContextFile[] }> {
  if (place === undefined) return { files: [] };
  if (/^https:\/\//.test(place)) return { plan: { url: place }, files: [] };
  const entries = await readdir(place, { recursive: true, withFileTypes: true }).catch(
    (error: unknown) => {
      throw new CodedError(
        'InvalidConfiguration',
        `CLDCTL_PROVIDER_MIRROR: ${place} can't be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
      );
    },
  );
  const files = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
    .sort()
    .map((from) => ({
      name: `${MIRROR}/${relative(place, from).split(sep).join('/')}`,
      from,
      executable: true,
    }));
  return { plan: { folder: MIRROR }, files };
}

/** Name, size and time of a provider: reading hundreds of megabytes to find nothing changed would cost more than the build. */
async function stamp({ name, from }: ContextFile): Promise<unknown[]> {
  if (typeof from !== 'string') return [name];
  const { size, mtimeMs } = await stat(from);
  return [name, size, mtimeMs];
}

async function* packContext(files: readonly ContextFile[]): AsyncGenerator<Uint8Array> {
  const tar = pack();
  // Waits for each entry to be taken: a mirror's providers don't fit in memory together.
  const add = (header: Parameters<Pack['entry']>[0], content?: Buffer): Promise<void> =>
    new Promise((done, fail) => {
      const ended = (error?: Error | null): void => (error ? fail(error) : done());
      if (content === undefined) tar.entry(header, ended);
      else tar.entry(header, content, ended);
    });
  const writing = (async () => {
    for (const { name, from, executable, link } of files) {
      if (link !== undefined) {
        await add({ name, type: 'symlink', linkname: await linkOf(from, link), mtime: EPOCH });
        continue;
      }
      const content = typeof from === 'string' ? await readFile(from) : from;
      await add({ name, mode: executable ? 0o755 : 0o644, mtime: EPOCH }, content);
    }
    tar.finalize();
  })();
  writing.catch((error: unknown) => tar.destroy(error as Error));
  for await (const chunk of tar) yield chunk as Uint8Array;
  await writing;
}

async function linkOf(from: string | Buffer, known: string): Promise<string> {
  return typeof from === 'string' ? readlink(from) : known;
}
