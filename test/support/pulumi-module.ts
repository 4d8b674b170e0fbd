/** Images of small Pulumi modules, through the Dockerfiles that the product writes. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { pack } from 'tar-stream';
import { parsePulumiProject } from '../../src/contract/pulumi-project.js';
import { detectPulumiDependencies } from '../../src/detect/pulumi-dependencies.js';
import { buildImage } from '../../src/docker/build.js';
import type { Engine } from '../../src/docker/engine.js';
import { renderPulumiDockerfile } from '../../src/dockerfile/pulumi-dockerfile.js';
import { outsidePulumiPlugin } from './outside-provider.js';

type Files = Readonly<Record<string, string | Buffer>>;

/** A base image that also has the plugin of the test provider. */
export async function withOutsidePlugin(
  engine: Engine,
  base: string,
  signal: AbortSignal,
): Promise<string> {
  const plugin = readFileSync(join(await outsidePulumiPlugin(), 'pulumi-resource-outside'));
  const dockerfile = `FROM ${base}\nCOPY pulumi-resource-outside /usr/local/bin/pulumi-resource-outside\n`;
  return build(
    engine,
    'outside',
    { Dockerfile: dockerfile, 'pulumi-resource-outside': plugin },
    signal,
  );
}

/** The image of a module with these files. */
export async function pulumiModuleImage(
  engine: Engine,
  base: string,
  files: Files,
  signal: AbortSignal,
): Promise<string> {
  const project = parsePulumiProject(String(files['Pulumi.yaml']), 'Pulumi.yaml');
  const certificates = extraCertificates();
  const dockerfile = renderPulumiDockerfile({
    base,
    module: 'module',
    labels: { 'dev.cldctl.engine': 'pulumi' },
    dependencies: detectPulumiDependencies(project, Object.keys(files)),
    ...(certificates === undefined ? {} : { certificates: '.certificates.pem' }),
  });
  return build(
    engine,
    'module',
    {
      ...Object.fromEntries(
        Object.entries(files).map(([name, content]) => [`module/${name}`, content]),
      ),
      Dockerfile: dockerfile,
      ...(certificates === undefined ? {} : { '.certificates.pem': certificates }),
    },
    signal,
  );
}

/** What this machine's package managers trust besides the public certificates. */
function extraCertificates(): Buffer | undefined {
  const path = process.env['NODE_EXTRA_CA_CERTS'];
  return path !== undefined && existsSync(path) ? readFileSync(path) : undefined;
}

async function build(
  engine: Engine,
  purpose: string,
  files: Files,
  signal: AbortSignal,
): Promise<string> {
  const recipe = createHash('sha256');
  const context = pack();
  for (const [name, content] of Object.entries(files)) {
    recipe.update(`${name}\0`).update(content);
    context.entry(
      { name, mode: name.startsWith('pulumi-resource-') ? 0o755 : 0o644, mtime: new Date(0) },
      content,
    );
  }
  context.finalize();
  const tag = `cldctl-test/pulumi-${purpose}:${recipe.digest('hex').slice(0, 12)}`;
  const bytes: Buffer[] = [];
  for await (const chunk of context) bytes.push(chunk as Buffer);
  await buildImage(
    engine,
    { context: Buffer.concat(bytes), dockerfile: 'Dockerfile', tags: [tag] },
    { signal },
  );
  return tag;
}
