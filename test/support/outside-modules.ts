/** Modules of both tools whose things are in the outside world, and their images. */
import { loadConfig } from '../../src/config.js';
import type { OperationInput } from '../../src/contract/operation.js';
import type { Engine } from '../../src/docker/engine.js';
import { prepareLocalSystem } from '../../src/setup/prepare-local-system.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { moduleImages } from '../table/module-image.js';
import { outside } from '../table/row.js';
import { outsideProviderMirror } from './outside-provider.js';
import type { OutsideWorld } from './outside-world.js';
import { pulumiModuleImage, withOutsidePlugin } from './pulumi-module.js';

export const TOOLS = ['opentofu', 'pulumi'] as const;
export type Tool = (typeof TOOLS)[number];

/** Things of the chain, each made after the one before; outside they are called `<stack>-<name>`. */
export const NAMES = ['a', 'b', 'c'] as const;

/** One module in both tools' languages: files of OpenTofu, and a `Pulumi.yaml`. */
export interface ModuleSources {
  readonly opentofu: ReturnType<typeof outside>;
  readonly pulumi: string;
}

/** A module with the chain; its one input is `stack`. */
export const CHAIN: ModuleSources = {
  opentofu: outside(`
variable "stack" { type = string }
${NAMES.map(
  (name, index) => `resource "outside_thing" "${name}" {
  name       = "\${var.stack}-${name}"
  value      = "1"
  ${index === 0 ? '' : `depends_on = [outside_thing.${NAMES[index - 1]}]`}
}`,
).join('\n')}
`),
  pulumi: `name: chain
runtime: yaml
config:
  stack: {type: string}
resources:
${NAMES.map(
  (name, index) => `  ${name}:
    type: outside:index:Thing
    properties: {name: "\${stack}-${name}", value: one}
${index === 0 ? '' : `    options: {dependsOn: ["\${${NAMES[index - 1]}}"]}`}`,
).join('\n')}
`,
};

/** An apply of the chain in a container without a network, which nobody has to approve. */
export function applyChain(
  { withoutNetwork: { environment } }: OutsideWorld,
  stackId: string,
  image: string,
  more: Partial<OperationInput> = {},
): OperationInput {
  return {
    ...chain(environment, stackId, image),
    limits: { network: 'none' },
    ...more,
    options: { dockerSocket: true, ...more.options },
  };
}

/** The same in a container that reaches the servers of this machine. */
export function applyChainOverNetwork(
  { containerEnvironment }: OutsideWorld,
  stackId: string,
  image: string,
  more: Partial<OperationInput> = {},
): OperationInput {
  return { ...chain(containerEnvironment, stackId, image), ...more };
}

function chain(
  environment: Record<string, string>,
  stackId: string,
  image: string,
): OperationInput {
  return {
    stackId,
    operation: 'apply',
    module: { image },
    inputs: { stack: stackId },
    environment,
    approval: { mode: 'auto', expiresIn: '1h' },
  };
}

/** Makes the images of one module, one for each tool. */
export async function outsideModuleImages(
  engine: Engine,
  sources: ModuleSources,
  signal: AbortSignal,
): Promise<Record<Tool, string>> {
  const bases = await prepareLocalSystem({
    ...setupSettings(loadConfig(process.env)),
    need: ['opentofu', 'pulumi-yaml'],
    signal,
    report: () => undefined,
  });
  const mirror = await outsideProviderMirror();
  const plugged = await withOutsidePlugin(engine, bases['pulumi-yaml'], signal);
  return {
    opentofu: await moduleImages(engine, bases.opentofu, mirror, signal)(sources.opentofu),
    pulumi: await pulumiModuleImage(engine, plugged, { 'Pulumi.yaml': sources.pulumi }, signal),
  };
}
