import { existsSync } from 'node:fs';
import type { Config } from '../../config.js';
import { isRegistry } from '../choose-route.js';
import { publicImageNames, registryHost } from '../image-names.js';
import { runCommand } from '../run-command.js';
import type { Finding } from './finding.js';

const oldestGo = [1, 26, 6] as const;

/** Where parts of base images would come from: public images, or what building from source needs. */
export async function* checkSources(config: Config, signal: AbortSignal): AsyncGenerator<Finding> {
  const subject = 'source of parts';
  const host = registryHost(config.publicImages['debian'] ?? publicImageNames.debian);
  const reached = config.route !== 'source' && (await isRegistry(host, signal));
  if (reached) {
    yield { subject, status: 'ok', found: `public images (${host})` };
    return;
  }
  if (config.route === 'public') {
    yield {
      subject,
      status: 'missing',
      found: `${host} is not in reach`,
      remedy:
        'set CLDCTL_{DEBIAN,OPENTOFU,POSTGRES,REGISTRY}_IMAGE to a mirror, or CLDCTL_ROUTE=source',
    };
    return;
  }
  yield { subject, status: 'ok', found: `built from pinned sources (${host} is not used)` };
  yield await goFinding(signal);
  const debian = existsSync('/usr/sbin/debootstrap');
  yield {
    subject: 'debootstrap',
    status: debian ? 'ok' : 'optional',
    found: debian ? '/usr/sbin/debootstrap' : 'not installed',
    ...(debian ? {} : { remedy: 'apt-get install debootstrap (done by itself on Debian as root)' }),
  };
}

async function goFinding(signal: AbortSignal): Promise<Finding> {
  const remedy = `install Go ${oldestGo.join('.')} or newer (https://go.dev/dl)`;
  try {
    const found = (await runCommand('go', ['env', 'GOVERSION'], { signal })).trim();
    const version = found.replace(/^go/, '').split('.').map(Number);
    return atLeast(version, oldestGo)
      ? { subject: 'Go', status: 'ok', found }
      : { subject: 'Go', status: 'missing', found, remedy };
  } catch {
    return { subject: 'Go', status: 'missing', found: 'not installed', remedy };
  }
}

function atLeast(version: readonly number[], oldest: readonly number[]): boolean {
  for (const [index, wanted] of oldest.entries()) {
    const part = version[index] ?? 0;
    if (part !== wanted) return part > wanted;
  }
  return true;
}
