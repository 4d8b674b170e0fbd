import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { ReadableStream } from 'node:stream/web';
import { pipeline } from 'node:stream/promises';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { CodedError } from '../errors.js';
import { cached } from './cache.js';
import type { SetupContext } from './context.js';
import { goBuild } from './go-build.js';
import { runCommand } from './run-command.js';
import { versions } from './versions.js';

/** Path of Temporal's command, whose `server start-dev` is the embedded server: downloaded on the public route, else built. */
export async function temporalExecutable(context: SetupContext): Promise<string> {
  if ((await context.route()) === 'source')
    return goBuild(context, {
      name: 'temporal',
      version: versions.temporal,
      package: 'github.com/temporalio/cli/cmd/temporal',
    });
  return context.steps.step(`download temporal ${versions.temporal}`, async (step) => {
    const platform = process.platform === 'win32' ? 'windows' : process.platform;
    const architecture = process.arch === 'x64' ? 'amd64' : process.arch;
    const query = `platform=${platform}&arch=${architecture}&format=tar.gz`;
    const url = `${context.images.temporalDownload}/v${versions.temporal}?${query}`;
    const key = { name: 'temporal', version: versions.temporal, recipe: `download ${query}` };
    const entry = await cached(
      context.cacheDirectory,
      key,
      { signal: step.signal },
      async (directory) => {
        const archive = join(directory, 'temporal.tar.gz');
        const answer = await fetch(url, { signal: step.signal });
        if (!answer.ok || answer.body === null)
          throw new CodedError(
            'SetupFailed',
            `${url} answered ${answer.status}: set TEMPORAL_ADDRESS to use a running server, or CLDCTL_ROUTE=source`,
          );
        await pipeline(Readable.fromWeb(answer.body as ReadableStream), createWriteStream(archive));
        await runCommand('tar', ['-xzf', archive, '-C', directory, 'temporal'], {
          signal: step.signal,
        });
        await rm(archive);
      },
    );
    if (entry.cached) step.markCached();
    return join(entry.path, 'temporal');
  });
}
