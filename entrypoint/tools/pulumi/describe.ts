/** What a Pulumi module takes and gives. */
import type { Json, ModuleDescription } from '../../../src/contract/index.js';
import { runtimeSchema } from '../../../src/contract/index.js';
import { isRequiredConfig, type PulumiProject } from '../../../src/contract/pulumi-project.js';
import { FailureError } from '../../failure-error.js';
import { configTypeName } from './config-type.js';

/** The module's description; a program may read configuration that its project file doesn't declare. Throws `InvalidModule`. */
export function describePulumiModule(project: PulumiProject): ModuleDescription {
  const runtime = runtimeSchema.safeParse(project.runtime);
  if (!runtime.success)
    throw new FailureError(
      'InvalidModule',
      `Pulumi runtime ${project.runtime} is not supported: use ${runtimeSchema.options.join(', ')}`,
    );
  const variables = Object.entries(project.config).map(([name, config]) => {
    const preset = (config.value ?? config.default) as Json | undefined;
    return [
      name,
      {
        required: isRequiredConfig(project.name, name, config),
        ...(config.type === undefined ? {} : { type: configTypeName(config) }),
        ...(config.description === undefined ? {} : { description: config.description }),
        ...(preset === undefined || config.secret === true ? {} : { default: preset }),
        ...(config.secret === true ? { sensitive: true } : {}),
      },
    ];
  });
  return {
    engine: 'pulumi',
    runtime: runtime.data,
    project: project.name,
    variables: Object.fromEntries(variables) as ModuleDescription['variables'],
    outputs: Object.fromEntries(project.outputs.map((name) => [name, {}])),
  };
}
