import { describe, expect, it } from 'vitest';
import { processIdentity } from '../../../src/setup/process-identity.js';
import { runCommand } from '../../../src/setup/run-command.js';

describe('a command of the set-up', () => {
  it('gives its output, and each line as it comes', async () => {
    const lines: string[] = [];
    const output = await runCommand('sh', ['-c', 'echo one; echo two >&2; echo three'], {
      onLine: (line) => lines.push(line),
    });
    expect(output).toBe('one\nthree');
    expect(lines.sort()).toEqual(['one', 'three', 'two']);
  });

  it('fails with its code and last words', async () => {
    const failing = runCommand('sh', ['-c', 'echo out of space >&2; exit 7']);
    await expect(failing).rejects.toMatchObject({
      code: 'SetupFailed',
      message: expect.stringMatching(/exited with 7: out of space/) as string,
    });
  });

  it('says which command is not installed', async () => {
    await expect(runCommand('no-such-command', [])).rejects.toMatchObject({
      code: 'SetupFailed',
      message: 'the command no-such-command is not installed',
    });
  });

  it('ends the command and its children when cancelled', async () => {
    const abort = new AbortController();
    let child = 0;
    const running = runCommand('sh', ['-c', 'sleep 600 & echo $!; wait'], {
      signal: abort.signal,
      onLine: (line) => {
        child = Number(line);
        abort.abort(new Error('stopped by SIGINT'));
      },
    });
    await expect(running).rejects.toThrow('stopped by SIGINT');
    expect(child).toBeGreaterThan(0);
    await expect.poll(() => processIdentity(child)).toBe(undefined);
  });
});
