import { constants } from 'node:fs';
import { access, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../../config.js';
import type { Finding } from './finding.js';

/** The store, when it is a directory of this machine: whether it, or what it would be made in, can be written. */
export async function* checkStore(config: Config): AsyncGenerator<Finding> {
  const subject = 'store';
  if (!config.store.startsWith('file:')) {
    yield { subject, status: 'ok', found: config.store };
    return;
  }
  const directory = fileURLToPath(config.store);
  const existing = await nearestExisting(directory);
  try {
    await access(existing, constants.W_OK);
    if (!(await stat(existing)).isDirectory()) throw new Error(`${existing} is a file`);
    const found = existing === directory ? directory : `${directory}, made at first use`;
    yield { subject, status: 'ok', found };
  } catch {
    yield {
      subject,
      status: 'missing',
      found: `${existing} can't be written`,
      remedy: 'set CLDCTL_STORE=file:///… to a directory of this user',
    };
  }
}

async function nearestExisting(path: string): Promise<string> {
  try {
    await access(path);
    return path;
  } catch {
    return nearestExisting(dirname(path));
  }
}
