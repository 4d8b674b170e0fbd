#!/usr/bin/env node
/** Entry of the `cldctl-iac` command: signals, streams and the list of commands. */
import * as nodeModule from 'node:module';
import { COMMANDS } from './commands/index.js';
import { EXIT_CODE } from './exit-code.js';
import { runCommandLine } from './program.js';

// From Node 22.1 on: a third of a short command is the compiling of the libraries that it loads from here on.
(nodeModule as { enableCompileCache?: () => unknown }).enableCompileCache?.();

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
