/** `images build`: the base images that module images start from. */
import { Argument } from 'commander';
import type { Part } from '../../src/setup/parts.js';
import type { RegisterCommand } from '../program.js';
import { reportSteps } from '../report-steps.js';

const IMAGES = [
  'entrypoint',
  'opentofu',
  'pulumi-nodejs',
  'pulumi-python',
  'pulumi-go',
  'pulumi-yaml',
] as const satisfies readonly Part[];

export const registerImages: RegisterCommand = (program, run) => {
  const images = program.command('images').description('base images');
  images
    .command('build')
    .description('fetch or build base images, with everything they are made of')
    .addArgument(new Argument('[image...]', 'which (default: opentofu)').choices(IMAGES))
    .addHelpText(
      'after',
      `
Parts come from public images, or from source where no registry is in reach (CLDCTL_ROUTE=auto|public|source).
What is there already is used; an interrupted build goes on where it stopped.

Examples:
  cldctl-iac images build
  cldctl-iac images build opentofu pulumi-nodejs`,
    )
    .action(
      run(async (context, names: (typeof IMAGES)[number][]) => {
        const { terminal, signal } = context;
        const [{ prepareLocalSystem }, { setupSettings }] = await Promise.all([
          import('../../src/setup/prepare-local-system.js'),
          import('../../src/setup/setup-settings.js'),
        ]);
        const need = names.length === 0 ? (['opentofu'] as const) : names;
        const made = await prepareLocalSystem({
          need,
          ...setupSettings(await context.config()),
          signal,
          report: reportSteps(terminal, { tellFound: true }),
        });
        for (const name of need) terminal.print(`${name.padEnd(14)} ${String(made[name])}`);
        terminal.document(made);
      }),
    );
};
