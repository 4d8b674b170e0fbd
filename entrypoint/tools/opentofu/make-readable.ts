import { chmodSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** A run has another user than a build; what is executable stays so, and a provider becomes it. */
export function makeReadable(directory: string): void {
  chmodSync(directory, 0o755);
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) makeReadable(path);
    else if (entry.isFile()) chmodSync(path, isProgram(path, entry.name) ? 0o755 : 0o644);
  }
}

function isProgram(path: string, name: string): boolean {
  return name.startsWith('terraform-provider-') || (statSync(path).mode & 0o100) !== 0;
}
