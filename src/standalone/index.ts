/** `cldctl-iac`: build and run module images without Temporal. */
export {
  createBuilder,
  type BuildEvent,
  type BuildOptions,
  type BuildResult,
  type BuiltImage,
  type Builder,
  type BuilderOptions,
} from './builder.js';
export type { PushOptions } from './push-built.js';
export {
  createExecutor,
  type ExecuteOptions,
  type Executor,
  type ExecutorOptions,
} from './executor.js';
export {
  createPluginRegistry,
  type Plugin,
  type PluginRegistry,
  type RunOptions,
} from './plugin-registry.js';
