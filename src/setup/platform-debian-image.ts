import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { engineArchitecture, type Architecture } from './architecture.js';
import { buildContext } from './build-context.js';
import type { SetupContext } from './context.js';
import { cleaning, debianImage, debootstrap, ensureDebootstrap } from './debian-image.js';
import { buildInto, ensureImage, pulledImage } from './image-step.js';
import { runCommand } from './run-command.js';
import { versions } from './versions.js';

/** debootstrap leaves what its second stage works with, and a link where containers have a mount. */
const unfinished = 'rm -rf debootstrap proc && mkdir proc';

/**
 * The Debian part for another processor than the engine's: the public image, or the required packages unpacked. They are not configured,
 * and not updated since the last point release: both would run programs of that processor.
 */
export async function platformDebianImage(
  context: SetupContext,
  architecture: Architecture,
): Promise<string> {
  if (architecture === (await engineArchitecture(context))) return debianImage(context);
  if ((await context.route()) === 'public')
    return pulledImage(context, context.images.debian, architecture);
  const recipe = createHash('sha256').update(JSON.stringify({ cleaning, unfinished }));
  const reference = `cldctl-iac/debian-part:${versions.debianSuite}-${recipe.digest('hex').slice(0, 12)}-${architecture}`;
  return ensureImage(context, {
    step: `unpack a Debian ${versions.debianSuite} root file system for ${architecture}`,
    reference,
    make: async (engine, step) => {
      await ensureDebootstrap(context, step);
      const draft = join(context.cacheDirectory, 'drafts', `debian-part-${architecture}`);
      const directory = join(draft, 'root');
      const archive = join(draft, 'root.tar');
      await rm(draft, { recursive: true, force: true });
      await mkdir(directory, { recursive: true });
      try {
        const root = {
          directory,
          packages: `debian-packages-${architecture}`,
          options: ['--foreign', `--arch=${architecture}`],
        };
        await context.steps.heavy(() => debootstrap(context, root, step));
        await runCommand('sh', ['-c', `${cleaning} && ${unfinished}`], {
          cwd: directory,
          signal: step.signal,
        });
        await runCommand(
          'tar',
          ['-C', directory, '--numeric-owner', '--sort=name', '-cf', archive, '.'],
          { signal: step.signal },
        );
        await buildInto(context, engine, step, {
          tag: reference,
          platform: `linux/${architecture}`,
          context: buildContext(
            join(context.root, 'images', 'debian-part'),
            ['Dockerfile'],
            [{ name: 'root.tar', source: archive }],
          ),
        });
      } finally {
        await rm(draft, { recursive: true, force: true });
      }
    },
  });
}
