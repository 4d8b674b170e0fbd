import { join } from 'node:path';
import {
  baseImageName,
  baseImageReference,
  baseImageToolVersion,
  type BaseEngine,
  type BaseRuntime,
} from './base-images.js';
import { buildContext } from './build-context.js';
import type { SetupContext } from './context.js';
import { debianImage } from './debian-image.js';
import { entrypointImage } from './entrypoint-image.js';
import { buildInto, ensureImage, pulledImage } from './image-step.js';
import { opentofuPart } from './opentofu.js';
import { pulumiParts } from './pulumi.js';
import { contractVersion } from './versions.js';

/**
 * The base image of an engine (and Pulumi runtime): the configured one, else built from its parts when the engine doesn't have it. Returns its
 * reference; it is also tagged `cldctl-iac/<name>:latest`, for Dockerfiles that people write.
 */
export async function ensureBaseImage(
  context: SetupContext,
  engineName: BaseEngine,
  runtime?: BaseRuntime,
): Promise<string> {
  const name = baseImageName(engineName, runtime);
  const replaced = context.baseImages[name];
  if (replaced !== undefined) return pulledImage(context, replaced);
  const reference = baseImageReference(engineName, runtime, context.root);
  return ensureImage(context, {
    step: `build base image ${name}`,
    reference,
    latest: true,
    make: async (engine, step) => {
      const [debian, entrypoint, tools] = await Promise.all([
        debianImage(context),
        entrypointImage(context),
        engineName === 'opentofu'
          ? opentofuParts(context)
          : pulumiParts(context, runtime ?? 'yaml'),
      ]);
      await buildInto(context, engine, step, {
        tag: reference,
        context: buildContext(join(context.root, 'images', name), ['Dockerfile']),
        buildArgs: { DEBIAN: debian, ENTRYPOINT: entrypoint, ...tools },
        labels: baseImageLabels(engineName, runtime),
      });
    },
  });
}

/** What a base image says about itself. */
export function baseImageLabels(engine: BaseEngine, runtime?: BaseRuntime): Record<string, string> {
  return {
    'dev.cldctl.engine': engine,
    'dev.cldctl.tool-version': baseImageToolVersion(engine),
    'dev.cldctl.contract': contractVersion,
    ...(runtime === undefined ? {} : { 'dev.cldctl.runtime': runtime }),
  };
}

async function opentofuParts(context: SetupContext): Promise<Record<string, string>> {
  return { OPENTOFU: await opentofuPart(context) };
}
