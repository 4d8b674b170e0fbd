/** The Temporal server of `worker --dev`: at the usual ports, kept over restarts, with the search attributes. */
import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Config } from '../src/config.js';
import { CodedError } from '../src/errors.js';
import { prepareLocalSystem } from '../src/setup/prepare-local-system.js';
import { setupSettings } from '../src/setup/setup-settings.js';
import { startTemporalServer } from '../src/setup/temporal-server.js';
import type { CommandContext } from './command-context.js';
import { reportSteps } from './report-steps.js';

const PORT = 7233;
const UI_PORT = 8233;

/** Prepares base image and server, starts the server, and returns the configuration that names it. */
export async function startDevTemporal(
  config: Config,
  { terminal, signal }: CommandContext,
): Promise<{ readonly config: Config; stop(): Promise<void> }> {
  const store = new URL(config.store);
  if (store.protocol !== 'file:')
    throw new CodedError(
      'InvalidInput',
      '--dev keeps everything on this machine: CLDCTL_STORE must be file:///…',
    );
  const parts = await prepareLocalSystem({
    need: ['engine', 'temporal', 'opentofu'],
    ...setupSettings(config),
    signal,
    report: reportSteps(terminal),
  });
  const databaseFile = join(dirname(fileURLToPath(store)), 'temporal.db');
  await mkdir(dirname(databaseFile), { recursive: true, mode: 0o700 });
  terminal.progress.start('temporal', 'start Temporal');
  const server = await startTemporalServer({
    binary: parts.temporal,
    port: PORT,
    uiPort: UI_PORT,
    databaseFile,
    signal,
  });
  terminal.progress.end('temporal', 'done', `${server.address}, UI at ${server.uiUrl}`);
  return {
    config: {
      ...config,
      uiUrl: server.uiUrl,
      temporal: {
        connectionOptions: { address: server.address },
        address: server.address,
        namespace: 'default',
      },
    },
    stop: () => server.stop(),
  };
}
