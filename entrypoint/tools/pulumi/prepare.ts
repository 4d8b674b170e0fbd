/** Build-time steps of a Pulumi module image. */
import { spawnSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { stringifyJson } from '../../../src/contract/index.js';
import { FailureError } from '../../failure-error.js';
import { TOOL_VERSION_FILE } from '../opentofu/prepared.js';
import type { PrepareContext } from '../tool.js';
import { describePulumiModule } from './describe.js';
import { readProject } from './project-file.js';

/** `module`: writes the description and the version of the CLI. */
export async function preparePulumi(verb: string, context: PrepareContext): Promise<void> {
  if (verb !== 'module')
    throw new FailureError('InvalidConfiguration', `prepare ${verb}: Pulumi knows only "module"`);
  const { locations, moduleDirectory, environment } = context;
  const description = describePulumiModule(readProject(moduleDirectory));
  write(locations.description, `${stringifyJson(description, 2)}\n`);
  const version = spawnSync('pulumi', ['version'], {
    env: { ...environment, PULUMI_SKIP_UPDATE_CHECK: 'true' },
    encoding: 'utf8',
  });
  if (version.status !== 0)
    throw new FailureError(
      'InvalidModule',
      'the image has no Pulumi CLI: build from a Pulumi base image',
    );
  write(join(locations.prepared, TOOL_VERSION_FILE), version.stdout.trim().replace(/^v/, ''));
}

function write(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
}
