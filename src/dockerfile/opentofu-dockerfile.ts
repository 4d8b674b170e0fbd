/** Dockerfile of an OpenTofu module: providers in a layer of their own, before the sources. */
import { certificateSteps } from './certificate-steps.js';
import { labelStep } from './label-step.js';

export interface OpentofuDockerfilePlan {
  /** Base image of OpenTofu. */
  readonly base: string;
  /** Folder of the build context with the module's files. */
  readonly module: string;
  /**
   * Where providers come from: an image with OpenTofu's filesystem-mirror layout at its root, or the URL of a network mirror.
   * Absent: the public registries.
   */
  readonly mirror?: { readonly image: string } | { readonly url: string };
  /** File of the build context with certificates that the network's sources are checked against besides the public ones. */
  readonly certificates?: string;
  /** What the image says of itself, whatever is in the module. */
  readonly labels: Readonly<Record<string, string>>;
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
/** What `requirements` leaves: its file, and the child modules that it downloaded. */
const REQUIREMENTS = '/requirements';
const CHILD_MODULES = '/child-modules';
const COPY_REQUIREMENTS = `COPY --from=requirements ${REQUIREMENTS} ${REQUIREMENTS}`;

/**
 * Renders the Dockerfile. The stage `requirements` downloads child modules and reduces the sources to what they need of providers, so that
 * a change of anything else leaves the layers with both as they are; it and `providers` alone reach a network, so that certificates, the
 * mirror and build caches stay behind in stages. What no source changes comes first: the classic builder commits every step anew after one.
 * For another platform the module is baked as for the engine's own, gets that platform's providers, and is copied onto its base image, in
 * which nothing is run.
 */
export function renderOpentofuDockerfile(plan: OpentofuDockerfilePlan): string {
  const { base, module, mirror, certificates, labels, target } = plan;
  const from = target === undefined ? 'FROM' : `FROM --platform=${target.buildPlatform}`;
  const source = mirror === undefined ? [] : ['url' in mirror ? mirror.url : '/mirror'];
  const isImage = mirror !== undefined && 'image' in mirror;
  // An image is not reached through a network.
  const reachSource = isImage ? ['COPY --from=mirror / /mirror'] : certificateSteps(certificates);
  const settings = ['WORKDIR /module', `ENTRYPOINT ["${ENTRYPOINT}"]`, labelStep(labels)];
  return `${[
    ...(isImage ? [`${from} ${mirror.image} AS mirror`, ''] : []),
    `${from} ${base} AS requirements`,
    'USER 0:0',
    ...certificateSteps(certificates),
    `COPY ${module} /module`,
    prepare('requirements', REQUIREMENTS, CHILD_MODULES),
    '',
    `${from} ${base} AS providers`,
    'USER 0:0',
    ...reachSource,
    COPY_REQUIREMENTS,
    prepare('providers', REQUIREMENTS, ...source),
    '',
    `${from} ${base}${target === undefined ? '' : ' AS module'}`,
    'USER 0:0',
    ...(target === undefined ? settings : []),
    `COPY --from=providers ${PREPARED} ${PREPARED}`,
    `COPY --from=requirements ${CHILD_MODULES} /module/.terraform/modules`,
    `COPY ${module} /module`,
    prepare('module'),
    ...(target === undefined ? [] : targetSteps(target, reachSource, source, settings)),
    'USER 10001:10001',
  ].join('\n')}\n`;
}

function targetSteps(
  { platform, base }: TargetPlatform,
  reachSource: readonly string[],
  source: readonly string[],
  settings: readonly string[],
): string[] {
  const results = [PREPARED, '/cldctl', '/module'];
  return [
    '',
    'FROM module AS target',
    ...reachSource,
    COPY_REQUIREMENTS,
    prepare('platform', platform.replace('/', '_'), REQUIREMENTS, ...source),
    '',
    `FROM --platform=${platform} ${base}`,
    'USER 0:0',
    ...settings,
    ...results.map((path) => `COPY --from=target ${path} ${path}`),
  ];
}

function prepare(...words: string[]): string {
  return `RUN ${JSON.stringify([ENTRYPOINT, 'prepare', 'opentofu', ...words])}`;
}
