/** `keys`: the master keys that the store is encrypted under. */
import { writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { CodedError } from '../../src/errors.js';
import { EXIT_CODE } from '../exit-code.js';
import type { RegisterCommand, Run } from '../program.js';
import { printable } from '../render/printable.js';
import { withStore } from '../with-store.js';

export const registerKeys: RegisterCommand = (program, run) => {
  const keys = program.command('keys').description('master keys of the store');
  registerBackup(keys, run);
  registerRotate(keys, run);
};

function registerBackup(keys: Command, run: Run): void {
  keys
    .command('backup <file>')
    .description('copy the master keys to a file (mode 0600); keep it away from the store')
    .option('--passphrase-env <name>', 'seal the copy under the passphrase in this variable')
    .addHelpText(
      'after',
      `
Examples:
  cldctl-iac keys backup /safe/place/master-key
  cldctl-iac keys backup master-key.sealed --passphrase-env BACKUP_PASSPHRASE`,
    )
    .action(
      run(async (context, target: string, flags: { passphraseEnv?: string }) => {
        const { terminal, env, cwd } = context;
        const passphrase = flags.passphraseEnv === undefined ? undefined : env[flags.passphraseEnv];
        if (flags.passphraseEnv !== undefined && !passphrase)
          throw new CodedError(
            'SecretNotFound',
            `--passphrase-env ${flags.passphraseEnv}: the environment has no such variable; export it first`,
          );
        const { backupKeys } = await import('../../src/store/keys.js');
        await withStore(context, async (store) => {
          const file = resolve(cwd, target);
          const text = await backupKeys(store.keys.ring(), passphrase);
          await writeFile(file, text, { mode: 0o600, flag: 'wx' }).catch((error: unknown) => {
            throw new CodedError(
              'InvalidInput',
              `${target} can't be written (${(error as NodeJS.ErrnoException).code ?? String(error)}); a file that exists is never overwritten`,
            );
          });
          terminal.print(`master keys of installation ${store.installation} in ${file}`);
          terminal.document({
            installation: store.installation,
            file,
            sealed: passphrase !== undefined,
          });
        });
      }),
    );
}

function registerRotate(keys: Command, run: Run): void {
  keys
    .command('rotate')
    .description('seal everything in the store under a new master key; old ones stay readable')
    .option('--continue', 'finish a rotation that was interrupted; makes no new key')
    .option('--drop-old', 'forget all keys but the newest, once nothing needs them')
    .addHelpText(
      'after',
      `
Workers on the same key file go on working: they find the new key by themselves. Make a backup afterwards.

Examples:
  cldctl-iac keys rotate
  cldctl-iac keys rotate --continue
  cldctl-iac keys rotate --drop-old`,
    )
    .action(
      run(async (context, flags: { continue?: boolean; dropOld?: boolean }) => {
        const { terminal, signal } = context;
        const { rotateKeys, resealObjects, dropOldKeys } = await import('../../src/store/keys.js');
        return withStore(context, async (store) => {
          if (flags.dropOld === true) {
            const { current } = await dropOldKeys(store);
            terminal.print(`only master key ${current} is left`);
            terminal.document({ installation: store.installation, current });
            return EXIT_CODE.done;
          }
          terminal.progress.start('seal', 'seal under a new master key');
          const report = await (flags.continue === true ? resealObjects : rotateKeys)(store, {
            signal,
            onProgress: (done) => terminal.progress.update('seal', `${done} objects`),
          });
          terminal.progress.end('seal', 'done', `${report.resealed} objects`);
          for (const { key, message } of report.damaged)
            terminal.note(`${terminal.style.red('damaged')} ${key}: ${printable(message)}`);
          terminal.print(`master key ${report.current} seals installation ${store.installation}`);
          terminal.document({ installation: store.installation, ...report });
          return report.damaged.length === 0 ? EXIT_CODE.done : EXIT_CODE.failed;
        });
      }),
    );
}
