import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandLine } from './command-line.js';

/** What bash offers for the words of a command line; the last one is being typed. */
async function offered(...words: string[]): Promise<string[]> {
  const { stdout } = await commandLine(['completion', 'bash']);
  const script = `${stdout}
COMP_WORDS=(${['cldctl-iac', ...words].map((word) => `'${word}'`).join(' ')})
COMP_CWORD=${words.length}
_cldctl_iac
printf '%s\\n' "\${COMPREPLY[@]}"`;
  return execFileSync('bash', ['-c', script], { encoding: 'utf8', cwd: '/' }).trim().split('\n');
}

describe('completion in bash', () => {
  it('offers commands, their members, and flags', async () => {
    expect(await offered('app')).toEqual(['apply', 'approve']);
    expect(await offered('state', '')).toEqual(
      expect.arrayContaining(['versions', 'export', 'restore']),
    );
    expect(await offered('apply', 'my-db', '--mod')).toEqual(['--module']);
    expect(await offered('state', 'restore', 'my-db', '--fi')).toEqual(['--file']);
    expect(await offered('apply', 'my-db', '--js')).toEqual(['--json']);
  });
});

describe('completion in other shells', () => {
  it.each(['zsh', 'fish'])('is printed for %s', async (shell) => {
    const { exitCode, stdout } = await commandLine(['completion', shell]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain('approve');
  });

  it('is refused for a shell that is not known', async () => {
    const { exitCode, stderr } = await commandLine(['completion', 'tcsh']);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('bash, zsh, fish');
  });
});
