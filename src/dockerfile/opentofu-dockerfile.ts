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
}

const ENTRYPOINT = '/cldctl-entrypoint';
/** What the preparation steps leave for the runs. */
const PREPARED = '/opt/cldctl';

/**
 * Renders the Dockerfile. The stage `requirements` reduces the sources to what they need of providers, so that a change
 * of anything else leaves the layer with the providers as it is; the mirror and build caches stay behind in stages.
 */
export function renderOpentofuDockerfile({
  base,
  module,
  mirror,
  certificates,
}: OpentofuDockerfilePlan): string {
  const source = mirror === undefined ? [] : ['url' in mirror ? mirror.url : '/mirror'];
  const copyMirror =
    mirror !== undefined && 'folder' in mirror ? [`COPY ${mirror.folder} /mirror`] : [];
  return `${[
    `FROM ${base} AS requirements`,
    'USER 0:0',
    `COPY ${module} /module`,
    prepare('requirements', '/requirements'),
    '',
    `FROM ${base} AS providers`,
    'USER 0:0',
    ...copyMirror,
    ...certificateSteps(certificates),
    'COPY --from=requirements /requirements /requirements',
    prepare('providers', '/requirements', ...source),
    '',
    `FROM ${base}`,
    'USER 0:0',
    `COPY --from=providers ${PREPARED} ${PREPARED}`,
    `COPY ${module} /module`,
    prepare('module'),
    'USER 10001:10001',
    'WORKDIR /module',
    `ENTRYPOINT ["${ENTRYPOINT}"]`,
  ].join('\n')}\n`;
}

function prepare(...words: string[]): string {
  return `RUN ${JSON.stringify([ENTRYPOINT, 'prepare', 'opentofu', ...words])}`;
}
