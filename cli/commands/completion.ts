/** `completion`: shell completion, written from the commands themselves. */
import { Argument, type Command } from 'commander';
import type { RegisterCommand } from '../program.js';

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export const registerCompletion: RegisterCommand = (program, run) => {
  program
    .command('completion')
    .description('print the completion script of a shell')
    .addArgument(new Argument('<shell>').choices(SHELLS))
    .addHelpText(
      'after',
      `
Examples:
  source <(cldctl-iac completion bash)
  cldctl-iac completion fish > ~/.config/fish/completions/cldctl-iac.fish`,
    )
    .action(
      run(async ({ terminal }, shell: (typeof SHELLS)[number]) => {
        const script = shell === 'fish' ? fishScript(program) : bashScript(program, shell);
        if (terminal.json) terminal.document({ shell, script });
        else terminal.raw(script);
        return Promise.resolve();
      }),
    );
};

interface Words {
  /** Words of the command after the program's name, joined by a blank. */
  readonly path: string;
  readonly children: readonly string[];
  readonly flags: readonly string[];
}

function wordsOf(command: Command, path: string[] = []): Words[] {
  const flags = command.options.flatMap(({ long }) => (long == null ? [] : [long]));
  const own: Words = {
    path: path.join(' '),
    children: command.commands.map((child) => child.name()),
    flags: [...flags, '--help'],
  };
  return [own, ...command.commands.flatMap((child) => wordsOf(child, [...path, child.name()]))];
}

function bashScript(program: Command, shell: 'bash' | 'zsh'): string {
  const [root, ...rest] = wordsOf(program);
  const global = root?.flags ?? [];
  const branches = [root, ...rest].flatMap((words) =>
    words === undefined
      ? []
      : [
          `    '${words.path}') words='${[...words.children, ...new Set([...words.flags, ...global])].join(' ')}' ;;`,
        ],
  );
  const paths = rest.map(({ path }) => `'${path}'`).join('|');
  return `${shell === 'zsh' ? '#compdef cldctl-iac\nautoload -U +X bashcompinit && bashcompinit\n' : ''}_cldctl_iac() {
  local current="\${COMP_WORDS[COMP_CWORD]}" path='' word words=''
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "\${path:+$path }$word" in
      ${paths}) path="\${path:+$path }$word" ;;
    esac
  done
  case "$path" in
${branches.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
  if [ \${#COMPREPLY[@]} -eq 0 ]; then COMPREPLY=($(compgen -f -- "$current")); fi
}
complete -o filenames -F _cldctl_iac cldctl-iac
`;
}

function fishScript(program: Command): string {
  const quote = (text: string): string => `'${text.replace(/['\\]/g, '\\$&')}'`;
  const lines = ['complete -c cldctl-iac -f'];
  for (const { long, description } of program.options)
    if (long != null)
      lines.push(`complete -c cldctl-iac -l ${long.slice(2)} -d ${quote(description)}`);
  for (const command of program.commands) {
    const name = command.name();
    lines.push(
      `complete -c cldctl-iac -n __fish_use_subcommand -a ${name} -d ${quote(command.description())}`,
    );
    const inside = `-n '__fish_seen_subcommand_from ${name}'`;
    for (const child of command.commands)
      lines.push(
        `complete -c cldctl-iac ${inside} -a ${child.name()} -d ${quote(child.description())}`,
      );
    for (const owner of [command, ...command.commands])
      for (const { long, description } of owner.options)
        if (long != null)
          lines.push(
            `complete -c cldctl-iac ${inside} -l ${long.slice(2)} -d ${quote(description)}`,
          );
  }
  return `${lines.join('\n')}\n`;
}
