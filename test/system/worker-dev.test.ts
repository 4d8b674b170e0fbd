/** `worker --dev` at its fixed ports, in a network of its own so that no other server is in its way. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { removeInstallation } from '../../src/docker/remove-installation.js';
import { packageRoot } from '../../src/setup/package-root.js';
import { openStore } from '../../src/store/open-store.js';
import { testEngine } from '../support/test-engine.js';

const program = join(packageRoot(), 'dist', 'command', 'main.js');

/** Starts it, asks it from another terminal, stops it, and does all that again. */
const SCRIPT = `
ip link set lo up
for round in 1 2; do
  coproc worker { exec node "$PROGRAM" worker --dev 2>&1; }
  while read -r line <&"\${worker[0]}"; do
    echo "$line"
    case "$line" in *'worker ready'*) break ;; esac
  done
  node "$PROGRAM" apply kept --module examples/service-settings --input service=shop --input token=t --approval auto
  node "$PROGRAM" list --json
  kill -INT "$worker_PID"
  wait "$worker_PID"
  echo "worker ended with $?"
done
`;

test('serves with everything it needs, and keeps it over a restart', async () => {
  const home = await mkdtemp(join(tmpdir(), 'cldctl-dev-'));
  try {
    const { PATH = '' } = process.env;
    const child = spawn('unshare', ['--net', 'bash', '-c', SCRIPT], {
      env: {
        PATH,
        HOME: home,
        PROGRAM: program,
        // What was fetched and built once; everything else is new.
        XDG_CACHE_HOME: process.env['XDG_CACHE_HOME'] ?? join(homedir(), '.cache'),
        CLDCTL_MODULES_ROOT: join(packageRoot(), 'examples'),
      },
      cwd: packageRoot(),
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let printed = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (printed += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (printed += text));
    const [exitCode] = (await once(child, 'close')) as [number | null];
    expect(exitCode, printed).toBe(0);
    expect(printed).toContain('UI at http://127.0.0.1:8233');
    await removeContainers(home);
    expect(printed.match(/worker ended with 0/g), printed).toHaveLength(2);
    expect(printed).toMatch(/Done: apply kept \(\d+ to add/);
    expect(printed).toContain('Nothing to do: apply kept');
    expect(printed.match(/"stackId":"kept"/g), printed).toHaveLength(2);
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}, 180_000);

/** A worker that ends leaves the container of a run to the next one, which here never comes. */
async function removeContainers(home: string): Promise<void> {
  const store = await openStore(loadConfig({ HOME: home }));
  const { installation } = store;
  store.close();
  await removeInstallation(await testEngine(), installation);
}
