import { FailureError } from './failure-error.js';
import type { Locations } from './locations.js';
import { imageEnvironment } from './process/environment.js';
import { findModule } from './tools/index.js';
import type { EngineTool } from './tools/tool.js';

/**
 * `cldctl-entrypoint prepare [ENGINE] VERB [ARGUMENT…]`, run while a module image is built: `module` bakes the module, other verbs are
 * the engine's own. Without an engine it is found from the module. Throws `FailureError`.
 */
export async function prepare(
  words: readonly string[],
  deps: {
    readonly locations: Locations;
    readonly tools: readonly EngineTool[];
    readonly environment: NodeJS.ProcessEnv;
  },
): Promise<void> {
  const named = deps.tools.find((tool) => tool.engine === words[0]);
  const [verb = 'module', ...rest] = named === undefined ? words : words.slice(1);
  const found =
    named === undefined
      ? findModule(deps.tools, deps.locations.modules)
      : { tool: named, directory: deps.locations.modules[0] };
  if (found.directory === undefined) throw new FailureError('InvalidModule', 'no module directory');
  await found.tool.prepare(verb, {
    locations: deps.locations,
    moduleDirectory: found.directory,
    arguments: rest,
    environment: { HOME: '/tmp', ...imageEnvironment(deps.environment) },
  });
}
