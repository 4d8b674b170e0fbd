import { createWriteStream, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { ReadableStream } from 'node:stream/web';
import { FailureError } from '../../failure-error.js';

/** What a network mirror has of a provider's version for one platform. */
export interface NetworkPackage {
  readonly url: URL;
  /** What the mirror says the package is; none: it says nothing. */
  readonly hashes: readonly string[];
}

/**
 * Asks a network mirror for a provider's package (OpenTofu's provider network mirror protocol); undefined when it has none for the platform.
 * The tool itself asks for its own platform only. Throws `InvalidModule` when the mirror does not answer as one.
 */
export async function findPackage(
  mirror: string,
  provider: { readonly address: string; readonly version: string },
  platform: string,
): Promise<NetworkPackage | undefined> {
  const base = mirror.endsWith('/') ? mirror : `${mirror}/`;
  const document = new URL(`${provider.address}/${provider.version}.json`, base);
  const answer = await get(document);
  if (answer.status === 404) return undefined;
  const { archives } = (await successful(answer, document)
    .json()
    .catch(() => {
      throw failure(document, 'it is no JSON');
    })) as { archives?: Readonly<Record<string, { url: string; hashes?: readonly string[] }>> };
  const found = archives?.[platform];
  if (found === undefined) return undefined;
  return { url: new URL(found.url, document), hashes: found.hashes ?? [] };
}

/** Downloads a package. Throws `InvalidModule`. */
export async function downloadPackage({ url }: NetworkPackage, target: string): Promise<void> {
  const { body } = successful(await get(url), url);
  if (body === null) throw failure(url, 'it is empty');
  mkdirSync(dirname(target), { recursive: true });
  await pipeline(Readable.fromWeb(body as ReadableStream), createWriteStream(target)).catch(
    (error: unknown) => {
      throw failure(url, (error as Error).message);
    },
  );
}

/** The entry of a lock file that holds a provider to some hashes. */
export function lockEntry(
  provider: { readonly address: string; readonly version: string },
  hashes: readonly string[],
): string {
  return `
provider ${JSON.stringify(provider.address)} {
  version = ${JSON.stringify(provider.version)}
  hashes  = ${JSON.stringify(hashes)}
}
`;
}

async function get(url: URL): Promise<Response> {
  try {
    return await fetch(url);
  } catch (error) {
    throw failure(url, (error as Error).message);
  }
}

function successful(answer: Response, url: URL): Response {
  if (!answer.ok) throw failure(url, `HTTP status ${answer.status}`);
  return answer;
}

function failure(url: URL, reason: string): FailureError {
  return new FailureError(
    'InvalidModule',
    `can't get ${url.href} from the provider mirror: ${reason}`,
  );
}
