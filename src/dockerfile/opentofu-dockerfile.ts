/** Dockerfile of an OpenTofu module: providers in a layer of their own, before the sources. */
import { certificateSteps } from './certificate-steps.js';

export interface OpentofuDockerfilePlan {
  /** Base image of OpenTofu. */
  readonly base: string;
  /** Folder of the build context with the module's files. */
  readonly module: string;
  /**
   * Where providers come from: a folder of the build context in OpenTofu's filesystem-mirror layout, or the URL of a network mirror.
   * Absent: the public registries.
   */
  readonly mirror?: { readonly folder: string } | { readonly url: string };
  /** File of the build context with certificates that the network's sources are checked against besides the public ones. */
  readonly certificates?: string;
  /** A platform that the engine doesn't run, to build for. */
  readonly target?: TargetPlatform;
}

/** What the image of another platform than the engine's is made with. */
export interface TargetPlatform {
  /** `os/architecture` of the image. */
  readonly platform: string;
  /** Base image of that platform. */
  readonly base: string;
  /** The engine's own platform, which everything is run on. */
  readonly buildPlatform: string;
}

const ENTRYPOINT = '/cldctl-entrypoint';
/** What the preparation steps leave for the runs. */
const PREPARED = '/opt/cldctl';
const FINAL = ['USER 10001:10001', 'WORKDIR /module', `ENTRYPOINT ["${ENTRYPOINT}"]`];

/**
 * Renders the Dockerfile. The stage `requirements` reduces the sources to what they need of providers, so that a change
 * of anything else leaves the layer with the providers as it is; the mirror and build caches stay behind in stages.
 * For another platform the module is baked as for the engine's own, gets that platform's providers, and is copied onto its base image, in
 * which nothing is run.
 */
export function renderOpentofuDockerfile(plan: OpentofuDockerfilePlan): string {
  const { base, module, mirror, certificates, target } = plan;
  const from = target === undefined ? 'FROM' : `FROM --platform=${target.buildPlatform}`;
  const source = mirror === undefined ? [] : ['url' in mirror ? mirror.url : '/mirror'];
  const reachSource = [
    ...(mirror !== undefined && 'folder' in mirror ? [`COPY ${mirror.folder} /mirror`] : []),
    ...certificateSteps(certificates),
  ];
  return `${[
    `${from} ${base} AS requirements`,
    'USER 0:0',
    `COPY ${module} /module`,
    prepare('requirements', '/requirements'),
    '',
    `${from} ${base} AS providers`,
    'USER 0:0',
    ...reachSource,
    'COPY --from=requirements /requirements /requirements',
    prepare('providers', '/requirements', ...source),
    '',
    `${from} ${base}${target === undefined ? '' : ' AS module'}`,
    'USER 0:0',
    `COPY --from=providers ${PREPARED} ${PREPARED}`,
    `COPY ${module} /module`,
    prepare('module'),
    ...(target === undefined ? FINAL : targetSteps(target, reachSource, source)),
  ].join('\n')}\n`;
}

function targetSteps(
  { platform, base }: TargetPlatform,
  reachSource: readonly string[],
  source: readonly string[],
): string[] {
  const results = [PREPARED, '/cldctl', '/module'];
  return [
    '',
    'FROM module AS target',
    ...reachSource,
    'COPY --from=requirements /requirements /requirements',
    prepare('platform', platform.replace('/', '_'), '/requirements', ...source),
    '',
    `FROM --platform=${platform} ${base}`,
    'USER 0:0',
    ...results.map((path) => `COPY --from=target ${path} ${path}`),
    ...FINAL,
  ];
}

function prepare(...words: string[]): string {
  return `RUN ${JSON.stringify([ENTRYPOINT, 'prepare', 'opentofu', ...words])}`;
}
