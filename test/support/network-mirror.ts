/** A static server that speaks OpenTofu's provider network mirror protocol, over TLS with a certificate of its own. */
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runCommand } from '../../src/setup/run-command.js';
import { bridgeAddress } from './bridge-address.js';
import { zipOfExecutable } from './zip-file.js';

export interface NetworkMirror {
  /** Reached from this machine and from containers on the default bridge. */
  readonly url: string;
  /** File with the certificate that the server is checked against. */
  readonly certificates: string;
  /** Hash of the archive for a platform, as lock files have it. */
  hash(platform: string): string;
  /** Paths whose content was asked for. */
  readonly requests: readonly string[];
  /** Gives other bytes than their hash says for archives with this in their names, or no more. */
  corrupt(archives: string | undefined): void;
  close(): Promise<void>;
}

/** Serves the providers of a directory in filesystem-mirror layout, and other files by their path; needs `openssl`. */
export async function startNetworkMirror(
  directory: string,
  more: Readonly<Record<string, Buffer>> = {},
): Promise<NetworkMirror> {
  const folder = await mkdtemp(join(tmpdir(), 'network-mirror-'));
  const host = (await bridgeAddress()) ?? '127.0.0.1';
  const [key, certificates] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
  await runCommand('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'],
    ...['-days', '2', '-subj', '/CN=mirror of a test', '-addext', `subjectAltName=IP:${host}`],
    ...['-keyout', key, '-out', certificates],
  ]);
  const files = new Map([...(await filesOf(directory)), ...Object.entries(more)]);
  const requests: string[] = [];
  let corrupted: string | undefined;
  const server = createServer(
    { key: await readFile(key), cert: await readFile(certificates) },
    ({ url = '/', method }, response) => {
      // A client may look before it downloads.
      if (method === 'GET') requests.push(url);
      const found = files.get(url);
      if (found === undefined) return void response.writeHead(404).end();
      const type = url.endsWith('.json') ? 'application/json' : 'application/zip';
      const other = corrupted !== undefined && url.includes(corrupted);
      response
        .writeHead(200, { 'content-type': type })
        .end(
          other ? zipOfExecutable('terraform-provider-outside_v1.0.0', Buffer.from('x')) : found,
        );
    },
  );
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, host, resolve);
  });
  return {
    url: `https://${host}:${(server.address() as AddressInfo).port}/providers/`,
    certificates,
    requests,
    hash: (platform) =>
      hashOf([...files].find(([path]) => path.endsWith(`_${platform}.zip`))?.[1] ?? Buffer.of()),
    corrupt: (archives) => (corrupted = archives),
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(folder, { recursive: true, force: true });
    },
  };
}

const hashOf = (archive: Buffer): string =>
  `zh:${createHash('sha256').update(archive).digest('hex')}`;

/** By path: of each provider `index.json`, `VERSION.json`, and an archive for each platform. */
async function filesOf(directory: string): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const archives: Record<string, Record<string, { url: string; hashes: string[] }>> = {};
  const json = (path: string, value: object): void =>
    void files.set(path, Buffer.from(JSON.stringify(value)));
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((each) => each.isFile())) {
    const path = join(entry.parentPath, entry.name);
    const [host, namespace, type, version = '', platform = ''] = path
      .slice(directory.length + 1)
      .split('/');
    const base = `/providers/${host}/${namespace}/${type}`;
    const url = `${entry.name}_${platform}.zip`;
    const zip = zipOfExecutable(entry.name, await readFile(path));
    const document = `${base}/${version}.json`;
    files.set(`${base}/${url}`, zip);
    json(`${base}/index.json`, { versions: { [version]: {} } });
    (archives[document] ??= {})[platform] = { url, hashes: [hashOf(zip)] };
    json(document, { archives: archives[document] });
  }
  return files;
}
