/** `detect`: which engine and runtime a directory is for, and why. */
import { resolve } from 'node:path';
import type { RegisterCommand } from '../program.js';
import { printable } from '../render/printable.js';

export const registerDetect: RegisterCommand = (program, run) => {
  program
    .command('detect <dir>')
    .description('say which engine and runtime a module directory is for, and why')
    .addHelpText('after', '\nExamples:\n  cldctl-iac detect examples/postgres')
    .action(
      run(async ({ terminal, cwd }, directory: string) => {
        const { detectModule } = await import('../../src/detect/detect-module.js');
        const found = await detectModule(resolve(cwd, directory));
        const { engine, runtime, project, reasons, warnings, sourceDigest } = found;
        terminal.print(
          `Engine   ${engine}${runtime === undefined ? '' : ` (${runtime})`}`,
          ...(project === undefined ? [] : [`Project  ${printable(project)}`]),
          ...reasons.map((reason) => `Because  ${printable(reason)}`),
          ...warnings.map(
            (warning) => `${terminal.style.yellow('Warning')}  ${printable(warning)}`,
          ),
          `Source   ${sourceDigest}`,
        );
        terminal.document(found);
      }),
    );
};
