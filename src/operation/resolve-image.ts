/** An image reference as what containers are created from: fixed to what it names now. */
import { engineSchema } from '../contract/module-schema.js';
import type { OperationInput } from '../contract/operation.js';
import type { Engine } from '../docker/engine.js';
import { LABEL } from '../docker/labels.js';
import { inspectModuleImage } from '../docker/module-image.js';
import { CodedError } from '../errors.js';
import type { ResolvedImage } from './types.js';

/**
 * Resolves an image that the engine has; undefined when it has to be pulled first.
 * Throws `InvalidModule` for another platform or contract, or another engine than asked for.
 */
export async function resolveLocalImage(
  engine: Engine,
  reference: string,
  wanted: OperationInput['engine'],
): Promise<ResolvedImage | undefined> {
  const image = await inspectModuleImage(engine, reference).catch((error: unknown) => {
    if (error instanceof CodedError && error.code === 'ModuleNotFound') return undefined;
    throw error;
  });
  if (image === undefined) return undefined;
  const label = engineSchema.safeParse(image.labels[LABEL.engine]).data;
  const tool = label ?? wanted;
  if (tool === undefined) {
    throw new CodedError(
      'InvalidModule',
      `image ${reference} does not say its engine (label ${LABEL.engine}); name it: engine: opentofu or pulumi`,
    );
  }
  if (wanted !== undefined && wanted !== tool) {
    throw new CodedError(
      'InvalidInput',
      `engine: image ${reference} is of engine ${tool}, not ${wanted}`,
    );
  }
  return {
    reference: reference.includes('@sha256:') ? reference : image.id,
    imageId: image.id,
    name: reference,
    engine: tool,
  };
}
