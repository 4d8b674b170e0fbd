/** `worker`: serves operations until it is told to stop. */
import { EXIT_CODE } from '../exit-code.js';
import type { RegisterCommand } from '../program.js';

export const registerWorker: RegisterCommand = (program, run) => {
  program
    .command('worker')
    .description('serve operations: workflows, containers of one Docker engine, its control queue')
    .option('--create-key', 'make a master key (mode 0600) when the store is new')
    .addHelpText(
      'after',
      `
Configured by CLDCTL_* and TEMPORAL_* variables: docs/configuration.md. SIGTERM or Ctrl-C lets go of running
containers, which go on: the next worker adopts them. A second one ends at once.

Examples:
  cldctl-iac worker --create-key
  CLDCTL_DOCKER_SOCKET_GRANT=/var/run/docker.sock CLDCTL_MODULES_ROOT=./examples cldctl-iac worker`,
    )
    .action(
      run(async (context, flags: { createKey?: boolean }) => {
        const config = await context.config();
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
          allowCreate: flags.createKey === true,
        });
        try {
          await runWorker({
            config,
            engine,
            store,
            signal: context.signal,
            onReady: () => {
              const ready = {
                engine: engine.id,
                store: store.url,
                temporal: config.temporal.address,
              };
              context.terminal.note(
                `worker ready on ${ready.temporal} with Docker engine ${ready.engine}`,
              );
              context.terminal.document({ ready });
            },
          });
        } finally {
          store.close();
        }
        return EXIT_CODE.done;
      }),
    );
};
