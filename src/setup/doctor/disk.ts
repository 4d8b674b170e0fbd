import { existsSync } from 'node:fs';
import { statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Config } from '../../config.js';
import { unusedEntries } from '../cache.js';
import type { Finding } from './finding.js';
import { readableSize } from './readable-size.js';

const neededGigabytes = 6;

/** Room for the cache of tools, and for Go's own caches when they are built; what of the cache nobody uses any more. */
export async function* checkDisk(config: Config): AsyncGenerator<Finding> {
  let directory = config.cacheDir;
  while (!existsSync(directory)) directory = dirname(directory);
  const { bavail, bsize } = await statfs(directory);
  const gigabytes = Math.floor((bavail * bsize) / 1e9);
  const found = `${gigabytes} GB free for ${config.cacheDir}`;
  yield gigabytes >= neededGigabytes
    ? { subject: 'disk', status: 'ok', found }
    : {
        subject: 'disk',
        status: 'missing',
        found,
        remedy: `make ${neededGigabytes} GB of room, or set CLDCTL_CACHE_DIR to a larger disk`,
      };
  for await (const { path, lastUsed, bytes } of unusedEntries(config.cacheDir))
    yield {
      subject: 'left in cache',
      status: 'left-over',
      found: `${path}: ${readableSize(bytes)}, last used ${lastUsed.toISOString().slice(0, 10)}`,
      bytes,
      remedy: `rm -r ${path}`,
    };
}
