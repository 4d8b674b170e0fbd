/** Manifests of images in a registry: which image an index has for a platform, and an index over images of several. */
import { createHash } from 'node:crypto';
import { CodedError } from '../errors.js';
import type { Engine } from './engine.js';
import { parseReference } from './image-reference.js';
import { describeManifest, type Transfer } from './push.js';
import { registryRequest } from './registry-request.js';

const OCI = {
  manifest: 'application/vnd.oci.image.manifest.v1+json',
  index: 'application/vnd.oci.image.index.v1+json',
};
const DOCKER_LIST = 'application/vnd.docker.distribution.manifest.list.v2+json';

interface IndexEntry {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly platform: { readonly os: string; readonly architecture: string };
}

/**
 * Puts an index over pushed images under the tag of `reference`: whoever pulls the tag gets the image of their platform. The tag appears
 * with the index and not before. Throws as `pushImage`.
 */
export async function pushIndex(
  engine: Engine,
  { reference, auth, images }: Transfer & { readonly images: readonly PlatformImage[] },
  { signal }: { signal: AbortSignal },
): Promise<{ digest: string; reference: string }> {
  const { repository, tag = 'latest' } = parseReference(reference);
  const manifests: IndexEntry[] = [];
  for (const image of images) {
    const { mediaType, digest, size } = await describeManifest(engine, {
      reference: image.reference,
      auth,
    });
    const [os = '', architecture = ''] = image.platform.split('/');
    manifests.push({ mediaType, digest, size, platform: { os, architecture } });
  }
  // Some registries refuse an index of one kind over manifests of the other.
  const mediaType = manifests.every((entry) => entry.mediaType === OCI.manifest)
    ? OCI.index
    : DOCKER_LIST;
  const body = JSON.stringify({ schemaVersion: 2, mediaType, manifests });
  const request = {
    method: 'PUT',
    path: `manifests/${tag}`,
    headers: { 'content-type': mediaType },
    body,
  } as const;
  const answer = await registryRequest(engine, { reference, auth }, request, signal);
  await answer.body?.cancel();
  const digest = `sha256:${createHash('sha256').update(body).digest('hex')}`;
  return { digest, reference: `${repository}@${digest}` };
}

/** An image in a registry by digest, and the platform it is for. */
export interface PlatformImage {
  readonly reference: string;
  readonly platform: string;
}

/**
 * The reference by digest of the image for a platform, to be pulled without moving a tag that the engine's own platform has. Throws
 * `ModuleNotFound` when there is none for it, and as `pushImage`.
 */
export async function platformReference(
  engine: Engine,
  { reference, auth }: Transfer,
  platform: string,
  signal: AbortSignal,
): Promise<string> {
  const { repository, tag = 'latest', digest } = parseReference(reference);
  const request = {
    method: 'GET',
    path: `manifests/${digest ?? tag}`,
    headers: { accept: [OCI.index, DOCKER_LIST].join(', ') },
  } as const;
  const answer = await registryRequest(engine, { reference, auth }, request, signal);
  const { manifests = [] } = (await answer.json()) as { manifests?: readonly IndexEntry[] };
  const found = manifests.find(
    ({ platform: { os, architecture } }) => `${os}/${architecture}` === platform,
  );
  if (found === undefined)
    throw new CodedError('ModuleNotFound', `${reference} has no image for ${platform}`);
  return `${repository}@${found.digest}`;
}
