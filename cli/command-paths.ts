/** Names of all commands, with the groups they are in. */
import { Command } from 'commander';
import { COMMANDS } from './commands/index.js';

/** Every command as the words that call it, groups before their members. */
export function commandPaths(): string[][] {
  const program = new Command('cldctl-iac');
  for (const register of COMMANDS) register(program, () => () => Promise.resolve());
  return program.commands.flatMap((command) => pathsOf(command, []));
}

function pathsOf(command: Command, above: readonly string[]): string[][] {
  const path = [...above, command.name()];
  return [path, ...command.commands.flatMap((child) => pathsOf(child, path))];
}
