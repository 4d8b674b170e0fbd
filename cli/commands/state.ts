/** `state`: the versions of a stack's state: list, export, go back to. */
import { readFile, writeFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { stackIdSchema } from '../../src/contract/operation.js';
import { wholeOf } from '../../src/content.js';
import { CodedError } from '../../src/errors.js';
import type { StateDescription } from '../../src/state/describe.js';
import { askForYes } from '../ask-for-decision.js';
import type { CommandContext } from '../command-context.js';
import type { RegisterCommand, Run } from '../program.js';
import { renderTable } from '../render/table.js';
import { wholeNumber } from '../operation-flags.js';
import { restoreState, type StateChange } from '../restore-state.js';
import { whoTypes } from '../with-client.js';
import { withStore } from '../with-store.js';
import type { Command } from 'commander';

export const registerState: RegisterCommand = (program, run) => {
  const state = program
    .command('state')
    .description("versions of a stack's state (needs the store's key)");
  registerVersions(state, run);
  registerExport(state, run);
  registerRestore(state, run);
};

function registerVersions(state: Command, run: Run): void {
  state
    .command('versions <stack>')
    .description('list versions, newest first')
    .addHelpText('after', '\nExamples:\n  cldctl-iac state versions my-db')
    .option('--limit <n>', 'at most so many', wholeNumber, 20)
    .action(
      run(async (context, stack: string, { limit }: { limit: number }) => {
        const { listStateVersions } = await import('../../src/state/snapshot.js');
        const { terminal } = context;
        const versions = await withStore(context, (store) =>
          listStateVersions(store, stack, limit),
        );
        if (versions.length === 0) terminal.print(`${stack} has no state in this store`);
        else
          terminal.print(
            ...renderTable(
              ['VERSION', 'MADE BY', 'AT', 'SERIAL', 'RESOURCES', 'BYTES'],
              versions.map((version) => [
                String(version.version),
                version.operation,
                version.at,
                String(version.serial ?? ''),
                String(version.resources ?? ''),
                String(version.size),
              ]),
              terminal.style,
            ),
          );
        terminal.document(versions);
      }),
    );
}

function registerExport(state: Command, run: Run): void {
  state
    .command('export <stack> [version]')
    .description('write the state as the tool wrote it; it holds secrets in clear')
    .option('-o, --output <file>', 'to this file (mode 0600) instead of stdout')
    .addHelpText(
      'after',
      '\nExamples:\n  cldctl-iac state export my-db -o my-db.tfstate\n  cldctl-iac state export my-db | tofu state list -state=/dev/stdin',
    )
    .action(
      run(async (context, stack: string, given: string | undefined, flags: { output?: string }) => {
        const version = given === undefined ? undefined : versionNumber(given);
        const { exportVersion, loadSnapshot } = await import('../../src/state/snapshot.js');
        const { readRecord } = await import('../../src/stack/record.js');
        const bytes = await withStore(context, async (store) => {
          if (version !== undefined)
            return wholeOf((await exportVersion(store, stack, version)).content);
          const found = await readRecord(store, stack);
          const current = found && (await loadSnapshot(store, found.record));
          if (current !== undefined) return wholeOf(current);
          throw new CodedError('StackNotFound', `${stack} has no state in the store ${store.url}`);
        });
        const { terminal, cwd } = context;
        if (flags.output === undefined) {
          terminal.raw(Buffer.from(bytes).toString('utf8'));
          return;
        }
        const file = resolve(cwd, flags.output);
        await writeFile(file, bytes, { mode: 0o600, flag: 'wx' }).catch((error: unknown) => {
          throw new CodedError(
            'InvalidInput',
            `--output ${flags.output ?? ''} can't be written (${(error as NodeJS.ErrnoException).code ?? String(error)}); a file that exists is never overwritten`,
          );
        });
        terminal.print(`${bytes.length} bytes in ${file}`);
        terminal.document({ stackId: stack, file, bytes: bytes.length });
      }),
    );
}

function registerRestore(state: Command, run: Run): void {
  state
    .command('restore <stack> [version]')
    .description('make an earlier version, or a file, the current state')
    .option('--file <file>', 'this file instead of a version; it may begin a stack')
    .option('--accept-other-lineage', 'even if it is the state of another stack')
    .option(
      '--passphrase-file <file>',
      'passphrase of the secrets in a Pulumi state from elsewhere',
    )
    .option('-y, --yes', 'do not ask')
    .addHelpText(
      'after',
      `
Nothing is lost: the current state stays as a version, and its successor gets a higher serial, so that plans made
before are stale. A stack with a change under way is refused. With --file a stack that lived in plain OpenTofu or
Pulumi comes in; a Pulumi stack keeps its name.

Examples:
  cldctl-iac state restore my-db 3
  cldctl-iac state restore my-db --file terraform.tfstate && cldctl-iac preview my-db --module ./my-db`,
    )
    .action(
      run(async (context, stack: string, given: string | undefined, flags: RestoreFlags) => {
        const version = given === undefined ? undefined : versionNumber(given);
        if ((version === undefined) === (flags.file === undefined))
          throw new CodedError(
            'InvalidInput',
            'name what to restore: either a version or --file FILE',
          );
        if (!stackIdSchema.safeParse(stack).success)
          throw new CodedError(
            'InvalidInput',
            `${JSON.stringify(stack)} can't be the id of a stack`,
          );
        const passphrase = await readGiven(context, '--passphrase-file', flags.passphraseFile);
        const stored = await withStore(context, async (store) => {
          const bytes = await readGiven(context, '--file', flags.file);
          return restoreState(store, stack, bytes ?? version ?? 0, {
            acceptOtherLineage: flags.acceptOtherLineage === true,
            by: whoTypes(),
            ...(passphrase === undefined
              ? {}
              : { passphrase: passphrase.toString('utf8').replace(/\r?\n$/, '') }),
            approve: (change) => approveRestore(context, stack, change, flags.yes === true),
          });
        });
        if (stored === undefined) throw new CodedError('OperationCanceled', 'nothing was restored');
        context.terminal.print(`${stack} is at version ${stored.version} of its state`);
        context.terminal.document({ stackId: stack, state: stored });
      }),
    );
}

interface RestoreFlags {
  readonly file?: string;
  readonly acceptOtherLineage?: boolean;
  readonly passphraseFile?: string;
  readonly yes?: boolean;
}

async function readGiven(
  { cwd }: CommandContext,
  flag: string,
  file: string | undefined,
): Promise<Buffer | undefined> {
  if (file === undefined) return undefined;
  return readFile(resolve(cwd, file)).catch((error: unknown) => {
    throw new CodedError(
      'InvalidInput',
      `${flag} ${file} can't be read (${(error as NodeJS.ErrnoException).code ?? String(error)})`,
    );
  });
}

/** Shows what is replaced by what, and asks on a terminal. */
async function approveRestore(
  context: CommandContext,
  stack: string,
  { from, to }: StateChange,
  yes: boolean,
): Promise<boolean> {
  const { terminal } = context;
  if (from !== undefined) terminal.print(`now:      ${stateLine(from)}`);
  terminal.print(`restored: ${stateLine(to)}`);
  if (yes || !terminal.interactive) return true;
  return askForYes(`make it the current state of ${stack}?`, context);
}

function stateLine({ resources, serial, lineage }: StateDescription): string {
  return [
    `${resources} resources`,
    ...(serial === undefined ? [] : [`serial ${serial}`]),
    ...(lineage === undefined ? [] : [`lineage ${lineage}`]),
  ].join(', ');
}

function versionNumber(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw new CodedError(
    'InvalidInput',
    `${JSON.stringify(text)} is not the number of a version; list them with: cldctl-iac state versions`,
  );
}
