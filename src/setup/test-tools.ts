import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { SetupContext } from './context.js';
import { installPackages } from './debian-packages.js';
import { goBuild } from './go-build.js';
import { versions } from './versions.js';

/** Path of an S3 server that keeps objects as files of a directory: `versitygw --port … posix DIRECTORY`. */
export function s3ServerExecutable(context: SetupContext): Promise<string> {
  return goBuild(context, {
    name: 'versitygw',
    version: versions.versitygw,
    package: 'github.com/versity/versitygw/cmd/versitygw',
  });
}

/** Path of Compose v2, usable as it is or as the plugin `docker-compose` of the docker command. */
export function composeExecutable(context: SetupContext): Promise<string> {
  return goBuild(context, {
    name: 'compose',
    version: versions.compose,
    package: 'github.com/docker/compose/v2/cmd',
    flags: [`-ldflags=-s -w -X github.com/docker/compose/v2/internal.Version=v${versions.compose}`],
    binary: 'docker-compose',
  });
}

/** Path of a Chromium that runs without a screen. */
export async function browserExecutable(context: SetupContext): Promise<string> {
  const executable = '/usr/bin/chromium';
  return context.steps.step('find Chromium', async (step) => {
    if (existsSync(executable)) step.markCached();
    else
      await installPackages(
        ['chromium', 'fonts-dejavu-core'],
        context.cacheDirectory,
        step.signal,
        step.progress,
      );
    return executable;
  });
}

/** Directory of PostgreSQL's programs (`initdb`, `postgres`, `psql`) on this Debian machine. */
export async function postgresPrograms(context: SetupContext): Promise<string> {
  const directory = `/usr/lib/postgresql/${versions.postgresMajor}/bin`;
  return context.steps.step(`find PostgreSQL ${versions.postgresMajor}`, async (step) => {
    if (existsSync(join(directory, 'postgres'))) step.markCached();
    else {
      const name = `postgresql-${versions.postgresMajor}`;
      await installPackages([name], context.cacheDirectory, step.signal, step.progress);
    }
    return directory;
  });
}
