/** The compiled command on a terminal of its own (util-linux `script`), and somebody who types. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { packageRoot } from '../../src/setup/package-root.js';

const program = join(packageRoot(), 'dist', 'command', 'main.js');
const CONTROL = /\x1b\[[0-9;?]*[A-Za-z]|\r/g;

export const ARROW_UP = '\u001b[A';
export const ENTER = '\r';

/** Runs the command and types `answer` once for each question; what `question` captures tells two apart, however often one is drawn. */
export function onTerminal(
  argv: readonly string[],
  question: RegExp,
  answer: string,
  more: { readonly env?: Readonly<Record<string, string>>; readonly cwd?: string } = {},
): Promise<{ readonly exitCode: number | null; readonly screen: string }> {
  const { PATH = '', HOME = '/root' } = process.env;
  const line = [process.execPath, program, ...argv].map((word) => `'${word}'`).join(' ');
  const child = spawn('script', ['-qfec', line, '/dev/null'], {
    env: { PATH, HOME, TERM: 'xterm', ...more.env },
    cwd: more.cwd ?? packageRoot(),
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  let screen = '';
  const answered = new Set<string>();
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    screen += text.replace(CONTROL, '');
    for (const [, asked = ''] of screen.matchAll(new RegExp(question, 'g'))) {
      if (answered.has(asked)) continue;
      answered.add(asked);
      child.stdin.write(answer);
    }
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (exitCode) => resolve({ exitCode, screen }));
  });
}
