/** `images build`: the base images that module images start from. */
import { Argument } from 'commander';
import type { BaseImageName } from '../../src/standalone/base-images.js';
import { platformNames } from '../operation-flags.js';
import type { RegisterCommand } from '../program.js';
import { reportSteps } from '../report-steps.js';

// Listed here too: the command's help is shown without loading what makes them.
const IMAGES = [
  'entrypoint',
  'opentofu',
  'pulumi-nodejs',
  'pulumi-python',
  'pulumi-go',
  'pulumi-yaml',
] as const satisfies readonly BaseImageName[];

export const registerImages: RegisterCommand = (program, run) => {
  const images = program.command('images').description('base images');
  images
    .command('build')
    .description('fetch or build base images, with everything they are made of')
    .addArgument(new Argument('[image...]', 'which (default: opentofu)').choices(IMAGES))
    .option(
      '--platform <os/arch,…>',
      'platforms of the images (default: the engine’s own)',
      platformNames,
    )
    .option('--push <prefix>', 'push them below this name, those of several platforms as one')
    .addHelpText(
      'after',
      `
Parts come from public images, or from source where no registry is in reach (CLDCTL_ROUTE=auto|public|source).
What is there already is used; an interrupted build goes on where it stopped.

Examples:
  cldctl-iac images build
  cldctl-iac images build opentofu pulumi-nodejs
  cldctl-iac images build entrypoint opentofu --platform linux/amd64,linux/arm64 --push registry.example.com/iac`,
    )
    .action(
      run(
        async (context, names: BaseImageName[], flags: { platform?: string[]; push?: string }) => {
          const { terminal, signal } = context;
          const { makeBaseImages, pushBaseImage } =
            await import('../../src/standalone/base-images.js');
          const config = await context.config();
          const platforms = flags.platform;
          const need = names.length === 0 ? (['opentofu'] as const) : names;
          const made = await makeBaseImages(need, platforms, config, {
            signal,
            report: reportSteps(terminal, { tellFound: true }),
          });
          const pushed: Record<string, string> = {};
          for (const { name, reference } of made) terminal.print(`${name.padEnd(14)} ${reference}`);
          for (const name of flags.push === undefined ? [] : need) {
            const images = made.filter((image) => image.name === name);
            terminal.progress.start(name, `push ${name}`);
            const { name: tag, reference } = await pushBaseImage(images, flags.push ?? '', config, {
              signal,
              onMessage: (text) => terminal.progress.update(name, text),
            });
            terminal.progress.end(name, 'done');
            terminal.print(`${'Pushed'.padEnd(14)} ${tag} ${reference.split('@')[1]}`);
            pushed[name] = reference;
          }
          const references = made.map(({ name, platform, reference }) => [
            platforms === undefined ? name : `${name} ${platform}`,
            reference,
          ]);
          terminal.document({
            ...(Object.fromEntries(references) as Record<string, string>),
            ...(flags.push === undefined ? {} : { pushed }),
          });
        },
      ),
    );
};
