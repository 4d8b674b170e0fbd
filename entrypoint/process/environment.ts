import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModuleRequest } from '../../src/contract/index.js';
import type { WorkspacePaths } from '../locations.js';

/** Variables of an image that would change what the tools or this program do. */
const REFUSED = /^(BUN_|NODE_OPTIONS$|NODE_CHANNEL_|LD_|GLIBC_|MALLOC_|TF_|PULUMI_|CLDCTL_)/;

/** What of the image's environment a tool may see. */
export function imageEnvironment(own: NodeJS.ProcessEnv): Record<string, string> {
  return Object.fromEntries(
    Object.entries(own).filter(
      (entry): entry is [string, string] => entry[1] !== undefined && !REFUSED.test(entry[0]),
    ),
  );
}

/**
 * The tool's environment, built from scratch: the image's variables, then the request's, then credentials; HOME and TMPDIR are always
 * places in the workspace. Writes the credential files (0600), and makes the directories.
 */
export function toolEnvironment(
  image: Readonly<Record<string, string>>,
  request: ModuleRequest,
  paths: WorkspacePaths,
): Record<string, string> {
  for (const directory of [paths.home, paths.temporary])
    mkdirSync(directory, { recursive: true, mode: 0o700 });
  const files: Record<string, string> = {};
  for (const [name, content] of Object.entries(request.credential_files ?? {})) {
    mkdirSync(paths.credentials, { recursive: true, mode: 0o700 });
    const path = join(paths.credentials, name);
    writeFileSync(path, content, { mode: 0o600 });
    files[name] = path;
  }
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    LANG: 'C.UTF-8',
    ...image,
    ...request.environment,
    ...request.credentials,
    ...files,
    HOME: paths.home,
    TMPDIR: paths.temporary,
  };
}
