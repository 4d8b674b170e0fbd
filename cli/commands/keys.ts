/** `keys`: the master keys that the store is encrypted under. */
import { chmod, copyFile, constants } from 'node:fs/promises';
import { resolve } from 'node:path';
import { CodedError } from '../../src/errors.js';
import type { Store } from '../../src/store/open-store.js';
import type { RegisterCommand } from '../program.js';
import { rotateKeys } from '../rotate-keys.js';
import { withStore } from '../with-store.js';

export const registerKeys: RegisterCommand = (program, run) => {
  const keys = program.command('keys').description('master keys of the store');
  keys
    .command('backup <file>')
    .description('copy the master keys to a file (mode 0600); keep it away from the store')
    .action(
      run(async (context, target: string) => {
        await withStore(context, async (store) => {
          const file = resolve(context.cwd, target);
          await copyFile(keyFileOf(store), file, constants.COPYFILE_EXCL).catch(
            (error: unknown) => {
              throw new CodedError(
                'InvalidInput',
                `${target} can't be written (${(error as NodeJS.ErrnoException).code ?? String(error)}); a file that exists is never overwritten`,
              );
            },
          );
          await chmod(file, 0o600);
          context.terminal.print(`master keys of installation ${store.installation} in ${file}`);
          context.terminal.document({ installation: store.installation, file });
        });
      }),
    );
  keys
    .command('rotate')
    .description('seal everything in the store under a new master key; old ones stay readable')
    .addHelpText(
      'after',
      `
Workers may go on working: they read the key file again when they meet the new key. Make a backup before and after.
A rotation that was interrupted goes on when it is started again.`,
    )
    .action(
      run(async (context) => {
        const { terminal, signal } = context;
        await withStore(context, async (store) => {
          terminal.progress.start('rotate', 'seal under a new master key');
          const result = await rotateKeys(store, keyFileOf(store), signal, (count) =>
            terminal.progress.update('rotate', `${count} objects`),
          );
          terminal.progress.end('rotate', 'done', `${result.objects} objects`);
          terminal.print(`master key ${result.current} seals installation ${store.installation}`);
          terminal.document({ installation: store.installation, ...result });
        });
      }),
    );
};

function keyFileOf(store: Store): string {
  if (store.masterKeyFile !== undefined) return store.masterKeyFile;
  throw new CodedError(
    'InvalidConfiguration',
    'the master key is not in a file: set CLDCTL_MASTER_KEY_FILE',
  );
}
