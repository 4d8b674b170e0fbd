/** A store in a folder of its own, removed after the test. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { openStore, type Store } from '../../../src/store/open-store.js';

/** An empty folder that is removed after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'cldctl-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** A new store with a new master key. */
export async function openTestStore(): Promise<Store> {
  const folder = await temporaryFolder();
  return openStore({ store: `file://${folder}/store`, allowCreate: true });
}
