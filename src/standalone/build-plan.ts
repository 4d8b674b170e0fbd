/** What a module's image is built from: the Dockerfile, its context, and the digest that names both. */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Config } from '../config.js';
import { parsePulumiProject } from '../contract/pulumi-project.js';
import { CONTRACT_VERSION } from '../contract/version.js';
import type { DetectedModule } from '../detect/detect-module.js';
import { detectPulumiDependencies } from '../detect/pulumi-dependencies.js';
import type { BuildEvent } from '../docker/build.js';
import type { Engine } from '../docker/engine.js';
import { LABEL } from '../docker/labels.js';
import { labelStep } from '../dockerfile/label-step.js';
import {
  renderOpentofuDockerfile,
  type TargetPlatform,
} from '../dockerfile/opentofu-dockerfile.js';
import { renderPulumiDockerfile } from '../dockerfile/pulumi-dockerfile.js';
import { packContext, type ContextFile } from './build-context.js';
import { providerSource } from './provider-source.js';

/** A build that is ready to be sent to an engine. */
export interface BuildPlan {
  readonly dockerfile: string;
  /** Path of the Dockerfile in the context. */
  readonly dockerfilePath: string;
  /** SHA-256 over sources, Dockerfile (which names the providers) and base image: the same digest needs no build. */
  readonly digest: string;
  /** What the engine has to add to the image: a generated Dockerfile says its labels itself, and so builds the same with any command. */
  readonly labels: Readonly<Record<string, string>>;
  /** Uncompressed tar. */
  context(): AsyncIterable<Uint8Array>;
}

const GENERATED = '.cldctl.Dockerfile';
const CERTIFICATES = '.cldctl.certificates.pem';
const MODULE = 'module';

/** The base image of another platform than the engine's. */
export interface BuildTarget extends TargetPlatform {
  readonly id: string;
}

/** What an image is built on: a base image of ours, or what a Dockerfile of the module's own says. */
export type BuildBase =
  | { readonly reference: string; readonly id: string; readonly target?: BuildTarget }
  | { readonly dockerfile: string; readonly imageIds: readonly string[] };

/** For whom and where it is planned; a mirror of providers may have to be made first. */
export interface PlanScope {
  readonly engine: Engine;
  readonly config: Pick<Config, 'providerMirror'>;
  readonly signal: AbortSignal;
  readonly onEvent?: (event: BuildEvent) => void;
}

/** Plans the build of a module. */
export async function planBuild(
  directory: string,
  detected: DetectedModule,
  base: BuildBase,
  environment: Readonly<Record<string, string | undefined>>,
  { config, ...scope }: PlanScope,
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
  const extra = own ? undefined : await extraCertificates(environment);
  if (extra !== undefined) files.push(extra);
  const labels = labelsOf(detected);
  const generated = {
    module: MODULE,
    labels: { [LABEL.contract]: String(CONTRACT_VERSION), ...labels },
    ...(extra === undefined ? {} : { certificates: extra.name }),
  };
  let dockerfile: string;
  if (own) {
    dockerfile = base.dockerfile;
  } else if (detected.engine === 'opentofu') {
    const mirror = await providerSource(config.providerMirror, scope);
    dockerfile = renderOpentofuDockerfile({
      base: base.reference,
      ...generated,
      ...(mirror === undefined ? {} : { mirror }),
      ...(base.target === undefined ? {} : { target: base.target }),
    });
  } else {
    const project = detected.entry ?? 'Pulumi.yaml';
    dockerfile = renderPulumiDockerfile({
      base: base.reference,
      ...generated,
      dependencies: detectPulumiDependencies(
        parsePulumiProject(await readFile(join(directory, project), 'utf8'), project),
        detected.files.map(({ path }) => path),
      ),
    });
  }
  const hash = createHash('sha256')
    .update(
      JSON.stringify({
        source: detected.sourceDigest,
        dockerfile,
        base: own ? base.imageIds : base.id,
        ...(own || base.target === undefined ? {} : { target: base.target.id }),
      }),
    )
    .digest('hex');
  const digest = `sha256:${hash}`;
  const sourceDigest = { [LABEL.sourceDigest]: digest };
  if (!own) dockerfile += `${labelStep(sourceDigest)}\n`;
  // What the build needs and the module does not: the engine keeps it out of COPY.
  const ignored = [GENERATED, '.dockerignore'].join('\n');
  const made: ContextFile[] = [
    { name: GENERATED, from: Buffer.from(dockerfile), executable: false },
    { name: '.dockerignore', from: Buffer.from(`${ignored}\n`), executable: false },
  ];
  return {
    dockerfile,
    dockerfilePath: GENERATED,
    digest,
    labels: own ? { ...labels, ...sourceDigest } : {},
    context: () => packContext([...made, ...files]),
  };
}

/** A Dockerfile of the module's own speaks the contract when it starts from a base image, whose label it then has. */
function labelsOf({ engine, runtime }: DetectedModule): Record<string, string> {
  return {
    [LABEL.engine]: engine,
    ...(runtime === undefined ? {} : { [LABEL.runtime]: runtime }),
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
