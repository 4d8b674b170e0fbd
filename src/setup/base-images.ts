import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { entrypointDigest } from './entrypoint-sources.js';
import { packageRoot } from './package-root.js';
import { contractVersion, versions } from './versions.js';

/** Engines a base image exists for. */
export type BaseEngine = 'opentofu' | 'pulumi';
/** Pulumi runtimes a base image exists for. */
export type BaseRuntime = 'nodejs' | 'python' | 'go' | 'yaml';

/** The folder below `images/` that a base image is built from, also the last part of its repository name. */
export function baseImageName(engine: BaseEngine, runtime?: BaseRuntime): string {
  if (engine === 'opentofu') return 'opentofu';
  if (runtime === undefined) throw new Error('a Pulumi base image is named by engine and runtime');
  return `pulumi-${runtime}`;
}

/** Version of the IaC tool in a base image, as its label `dev.cldctl.tool-version` says it. */
export function baseImageToolVersion(engine: BaseEngine): string {
  return engine === 'opentofu' ? versions.opentofu : versions.pulumi;
}

/**
 * Tag of the base image for an engine (and Pulumi runtime): `cldctl-iac/opentofu:1.12.6-<12 hex>`, where the digits are a digest of
 * the recipe, the pinned versions and the entrypoint's sources. Reads package files only, so it is the same in a clone and an installed
 * package, and on either route.
 */
export function baseImageReference(
  engine: BaseEngine,
  runtime?: BaseRuntime,
  root: string = packageRoot(),
): string {
  const name = baseImageName(engine, runtime);
  const recipe = readFileSync(join(root, 'images', name, 'Dockerfile'), 'utf8');
  const digest = createHash('sha256')
    .update(
      JSON.stringify({
        recipe,
        versions: versionsInside(engine, runtime),
        contractVersion,
        entrypoint: entrypointDigest(root),
      }),
    )
    .digest('hex');
  return `cldctl-iac/${name}:${baseImageToolVersion(engine)}-${digest.slice(0, 12)}`;
}

function versionsInside(
  engine: BaseEngine,
  runtime: BaseRuntime | undefined,
): Record<string, string> {
  const common = { debian: versions.debianSuite, tool: baseImageToolVersion(engine) };
  switch (runtime) {
    case 'nodejs':
      return { ...common, node: versions.node, npm: versions.npm };
    case 'go':
      return { ...common, go: versions.go };
    case 'python':
    case 'yaml':
    case undefined:
      return common;
  }
}
