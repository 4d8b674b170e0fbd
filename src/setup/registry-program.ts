import { existsSync } from 'node:fs';
import { installPackages } from './debian-packages.js';
import type { SetupContext } from './context.js';
import { pulledImage } from './image-step.js';

/** How a registry can be run here: Debian's program, or the public image in a container. */
export type RegistryProgram =
  | { executable: string }
  | {
      image: string;
      /** Starts the container; returns what removes it. */
      start(publishedPort: number, htpasswd: string | undefined): Promise<() => Promise<void>>;
    };

const executable = '/usr/bin/docker-registry';

/** What `startRegistry` needs: Debian's `docker-registry` when it is installed or on the source route, else the public image. */
export async function registryProgram(context: SetupContext): Promise<RegistryProgram> {
  if (existsSync(executable)) return { executable };
  if ((await context.route()) === 'public')
    return containerProgram(context, await pulledImage(context, context.images.registry));
  return context.steps.step('install docker-registry', async (step) => {
    await installPackages(['docker-registry'], context.cacheDirectory, step.signal, step.progress);
    return { executable };
  });
}

function containerProgram(context: SetupContext, image: string): RegistryProgram {
  const path = 'cldctl/htpasswd';
  const authentication = {
    REGISTRY_AUTH: 'htpasswd',
    REGISTRY_AUTH_HTPASSWD_REALM: 'local',
    REGISTRY_AUTH_HTPASSWD_PATH: `/${path}`,
  };
  return {
    image,
    async start(publishedPort, htpasswd) {
      const engine = await context.engine();
      return engine.startService({
        image,
        role: 'registry',
        environment: {
          REGISTRY_STORAGE_DELETE_ENABLED: 'true',
          ...(htpasswd === undefined ? {} : authentication),
        },
        file: { path, bytes: htpasswd ?? '' },
        port: 5000,
        publishedPort,
      });
    },
  };
}
