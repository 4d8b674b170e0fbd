import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CodedError } from '../errors.js';
import { engineArchitecture, type Architecture } from './architecture.js';
import { buildContext } from './build-context.js';
import { bunExecutable } from './bun.js';
import { cached } from './cache.js';
import type { SetupContext } from './context.js';
import { entrypointDigest } from './entrypoint-sources.js';
import { buildInto, ensureImage, pulledImage } from './image-step.js';
import { runCommand } from './run-command.js';

/** Name that a Dockerfile's `COPY --from=cldctl-entrypoint /cldctl-entrypoint /cldctl-entrypoint` refers to. */
export const entrypointImageName = 'cldctl-entrypoint';

/**
 * Compiles `entrypoint/` into one executable for Linux; returns its path. Reproducible: equal sources and equal bun give equal bytes
 * (not with `--bytecode`). Without the two `--no-compile-autoload` flags a `.env` or `bunfig.toml` in a module's directory would be
 * obeyed inside PID 1 (bun 1.3.14).
 */
export async function entrypointExecutable(
  context: SetupContext,
  architecture: Architecture,
): Promise<string> {
  const source = join(context.root, 'entrypoint', 'main.ts');
  if (!existsSync(source))
    throw new CodedError('SetupFailed', `${source} is missing: install the package again`);
  const bun = await bunExecutable(context);
  return context.steps.step(`compile the entrypoint for ${architecture}`, async (step) => {
    const target = architecture === 'amd64' ? 'bun-linux-x64-baseline' : 'bun-linux-arm64';
    const flags = [
      '--compile',
      '--minify',
      '--no-compile-autoload-dotenv',
      '--no-compile-autoload-bunfig',
      `--target=${target}`,
    ];
    const key = {
      name: 'entrypoint',
      version: architecture,
      recipe: `${entrypointDigest(context.root)} ${flags.join(' ')}`,
    };
    const entry = await cached(
      context.cacheDirectory,
      key,
      { signal: step.signal },
      async (directory) => {
        const outfile = join(directory, 'cldctl-entrypoint');
        await runCommand(bun, ['build', ...flags, source, '--outfile', outfile], {
          cwd: directory,
          signal: step.signal,
          onLine: step.progress,
          env: compilerEnvironment(context),
        });
      },
    );
    if (entry.cached) step.markCached();
    return join(entry.path, 'cldctl-entrypoint');
  });
}

/** bun obeys variables of its own (`BUN_OPTIONS` among them): none of a person's reaches the compiler. Runtimes for other targets are cached with ours. */
function compilerEnvironment(context: SetupContext): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith('BUN_'));
  return {
    ...Object.fromEntries(own),
    BUN_INSTALL_CACHE_DIR: join(context.cacheDirectory, 'bun-targets'),
  };
}

/**
 * The scratch image that holds nothing but `/cldctl-entrypoint`, for the engine's processor or another one; that of the engine is also
 * tagged `cldctl-entrypoint:latest` for Dockerfiles that people write.
 */
export async function entrypointImage(
  context: SetupContext,
  architecture?: Architecture,
): Promise<string> {
  const replaced = context.baseImages['entrypoint'];
  if (replaced !== undefined) return pulledImage(context, replaced, architecture);
  const own = await engineArchitecture(context);
  const target = architecture ?? own;
  const digest = entrypointDigest(context.root).slice(0, 12);
  const reference = `${entrypointImageName}:${digest}${target === own ? '' : `-${target}`}`;
  return ensureImage(context, {
    step: `build the entrypoint image${target === own ? '' : ` for ${target}`}`,
    reference,
    ...(target === own ? { latest: true } : {}),
    make: async (engine, step) => {
      const executable = await entrypointExecutable(context, target);
      await buildInto(context, engine, step, {
        tag: reference,
        platform: `linux/${target}`,
        context: buildContext(
          join(context.root, 'images', 'entrypoint'),
          ['Dockerfile'],
          [{ name: 'cldctl-entrypoint', source: executable, executable: true }],
        ),
      });
    },
  });
}
