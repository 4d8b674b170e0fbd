/** `worker`: serves operations until it is told to stop. */
import { EXIT_CODE } from '../exit-code.js';
import type { RegisterCommand } from '../program.js';

export const registerWorker: RegisterCommand = (program, run) => {
  program
    .command('worker')
    .description('serve operations: workflows, containers of one Docker engine, its control queue')
    .option('--create-key', 'make a master key (mode 0600) when the store is new')
    .option('--create-attributes', 'create the search attributes that the Temporal server lacks')
    .option('--dev', 'with a Temporal server of its own (7233, UI 8233), base image and key')
    .addHelpText(
      'after',
      `
Configured by CLDCTL_* and TEMPORAL_* variables: docs/configuration.md. SIGTERM or Ctrl-C lets go of running
containers, which go on: the next worker adopts them. A second one ends at once.

Examples:
  cldctl-iac worker --dev
  CLDCTL_DOCKER_SOCKET_GRANT=/var/run/docker.sock CLDCTL_MODULES_ROOT=./examples cldctl-iac worker --create-key`,
    )
    .action(
      run(
        async (
          context,
          flags: { createKey?: boolean; createAttributes?: boolean; dev?: boolean },
        ) => {
          const given = await context.config();
          const dev =
            flags.dev === true
              ? await (await import('../start-dev-temporal.js')).startDevTemporal(given, context)
              : undefined;
          const config = dev?.config ?? given;
          try {
            if (flags.createAttributes === true) {
              const { createAttributes } = await import('../create-attributes.js');
              const made = await createAttributes(config, context.signal);
              if (made.length > 0)
                context.terminal.note(`created search attributes ${made.join(', ')}`);
            }
            const [{ connectEngine }, { openStore }, { runWorker }, { dockerEnvironment }] =
              await Promise.all([
                import('../../src/docker/engine.js'),
                import('../../src/store/open-store.js'),
                import('../../src/worker.js'),
                import('../../src/setup/setup-settings.js'),
              ]);
            const engine = await connectEngine({ environment: dockerEnvironment(config) });
            const store = await openStore({
              store: config.store,
              masterKeyFile: config.masterKeyFile,
              allowCreate: flags.createKey === true || dev !== undefined,
            });
            try {
              await runWorker({
                config,
                engine,
                store,
                signal: context.signal,
                onReady: () => {
                  const { address } = config.temporal;
                  const ready = { engine: engine.id, store: store.url, temporal: address };
                  context.terminal.note(
                    `worker ready on ${address} with Docker engine ${engine.id}`,
                  );
                  context.terminal.document({ ready });
                },
              });
            } finally {
              store.close();
            }
          } finally {
            await dev?.stop();
          }
          return EXIT_CODE.done;
        },
      ),
    );
};
