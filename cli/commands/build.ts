/** `build`: a module directory becomes a module image, without Temporal. */
import { resolve } from 'node:path';
import { platformNames } from '../operation-flags.js';
import type { RegisterCommand } from '../program.js';

export const registerBuild: RegisterCommand = (program, run) => {
  program
    .command('build <dir>')
    .description('build the image of a module directory; unchanged sources and parts build nothing')
    .option('-t, --tag <reference>', 'name of the image (default: cldctl-module/<dir>:<digest>)')
    .option(
      '--platform <os/arch,…>',
      'platforms of the image, which --push makes one (default: the engine’s own)',
      platformNames,
    )
    .option('--push', 'push it to the registry in its name')
    .addHelpText(
      'after',
      `
Examples:
  cldctl-iac build examples/postgres
  cldctl-iac build examples/postgres --tag registry.example.com/modules/postgres:1.0.0 --push
  cldctl-iac build examples/postgres --platform linux/amd64,linux/arm64 --tag registry.example.com/modules/postgres:1.0.0 --push`,
    )
    .action(
      run(
        async (
          context,
          directory: string,
          flags: { tag?: string; platform?: string[]; push?: boolean },
        ) => {
          const { terminal, signal, cwd } = context;
          const { createBuilder } = await import('../../src/standalone/index.js');
          const builder = await createBuilder({ config: await context.config() });
          try {
            const several = flags.platform === undefined ? {} : { platforms: flags.platform };
            terminal.progress.start('build', `build ${directory}`);
            const built = await builder.build({
              moduleDir: resolve(cwd, directory),
              ...(flags.tag === undefined ? {} : { tag: flags.tag }),
              ...several,
              signal,
              onEvent: (event) => {
                terminal.progress.update('build', event.message);
              },
            });
            terminal.progress.end('build', built.cached ? 'found' : 'done');
            for (const { reference, imageId } of built.images)
              terminal.print(`Image    ${reference}`, `Id       ${imageId}`);
            for (const notice of built.notices) terminal.note(`notice: ${notice}`);
            if (flags.push !== true) {
              terminal.document(built);
              return;
            }
            terminal.progress.start('push', `push ${built.reference}`);
            const pushed = await builder.push(built.reference, {
              ...several,
              signal,
              onEvent: ({ message }) => terminal.progress.update('push', message),
            });
            terminal.progress.end('push', 'done');
            terminal.print(`Pushed   ${pushed.reference}`);
            terminal.document({ ...built, pushed });
          } finally {
            await builder.close();
          }
        },
      ),
    );
};
