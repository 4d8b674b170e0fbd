import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';

/** System calls that JavaScript has no function for; what can be done without does nothing where it can't be made. */
export interface NativeCalls {
  /** Closes `/proc/self/{environ,mem}` to the processes of the same user (`PR_SET_DUMPABLE` 0). */
  protectMemory(): void;
  /** Collects orphans that ended: as PID 1 they are ours, and each zombie counts against the limit of processes. */
  reapOrphans(own: ReadonlySet<number>): void;
  /** Makes a named pipe (0600). Throws when it can't. */
  makePipe(path: string): void;
  /** Asks for more room in a pipe. */
  enlargePipe(descriptor: number, bytes: number): void;
}

interface Library {
  readonly symbols: Record<string, (...values: (number | bigint | Buffer | null)[]) => number>;
}
interface ForeignFunctions {
  dlopen(name: string, symbols: Record<string, { args: string[]; returns: string }>): Library;
}

const PR_SET_DUMPABLE = 4;
const WNOHANG = 1;
const F_SETPIPE_SZ = 1031;

const NONE: NativeCalls = {
  protectMemory: () => undefined,
  reapOrphans: () => undefined,
  makePipe: (path) => void execFileSync('mkfifo', ['-m', '0600', path]),
  enlargePipe: () => undefined,
};

/** The calls through bun's FFI. Node, which has none, is for tests: pipes come from a command, the rest does nothing. */
export function loadNativeCalls(): NativeCalls {
  const runtime = (globalThis as { Bun?: { FFI?: ForeignFunctions } }).Bun?.FFI;
  if (runtime === undefined) return NONE;
  let symbols: Library['symbols'];
  try {
    symbols = runtime.dlopen('libc.so.6', {
      prctl: { args: ['i32', 'u64', 'u64', 'u64', 'u64'], returns: 'i32' },
      waitpid: { args: ['i32', 'ptr', 'i32'], returns: 'i32' },
      mkfifo: { args: ['ptr', 'u32'], returns: 'i32' },
      fcntl: { args: ['i32', 'i32', 'i32'], returns: 'i32' },
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
    makePipe: (path) => {
      if (symbols.mkfifo?.(Buffer.from(`${path}\0`), 0o600) !== 0)
        throw new Error(`${path}: a pipe can't be made there`);
    },
    enlargePipe: (descriptor, bytes) => symbols.fcntl?.(descriptor, F_SETPIPE_SZ, bytes),
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
