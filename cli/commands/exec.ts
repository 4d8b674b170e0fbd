/** `exec`: one request to a module image, without Temporal; prints its output.json. */
import { CodedError } from '../../src/errors.js';
import { stringifyJson } from '../../src/contract/json.js';
import type { ModuleRequest } from '../../src/contract/request.js';
import { EXIT_CODE, exitCodeOfError } from '../exit-code.js';
import { readJsonObject } from '../input-values.js';
import { collect } from '../operation-flags.js';
import type { RegisterCommand } from '../program.js';

export const registerExec: RegisterCommand = (program, run) => {
  program
    .command('exec <image>')
    .description('run one request in a module image, without Temporal; prints its output.json')
    .requiredOption('-r, --request <file>', 'the request (input.json); - is standard input')
    .option('--state <file|url>', 'where state is (default: kept in the store by stack_name)')
    .option('--credential <name>', 'environment variable to pass as a credential', collect)
    .option('--docker-socket', 'give the module the Docker socket')
    .addHelpText(
      'after',
      `
"apply" without a plan plans and applies in one container and says "approved": false.

Examples:
  echo '{"action":"preview","inputs":{"name":"my-db"},"stack_name":"my-db"}' | cldctl-iac exec my-image:1 -r -
  cldctl-iac exec my-image:1 -r request.json --state ./my-db.tfstate | jq .outputs`,
    )
    .action(
      run(
        async (
          context,
          image: string,
          flags: {
            request: string;
            state?: string;
            credential?: string[];
            dockerSocket?: boolean;
          },
        ) => {
          const { terminal, signal, env } = context;
          const request = await readJsonObject(flags.request, '--request', context);
          const { createExecutor } = await import('../../src/standalone/index.js');
          const executor = await createExecutor({ config: await context.config() });
          try {
            terminal.progress.start('exec', `run ${image}`);
            const response = await executor.execute({
              image,
              request: request as unknown as ModuleRequest,
              credentials: credentialsOf(flags.credential ?? [], env),
              signal,
              ...(flags.state === undefined ? {} : { state: flags.state }),
              ...(flags.dockerSocket === undefined ? {} : { dockerSocket: flags.dockerSocket }),
              onLog: (line) => terminal.progress.update('exec', line),
            });
            terminal.progress.stop();
            terminal.raw(`${stringifyJson(response, terminal.json ? undefined : 2)}\n`);
            if (response.success) return EXIT_CODE.done;
            const failure = response.failure ?? {
              code: 'ModuleFailed' as const,
              message: response.error ?? 'the module failed',
            };
            // The document is out already: only the line for people is left to say.
            terminal.note(`error: ${failure.code}: ${failure.message}`);
            return exitCodeOfError(failure.code);
          } finally {
            await executor.close();
          }
        },
      ),
    );
};

function credentialsOf(
  names: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  return Object.fromEntries(
    names.map((name) => {
      const value = env[name];
      if (value !== undefined) return [name, value];
      throw new CodedError(
        'SecretNotFound',
        `--credential ${name}: the environment has no such variable; export it first`,
      );
    }),
  );
}
