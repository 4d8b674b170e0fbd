/** Ways to run infrastructure code, by name; the one there is runs it in containers. */
import type { Action } from '../contract/change.js';
import type { ModuleRequest } from '../contract/request.js';
import type { ModuleResponse } from '../contract/response.js';
import { CodedError } from '../errors.js';
import { createExecutor, type ExecuteOptions, type ExecutorOptions } from './executor.js';

/** What a plugin is asked: a module's image, and a request without its action. */
export interface RunOptions
  extends
    Omit<ModuleRequest, 'action' | 'state' | 'credentials'>,
    Omit<ExecuteOptions, 'image' | 'request'> {
  /** Reference of the module's image. */
  readonly moduleSource: string;
}

/** One way to run infrastructure code. */
export type Plugin = Readonly<Record<Action, (options: RunOptions) => Promise<ModuleResponse>>>;

export interface PluginRegistry {
  /** Throws `InvalidInput` that names the plugins there are. */
  get(name: string): Plugin;
  register(name: string, plugin: Plugin): void;
}

/** A registry with the plugin `container`. */
export function createPluginRegistry(options: ExecutorOptions = {}): PluginRegistry {
  const plugins = new Map<string, Plugin>([['container', containerPlugin(options)]]);
  return {
    get(name) {
      const plugin = plugins.get(name);
      if (plugin !== undefined) return plugin;
      throw new CodedError(
        'InvalidInput',
        `there is no plugin ${JSON.stringify(name)}; there is: ${[...plugins.keys()].join(', ')}`,
      );
    },
    register: (name, plugin) => void plugins.set(name, plugin),
  };
}

function containerPlugin(executorOptions: ExecutorOptions): Plugin {
  const run =
    (action: Action) =>
    async ({
      moduleSource,
      state,
      limits,
      dockerSocket,
      signal,
      onLog,
      onEvent,
      credentials,
      ...request
    }: RunOptions): Promise<ModuleResponse> => {
      const executor = await createExecutor(executorOptions);
      try {
        return await executor.execute({
          image: moduleSource,
          request: { ...request, action },
          ...(credentials === undefined ? {} : { credentials }),
          ...(state === undefined ? {} : { state }),
          ...(limits === undefined ? {} : { limits }),
          ...(dockerSocket === undefined ? {} : { dockerSocket }),
          ...(signal === undefined ? {} : { signal }),
          ...(onLog === undefined ? {} : { onLog }),
          ...(onEvent === undefined ? {} : { onEvent }),
        });
      } finally {
        await executor.close();
      }
    };
  return {
    preview: run('preview'),
    apply: run('apply'),
    destroy: run('destroy'),
    refresh: run('refresh'),
    import: run('import'),
  };
}
