import { readdirSync, readFileSync } from 'node:fs';

/** System calls that JavaScript has no function for; each does nothing where it can't be made. */
export interface NativeCalls {
  /** Closes `/proc/self/{environ,mem}` to the processes of the same user (`PR_SET_DUMPABLE` 0). */
  protectMemory(): void;
  /** Collects orphans that ended: as PID 1 they are ours, and each zombie counts against the limit of processes. */
  reapOrphans(own: ReadonlySet<number>): void;
  /** Gives the disk space of `[0, length)` back while the rest of the file stays where it is. */
  releaseStart(descriptor: number, length: number): void;
}

interface Library {
  readonly symbols: Record<string, (...values: (number | bigint | null)[]) => number>;
}
interface ForeignFunctions {
  dlopen(name: string, symbols: Record<string, { args: string[]; returns: string }>): Library;
}

const PR_SET_DUMPABLE = 4;
const WNOHANG = 1;
/** `FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE` */
const PUNCH_HOLE = 3;

const NONE: NativeCalls = {
  protectMemory: () => undefined,
  reapOrphans: () => undefined,
  releaseStart: () => undefined,
};

/** The calls through bun's FFI; under Node, which has none, they do nothing. */
export function loadNativeCalls(): NativeCalls {
  const runtime = (globalThis as { Bun?: { FFI?: ForeignFunctions } }).Bun?.FFI;
  if (runtime === undefined) return NONE;
  let symbols: Library['symbols'];
  try {
    symbols = runtime.dlopen('libc.so.6', {
      prctl: { args: ['i32', 'u64', 'u64', 'u64', 'u64'], returns: 'i32' },
      waitpid: { args: ['i32', 'ptr', 'i32'], returns: 'i32' },
      fallocate: { args: ['i32', 'i32', 'i64', 'i64'], returns: 'i32' },
    }).symbols;
  } catch {
    return NONE;
  }
  return {
    protectMemory: () => symbols.prctl?.(PR_SET_DUMPABLE, 0n, 0n, 0n, 0n),
    reapOrphans: (own) => {
      if (process.pid !== 1) return;
      for (const pid of zombies()) if (!own.has(pid)) symbols.waitpid?.(pid, null, WNOHANG);
    },
    releaseStart: (descriptor, length) =>
      symbols.fallocate?.(descriptor, PUNCH_HOLE, 0n, BigInt(length)),
  };
}

function zombies(): number[] {
  const found: number[] = [];
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1');
      const [state, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
      if (state === 'Z' && parent === '1') found.push(Number(name));
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}
