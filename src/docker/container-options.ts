/** The create call of a module container: what it may do, and nothing else. */
import { createHash } from 'node:crypto';
import type Docker from 'dockerode';
import type { Engine } from './engine.js';
import { createLabels } from './labels.js';
import type { ModuleImage } from './module-image.js';
import type { ModuleRun } from './module-run.js';

/** The user of every image of ours, and owner of its `/workspace`. */
export const MODULE_USER = 10001;
export const ENTRYPOINT = '/cldctl-entrypoint';

/**
 * Variables of an image that would change what the entrypoint itself is or does (its runtime and the loader obey them).
 * `BUN_JSC_*` alone makes the prefix necessary.
 */
const UNSET = /^(BUN_|NODE_|LD_|GLIBC_|MALLOC_|CLDCTL_)/;

/** Labels of a caller that tell one run of a name from another; ids of a retry or a workflow run do not. */
const IDENTIFYING = ['plan-digest', 'attempt', 'operation'].map((name) => `dev.cldctl.${name}`);

/** Names what has to be equal for a container found by name to be the one of this call; knows no secret. */
export function specHash(run: ModuleRun): string {
  const { image, labels, workspace, limits, dockerSocket } = run;
  const spec = JSON.stringify([
    image,
    IDENTIFYING.map((name) => labels[name] ?? null),
    workspace.kind === 'volume' ? workspace.name : null,
    limits.memory,
    limits.cpus,
    limits.pids,
    limits.network,
    dockerSocket ?? null,
  ]);
  return createHash('sha256').update(spec).digest('hex').slice(0, 32);
}

/** Builds the options of the create call; an image of the seed's form keeps its user, folder and writable root. */
export function containerOptions(
  engine: Engine,
  image: ModuleImage,
  run: ModuleRun,
  networkMode: string,
): Docker.ContainerCreateOptions {
  const own = image.form === 'contract';
  const labels = { ...createLabels({ specHash: specHash(run) }), ...run.labels };
  return {
    name: run.name,
    Image: image.id,
    // The hostname is what a tool's state lock names as its holder.
    Hostname: hostnameOf(run.name),
    Entrypoint: [ENTRYPOINT],
    // A bare name removes the image's variable.
    Env: [
      ...image.environment.filter((name) => UNSET.test(name)),
      ...(own ? ['CLDCTL_INPUT=stdin'] : []),
    ],
    ...(own
      ? {
          User: `${MODULE_USER}:${MODULE_USER}`,
          OpenStdin: true,
          StdinOnce: true,
        }
      : {}),
    Labels: labels,
    Healthcheck: { Test: ['NONE'] },
    StopSignal: 'SIGINT',
    StopTimeout: Math.ceil(run.stopGraceMs / 1000),
    HostConfig: {
      NetworkMode: networkMode,
      ReadonlyRootfs: own,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges'],
      PidsLimit: run.limits.pids,
      Memory: run.limits.memory,
      MemorySwap: run.limits.memory,
      NanoCpus: Math.round(Math.min(run.limits.cpus, engine.cpus) * 1e9),
      Ulimits: [
        // An engine can't give more than it has itself, and some have 20,000.
        { Name: 'nofile', Soft: 16_384, Hard: 16_384 },
        { Name: 'core', Soft: 0, Hard: 0 },
      ],
      Tmpfs: { '/tmp': 'rw,noexec,nosuid,nodev,size=256m,mode=1777' },
      Mounts: [
        {
          Type: 'volume',
          Target: '/workspace',
          Source: run.workspace.kind === 'volume' ? run.workspace.name : '',
          VolumeOptions: {
            NoCopy: false,
            Labels:
              run.workspace.kind === 'volume' && run.workspace.labels !== undefined
                ? { ...createLabels({}), ...run.workspace.labels }
                : labels,
            DriverConfig: { Name: 'local', Options: {} },
          },
        },
        ...(run.dockerSocket === undefined
          ? []
          : [
              {
                Type: 'bind' as const,
                Source: run.dockerSocket.path,
                Target: '/var/run/docker.sock',
                ReadOnly: false,
              },
            ]),
      ],
      ...(run.dockerSocket === undefined ? {} : { GroupAdd: [String(run.dockerSocket.groupId)] }),
      // Every option is said, because the daemon's own defaults would rotate early, compress or drop lines.
      LogConfig: {
        Type: 'json-file',
        Config: { 'max-size': '1g', 'max-file': '2', compress: 'false', mode: 'blocking' },
      },
    },
  };
}

/** The hostname of a container of that name. */
export function hostnameOf(name: string): string {
  const plain = name.replace(/[^A-Za-z0-9-]/g, '-');
  if (plain.length <= 63) return plain;
  return `${plain.slice(0, 50)}-${createHash('sha256').update(name).digest('hex').slice(0, 12)}`;
}
