import type { Config } from '../config.js';
import { checkDisk } from './doctor/disk.js';
import { checkDocker } from './doctor/docker.js';
import { checkLeftOvers } from './doctor/left-overs.js';
import { checkNode } from './doctor/node.js';
import { checkRegistry } from './doctor/registry.js';
import { checkSources } from './doctor/sources.js';
import { checkStore } from './doctor/store.js';
import { checkTemporal } from './doctor/temporal.js';
import type { Finding } from './doctor/finding.js';

export type { Finding } from './doctor/finding.js';

/** Looks at everything that operations need on this machine, and yields a finding for each; changes nothing and never throws for what it finds. */
export async function* diagnose(
  config: Config,
  signal: AbortSignal = new AbortController().signal,
): AsyncGenerator<Finding> {
  const checks = [
    checkNode,
    checkDocker,
    checkTemporal,
    checkStore,
    checkRegistry,
    checkSources,
    checkDisk,
    checkLeftOvers,
  ];
  for (const check of checks) {
    signal.throwIfAborted();
    yield* check(config, signal);
  }
}
