import { CodedError } from '../errors.js';
import { contextTree } from './build-context.js';
import type { SetupContext } from './context.js';
import { pulledImage } from './image-step.js';
import { partImage } from './part-image.js';
import { runCommand } from './run-command.js';
import { versions } from './versions.js';

/** What a compiler of programs doesn't read. */
const kept = ['bin', 'pkg', 'src', 'lib', 'go.env', 'VERSION', 'LICENSE'];

/** An image with the Go toolchain in `/usr/local/go`: the public one, or this machine's own. */
export async function goToolchainPart(context: SetupContext): Promise<string> {
  if ((await context.route()) === 'public') return pulledImage(context, context.images.go);
  const signal = context.steps.signal;
  const [root = '', version = ''] = (
    await runCommand('go', ['env', 'GOROOT', 'GOVERSION'], { signal })
  ).split('\n');
  if (process.platform !== 'linux')
    throw new CodedError(
      'SetupFailed',
      'a Go toolchain for images can be taken from a Linux machine only: set CLDCTL_GO_IMAGE',
    );
  return partImage(context, {
    folder: 'go-part',
    name: 'go-part',
    version: version.trim(),
    recipe: `${versions.go} ${kept.join(' ')}`,
    async files() {
      const files = await contextTree('go', root.trim());
      return files.filter(
        ({ name }) => kept.includes(name.split('/')[1] ?? '') && !name.endsWith('_test.go'),
      );
    },
  });
}
