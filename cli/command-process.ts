/** The `cldctl-iac` command as a process: signals, streams and the list of commands. Importing it runs it. */
import { COMMANDS } from './commands/index.js';
import { EXIT_CODE } from './exit-code.js';
import { runCommandLine } from './program.js';

const interrupt = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.on(name, () => {
    // The second one means it.
    if (interrupt.signal.aborted) process.exit(EXIT_CODE.interrupted);
    interrupt.abort(new DOMException(`stopped by ${name}`, 'AbortError'));
  });
// A reader that went away (`| head`) is no error.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(EXIT_CODE.done);
  throw error;
});

const exitCode = await runCommandLine(
  process.argv.slice(2),
  {
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    env: process.env,
    cwd: process.cwd(),
    signal: interrupt.signal,
  },
  COMMANDS,
);
// Connections that a command left open must not keep a finished command alive.
process.stdout.write('', () => process.stderr.write('', () => process.exit(exitCode)));
