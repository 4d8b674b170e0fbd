/** `doctor`: what is there, what is missing, what is left over, and what to do about it. */
import { EXIT_CODE } from '../exit-code.js';
import type { RegisterCommand } from '../program.js';
import { printable } from '../render/printable.js';

export const registerDoctor: RegisterCommand = (program, run) => {
  program
    .command('doctor')
    .description('say what is there, what is missing, what is left over, and what to do about it')
    .addHelpText(
      'after',
      `
Ends with 6 when something is missing that operations need. Left over is what no operation of the configured store
needs any more; workers remove containers, volumes and objects of the store by themselves at the time that is named,
images stay until you remove them: they may be another store's.

Examples:
  cldctl-iac doctor
  cldctl-iac doctor --json`,
    )
    .action(
      run(async (context) => {
        const { terminal, signal } = context;
        const { style } = terminal;
        const { diagnose } = await import('../../src/setup/doctor.js');
        const marks = {
          ok: style.green('ok     '),
          missing: style.red('missing'),
          optional: style.yellow('not yet'),
          'left-over': style.yellow('left   '),
          unknown: style.yellow('unknown'),
        };
        const findings = [];
        for await (const finding of diagnose(await context.config(), signal)) {
          findings.push(finding);
          const { status, subject, found, remedy } = finding;
          terminal.print(`${marks[status]} ${subject.padEnd(20)} ${printable(found)}`);
          if (remedy !== undefined)
            terminal.print(`${' '.repeat(29)}${style.dim(`→ ${printable(remedy)}`)}`);
        }
        const ready = findings.every(({ status }) => status !== 'missing');
        terminal.document({ ready, findings });
        return ready ? EXIT_CODE.done : EXIT_CODE.environment;
      }),
    );
};
