/** A small disk for a store that can be made full, read-only or taken away while processes use it; nothing stays mounted. */
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, open, rm, unlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** What can be wrong with a disk. */
export type DiskFault = 'full' | 'read-only' | 'away';

export interface StoreDisk {
  /** The disk as every process of the machine sees it. */
  readonly path: string;
  make(fault: DiskFault): Promise<void>;
  mend(fault: DiskFault): Promise<void>;
  remove(): Promise<void>;
}

/** Mounts the disk in a mount namespace of its own, whose processes' root leads to it from everywhere. */
export async function mountStoreDisk(): Promise<StoreDisk> {
  const folder = await mkdtemp(join(tmpdir(), 'cldctl-disk-'));
  const [disk, aside] = [join(folder, 'disk'), join(folder, 'aside')];
  await Promise.all([mkdir(disk), mkdir(aside)]);
  const isRoot = process.getuid?.() === 0;
  const holder = spawn(
    'unshare',
    [
      ...(isRoot ? ['--mount'] : ['--user', '--map-root-user', '--mount']),
      'sh',
      '-ec',
      'mount -t tmpfs -o size=16m none "$1"; echo mounted; exec sleep infinity',
      'sh',
      disk,
    ],
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const [said] = (await once(holder.stdout, 'data')) as [Buffer];
  if (said.toString().trim() !== 'mounted') throw new Error(`the disk: ${said.toString()}`);
  const pid = holder.pid ?? 0;
  const path = `/proc/${pid}/root${disk}`;
  const ballast = join(path, 'ballast');
  const inside = (...command: string[]): Promise<unknown> =>
    run('nsenter', [
      '-t',
      String(pid),
      ...(isRoot ? [] : ['-U', '--preserve-credentials']),
      '-m',
      ...command,
    ]);
  return {
    path,
    async make(fault) {
      if (fault === 'read-only') await inside('mount', '-o', 'remount,ro', disk);
      else if (fault === 'away') await inside('mount', '--move', disk, aside);
      else await fill(ballast);
    },
    async mend(fault) {
      if (fault === 'read-only') await inside('mount', '-o', 'remount,rw', disk);
      else if (fault === 'away') await inside('mount', '--move', aside, disk);
      else await unlink(ballast);
    },
    async remove() {
      holder.kill('SIGKILL');
      if (holder.exitCode === null && holder.signalCode === null) await once(holder, 'exit');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Writes until not one more byte fits. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'a');
  try {
    for (let size = 1 << 20; size >= 1;) {
      const wrote = await file.write(Buffer.alloc(size)).catch(() => undefined);
      if (wrote === undefined || wrote.bytesWritten < size) size = Math.floor(size / 16);
    }
  } finally {
    await file.close();
  }
}
