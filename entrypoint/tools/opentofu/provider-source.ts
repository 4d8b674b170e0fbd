import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Writes tool settings that take providers from one mirror only: a directory in OpenTofu's layout or the URL of a network mirror. */
export function writeMirrorSettings(path: string, mirror: string): void {
  const kind = isNetworkMirror(mirror)
    ? `network_mirror {\n    url = ${JSON.stringify(mirror.endsWith('/') ? mirror : `${mirror}/`)}`
    : `filesystem_mirror {\n    path = ${JSON.stringify(mirror)}`;
  writeFileSync(
    path,
    `provider_installation {\n  ${kind}\n    include = ["*/*/*"]\n  }\n}\ndisable_checkpoint = true\n`,
    { mode: 0o644 },
  );
}

/** Environment of a build command that takes providers from `mirror`, or from the registries when there is none. */
export function providerEnvironment(
  environment: Readonly<Record<string, string>>,
  mirror: string | undefined,
): Record<string, string> {
  if (mirror === undefined) return { ...environment };
  const file = join(mkdtempSync(join(tmpdir(), 'tofurc-')), 'tofurc');
  writeMirrorSettings(file, mirror);
  return { ...environment, TF_CLI_CONFIG_FILE: file };
}

/** Whether a mirror is the URL of one in the network, and not a directory. */
export function isNetworkMirror(mirror: string | undefined): mirror is string {
  return mirror !== undefined && /^https?:\/\//.test(mirror);
}
