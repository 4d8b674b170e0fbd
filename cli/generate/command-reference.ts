/** The command as a page: the help of every command, as it prints it. */
import { COMMANDS } from '../commands/index.js';
import { runCommandLine } from '../program.js';
import { commandPaths } from '../command-paths.js';

/** The page `docs/command.md`. */
export async function commandReference(): Promise<string> {
  const paths = commandPaths();
  const sections: string[] = [];
  for (const path of paths)
    sections.push(
      `## ${['cldctl-iac', ...path].join(' ')}\n\n\`\`\`text\n${(await helpOf(path)).trim()}\n\`\`\`\n`,
    );
  return `# The command

Written from the command's own help; do not edit.

On a terminal the command shows colours, live phases and a question; in a pipe it prints plain lines and never asks.
\`--json\` prints one JSON document (lists, \`logs\` and \`worker\`: NDJSON, one value a line) on stdout and nothing else; progress and errors go to stderr.
An error is one line, \`error: CODE: cause; next step\`, and with \`--json\` also \`{"error": {"code", "message", "detail"}}\` on stdout.
[Troubleshooting](troubleshooting.md) has a section for every code.

| exit code | meaning |
| --- | --- |
| 0 | done |
| 1 | failed |
| 2 | wrong usage or input |
| 3 | rejected, expired, superseded or cancelled |
| 4 | busy: another operation holds the stack or its state |
| 5 | outcome unknown: someone must look |
| 6 | no Docker, Temporal, registry or store |
| 10 | \`preview --detailed-exitcode\`: there are changes |
| 130 | Ctrl-C; an operation that was watched goes on |

Inputs: \`--input name=text\` gives a string whatever it looks like (OpenTofu turns \`"3"\` into a number where the variable is one);
\`--input 'name:=json'\` gives any JSON value; \`--inputs FILE\` a whole JSON object. A secret is a reference:
\`--input 'password:={"$secret":"db-password"}'\`.

${sections.join('\n')}`;
}

async function helpOf(path: readonly string[]): Promise<string> {
  let text = '';
  const sink = { write: (chunk: string) => void (text += chunk), columns: 110 };
  await runCommandLine(
    [...path, '--help'],
    {
      stdin: process.stdin,
      stdout: sink,
      stderr: sink,
      env: { NO_COLOR: '1' },
      cwd: '/',
      signal: new AbortController().signal,
    },
    COMMANDS,
  );
  return text;
}
