import {
  chmodSync,
  copyFileSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  symlinkSync,
  existsSync,
  constants,
} from 'node:fs';
import { join } from 'node:path';

/** Our override of the module's backend; override files are read in lexical order and the last one counts. */
export const BACKEND_OVERRIDE = 'zz_cldctl_backend_override.tf.json';
/** Import blocks of a request. */
export const IMPORT_FILE = 'zz_cldctl_import.tf.json';
export const LOCK_FILE = '.terraform.lock.hcl';
/** Where OpenTofu installs child modules that are no directories of the module. */
export const INSTALLED_MODULES = '.terraform/modules';

/** True for a file that OpenTofu reads as configuration. */
export function isModuleFile(name: string): boolean {
  return /\.(tf|tofu)(\.json)?$/.test(name);
}

/** True when the directory has configuration files of its own. */
export function hasModuleFiles(directory: string): boolean {
  return (
    existsSync(directory) &&
    readdirSync(directory, { withFileTypes: true }).some(
      (entry) => !entry.isDirectory() && isModuleFile(entry.name),
    )
  );
}

/** Copies a directory, links as they are; files that the owner may write. */
export function copyDirectory(from: string, to: string): void {
  mkdirSync(to, { recursive: true, mode: 0o700 });
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const source = join(from, entry.name);
    const target = join(to, entry.name);
    if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), target);
    else if (entry.isDirectory()) copyDirectory(source, target);
    else if (entry.isFile()) {
      copyFileSync(source, target, constants.COPYFILE_FICLONE);
      const { mode } = lstatSync(target);
      if ((mode & 0o200) === 0) chmodSync(target, mode | 0o200);
    }
  }
}
