/** The images of `docker-compose.yml`, where no registry is in reach: the same programs, started the same way. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buildContext, type ContextFile } from './build-context.js';
import type { SetupContext } from './context.js';
import { debianImage } from './debian-image.js';
import { goBuild } from './go-build.js';
import { buildInto, ensureImage } from './image-step.js';
import { temporalExecutable } from './temporal-executable.js';
import { versions } from './versions.js';

const SERVER = 'go.temporal.io/server';
const UI_SERVER = 'github.com/temporalio/ui-server/v2';

/** Temporal's server on PostgreSQL, with its schema tool, for `TEMPORAL_IMAGE`. */
export function temporalServerImage(context: SetupContext): Promise<string> {
  const tool = { name: 'temporal-server', version: versions.temporalServer };
  return composeImage(context, {
    folder: 'temporal',
    version: versions.temporalServer,
    files: ['Dockerfile', 'dynamicconfig.yaml', 'entrypoint.sh'],
    async programs() {
      const server = await goBuild(context, {
        ...tool,
        package: `${SERVER}/cmd/server`,
        scripts: { module: SERVER, paths: ['config/docker.yaml'] },
      });
      const sqlTool = await goBuild(context, {
        ...tool,
        package: `${SERVER}/cmd/tools/sql`,
        binary: 'temporal-sql-tool',
      });
      return [
        { name: 'temporal-server', source: server, executable: true },
        { name: 'temporal-sql-tool', source: sqlTool, executable: true },
        { name: 'temporal', source: await temporalExecutable(context), executable: true },
        { name: 'config.yaml', source: join(dirname(server), 'docker.yaml') },
      ];
    },
  });
}

/** Temporal's UI server, for `TEMPORAL_UI_IMAGE`. */
export function temporalUiImage(context: SetupContext): Promise<string> {
  return composeImage(context, {
    folder: 'temporal-ui',
    version: versions.temporalUi,
    files: ['Dockerfile'],
    async programs() {
      const server = await goBuild(context, {
        name: 'temporal-ui',
        version: versions.temporalUi,
        package: `${UI_SERVER}/cmd/server`,
        binary: 'ui-server',
        scripts: { module: UI_SERVER, paths: ['config/docker.yaml'] },
      });
      return [
        { name: 'ui-server', source: server, executable: true },
        { name: 'config.yaml', source: join(dirname(server), 'docker.yaml') },
      ];
    },
  });
}

/** Debian's registry, for `REGISTRY_IMAGE`. */
export function registryImage(context: SetupContext): Promise<string> {
  return composeImage(context, {
    folder: 'registry',
    version: versions.debianSuite,
    files: ['Dockerfile', 'config.yml'],
    programs: () => Promise.resolve([]),
  });
}

interface ComposeImage {
  /** Folder in `images/`. */
  readonly folder: string;
  readonly version: string;
  readonly files: readonly string[];
  /** Called only when the image has to be built. */
  programs(): Promise<ContextFile[]>;
}

function composeImage(context: SetupContext, image: ComposeImage): Promise<string> {
  const folder = join(context.root, 'images', image.folder);
  const recipe = createHash('sha256').update(image.version);
  for (const name of image.files) recipe.update(readFileSync(join(folder, name)));
  const reference = `cldctl-iac/${image.folder}:${image.version}-${recipe.digest('hex').slice(0, 12)}`;
  return ensureImage(context, {
    step: `build image ${image.folder}`,
    reference,
    make: async (engine, step) => {
      const programs = await image.programs();
      await buildInto(context, engine, step, {
        tag: reference,
        context: buildContext(folder, image.files, programs),
        buildArgs: { DEBIAN: await debianImage(context) },
      });
    },
  });
}
