import type { Readable } from 'node:stream';
import { join } from 'node:path';
import { engineArchitecture, type Architecture } from './architecture.js';
import type { SetupContext } from './context.js';
import { withLock } from './lock.js';
import type { SetupEngine } from './engine-api.js';
import type { StepContext } from './steps.js';

/** How to make an image that the engine doesn't have. */
export interface ImageRecipe {
  /** What people read while it is made. */
  step: string;
  reference: string;
  /** Also tagged `latest`, for Dockerfiles that people write. */
  latest?: true;
  /** Makes `reference`; runs under a lock, and in one of the set-up's slots. */
  make(engine: SetupEngine, step: StepContext): Promise<void>;
}

/** The image under its content-addressed reference: found in the engine, or made now. */
export function ensureImage(context: SetupContext, recipe: ImageRecipe): Promise<string> {
  return context.steps.step(recipe.step, async (step) => {
    const engine = await context.engine();
    const { reference } = recipe;
    if (await engine.hasImage(reference)) step.markCached();
    else {
      const lock = join(
        context.cacheDirectory,
        'locks',
        `image-${reference.replace(/[/:]/g, '-')}.lock`,
      );
      const options = {
        signal: step.signal,
        onWait: (holder: { pid: number }) => step.progress(`process ${holder.pid} is at it`),
      };
      await withLock(lock, options, async () => {
        if (await engine.hasImage(reference)) step.markCached();
        else await recipe.make(engine, step);
      });
    }
    if (recipe.latest) await engine.tag(reference, reference.replace(/:[^:/]*$/, ''), 'latest');
    return reference;
  });
}

/**
 * A public image (or its mirror), pulled when the engine doesn't have it; one for another processor than the engine's gets a name of its
 * own.
 */
export async function pulledImage(
  context: SetupContext,
  reference: string,
  architecture?: Architecture,
): Promise<string> {
  if (architecture !== undefined && architecture !== (await engineArchitecture(context))) {
    const as = `cldctl-iac/${architecture}/${reference.replace(/[^a-z0-9.]+/g, '-')}`;
    const image = { reference, platform: `linux/${architecture}`, as };
    return ensureImage(context, {
      step: `pull ${reference} for ${architecture}`,
      reference: as,
      make: (engine, step) => engine.pullPlatform(image, step.signal, step.progress),
    });
  }
  return ensureImage(context, {
    step: `pull ${reference}`,
    reference,
    make: (engine, step) => engine.pull(reference, step.signal, step.progress),
  });
}

/** Builds an image from a packed context, with the build arguments that are given plus the proxy settings of this process. */
export async function buildInto(
  context: SetupContext,
  engine: SetupEngine,
  step: StepContext,
  options: {
    tag: string;
    context: Readable;
    buildArgs?: Record<string, string>;
    labels?: Record<string, string>;
    platform?: string;
    /** Default: `Dockerfile`. */
    dockerfile?: string;
  },
): Promise<void> {
  const proxies: Record<string, string> = {};
  for (const name of [
    'http_proxy',
    'https_proxy',
    'no_proxy',
    'HTTP_PROXY',
    'HTTPS_PROXY',
    'NO_PROXY',
  ]) {
    const value = process.env[name];
    if (value !== undefined) proxies[name] = value;
  }
  await context.steps.heavy(() =>
    engine.build({
      ...options,
      buildArgs: { ...proxies, ...options.buildArgs },
      signal: step.signal,
      progress: step.progress,
    }),
  );
}
