import { parseReference } from '../docker/image-reference.js';
import { versions } from './versions.js';

/** Public images (and one download) that parts are taken from; each can be replaced by a mirror's name. */
export interface ImageNames {
  debian: string;
  opentofu: string;
  postgres: string;
  registry: string;
  /** Pulumi's command with all language hosts in `/pulumi/bin`. */
  pulumi: string;
  node: string;
  go: string;
  /** Base address of Temporal's command downloads; what follows is `/v1.5.1?platform=…&arch=…&format=tar.gz`. */
  temporalDownload: string;
}

/** The images' own public names. */
export const publicImageNames: ImageNames = {
  debian: `debian:${versions.debianSuite}-slim`,
  opentofu: `ghcr.io/opentofu/opentofu:${versions.opentofu}-minimal`,
  postgres: 'postgres:16',
  registry: 'registry:2.8.3',
  pulumi: `pulumi/pulumi-base:${versions.pulumi}`,
  node: `node:${versions.node}-${versions.debianSuite}-slim`,
  go: `golang:${versions.go}-${versions.debianSuite}`,
  temporalDownload: 'https://temporal.download/cli/archive',
};

/** Address of the registry that an image is pulled from. */
export function registryHost(image: string): string {
  const { host } = parseReference(image);
  return host === 'docker.io' ? 'registry-1.docker.io' : host;
}
