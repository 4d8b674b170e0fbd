import { readFileSync } from 'node:fs';
import { execFileSync } from 'node:child_process';

/** A process, told from a later one with the same id by its start time (in the unit of the operating system; compare only). */
export interface ProcessIdentity {
  pid: number;
  startedAt: string;
}

/** Identity of a running process, or `undefined` when there is none with this id. */
export function processIdentity(pid: number): ProcessIdentity | undefined {
  const startedAt = process.platform === 'linux' ? linuxStartTime(pid) : otherStartTime(pid);
  return startedAt === undefined ? undefined : { pid, startedAt };
}

/** Whether the process that `identity` was taken from still runs. */
export function isAlive(identity: ProcessIdentity): boolean {
  return processIdentity(identity.pid)?.startedAt === identity.startedAt;
}

function linuxStartTime(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The command name, in parentheses, may hold spaces; field 22 is counted from behind it.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const state = fields[0];
    return state === 'Z' || state === 'X' ? undefined : fields[19];
  } catch {
    return undefined;
  }
}

function otherStartTime(pid: number): string | undefined {
  try {
    return (
      execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim() ||
      undefined
    );
  } catch {
    return undefined;
  }
}
