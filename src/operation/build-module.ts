/** The image of a module source: pulled, or built from a directory. */
import { isAbsolute, relative, resolve } from 'node:path';
import { imageAuth } from '../docker/image-auth.js';
import { parseReference } from '../docker/image-reference.js';
import { pullImage, type TransferEvent } from '../docker/push.js';
import { CodedError } from '../errors.js';
import { createBuilder } from '../standalone/builder.js';
import { checkInputs } from './check-inputs.js';
import type { OperationDependencies } from './dependencies.js';
import { withModuleFolder } from './module-folders.js';
import { resolveLocalImage } from './resolve-image.js';
import type { BuildRequest, BuiltModule, ResolvedImage } from './types.js';
import { unpackArchive } from './unpack-archive.js';

/** How a build, pull or push is ended and watched. */
export interface BuildControl {
  readonly signal: AbortSignal;
  /** Takes a line for the operation's log. */
  readonly onMessage: (text: string) => void;
}

/** Gets the image and checks the inputs against it. Throws `ModuleNotFound`, `InvalidModule`, `BuildFailed`, `InvalidInput`, … */
export async function buildModule(
  dependencies: OperationDependencies,
  { source, input }: BuildRequest,
  control: BuildControl,
): Promise<BuiltModule> {
  const built =
    'image' in source
      ? await pulled(dependencies, source.image, input.engine, control)
      : await withDirectory(dependencies, source, control, (directory) =>
          builtFrom(
            dependencies,
            { directory, platforms: source.platforms },
            input.engine,
            control,
          ),
        );
  await checkInputs(dependencies, built.image, input);
  return built;
}

/** Lines about a pull or push, without every step of every layer's progress. */
export function transferMessages(
  onMessage: BuildControl['onMessage'],
): (event: TransferEvent) => void {
  return ({ message, layer, current }) => {
    if (current === undefined) onMessage(layer === undefined ? message : `${layer} ${message}`);
  };
}

async function pulled(
  dependencies: OperationDependencies,
  reference: string,
  wanted: ResolvedImage['engine'] | undefined,
  { signal, onMessage }: BuildControl,
): Promise<BuiltModule> {
  const { engine } = dependencies;
  const present = await resolveLocalImage(engine, reference, wanted);
  if (present !== undefined) return { image: present, cached: true, push: false, notices: [] };
  if (reference.startsWith('sha256:')) {
    throw new CodedError(
      'ModuleNotFound',
      `image ${reference} is not on Docker engine ${engine.id} any more: name the module again`,
    );
  }
  const auth = await imageAuth(reference, dependencies.config.docker.environment);
  const { digest } = await pullImage(
    engine,
    { reference, auth },
    { signal, platform: engine.platform, onEvent: transferMessages(onMessage) },
  );
  const { repository } = parseReference(reference);
  const fixed = digest === undefined ? reference : `${repository}@${digest}`;
  const image = await resolveLocalImage(engine, fixed, wanted);
  if (image === undefined)
    throw new CodedError('ModuleNotFound', `image ${reference} was pulled and is not there`);
  return { image: { ...image, name: reference }, cached: false, push: false, notices: [] };
}

async function builtFrom(
  dependencies: OperationDependencies,
  { directory, platforms = [] }: { directory: string; platforms: readonly string[] | undefined },
  wanted: ResolvedImage['engine'] | undefined,
  { signal, onMessage }: BuildControl,
): Promise<BuiltModule> {
  const { engine, config } = dependencies;
  checkPushable(platforms, dependencies);
  const builder = await createBuilder({ engine, config });
  try {
    const result = await builder.build({
      moduleDir: directory,
      signal,
      onEvent: ({ message }) => onMessage(message),
      ...(platforms.length === 0 ? {} : { platforms }),
      ...(wanted === undefined ? {} : { engine: wanted }),
    });
    const image = await resolveLocalImage(engine, result.imageId, wanted);
    if (image === undefined)
      throw new CodedError('InternalError', `image ${result.reference} was built and is not there`);
    return {
      image: { ...image, name: result.reference },
      cached: result.cached,
      push: config.registry !== undefined,
      ...(platforms.length > 1 ? { platforms } : {}),
      notices: result.notices,
    };
  } finally {
    await builder.close();
  }
}

/** Images that the engine doesn't run are of use in a registry only, and one that it runs has to be among them. */
function checkPushable(
  platforms: readonly string[],
  { engine, config }: OperationDependencies,
): void {
  if (platforms.length === 0) return;
  if (!platforms.includes(engine.platform)) {
    throw new CodedError(
      'InvalidInput',
      `module.platforms: the operation runs on ${engine.platform}, so name that too`,
    );
  }
  if (platforms.length > 1 && config.registry === undefined) {
    throw new CodedError(
      'InvalidConfiguration',
      'module.platforms: images of several platforms are one in a registry only, and this worker has none; set CLDCTL_REGISTRY',
    );
  }
}

async function withDirectory<T>(
  { store, config }: OperationDependencies,
  source: { path: string } | { archive: string },
  { signal }: BuildControl,
  use: (directory: string) => Promise<T>,
): Promise<T> {
  if ('path' in source) return use(belowRoot(config.modulesRoot, source.path));
  const archive = await store.artefacts.get(source.archive);
  // Nobody waits for it any more when the store took its time.
  signal.throwIfAborted();
  return withModuleFolder(async (directory) => {
    await unpackArchive(archive, directory);
    return use(directory);
  });
}

function belowRoot(root: string | undefined, path: string): string {
  if (root === undefined) {
    throw new CodedError(
      'InvalidConfiguration',
      'module.path: this worker has no modules root; set CLDCTL_MODULES_ROOT, or name an image',
    );
  }
  const directory = resolve(root, path);
  const below = relative(root, directory);
  if (below.startsWith('..') || isAbsolute(below)) {
    throw new CodedError(
      'InvalidInput',
      `module.path: ${path} leads out of the worker's modules root`,
    );
  }
  return directory;
}
