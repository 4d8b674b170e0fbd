import type {
  Engine,
  ModuleDescription,
  ModuleRequest,
  ModuleResponse,
} from '../../src/contract/index.js';
import type { Locations, WorkspacePaths } from '../locations.js';
import type { EventStream } from '../output/event-stream.js';
import type { Journal } from '../output/journal.js';
import type { Interruption } from '../process/interruption.js';
import type { RunCommand } from '../process/run-command.js';
import type { Redactor } from '../redact/redactor.js';
import type { Timings } from '../timings.js';

/** What a run of an engine works with. */
export interface ToolContext {
  readonly locations: Locations;
  readonly paths: WorkspacePaths;
  /** The module's directory in the image (read-only); `paths.module` is where its writable copy goes. */
  readonly moduleDirectory: string;
  /** What `prepare` wrote at build; absent in images that were not prepared. */
  readonly description: ModuleDescription | undefined;
  /** The whole environment of the tool: image, request, credentials; the engine adds its own variables. */
  readonly environment: Readonly<Record<string, string>>;
  readonly events: EventStream;
  readonly redactor: Redactor;
  readonly interruption: Interruption;
  /** Runs one command of the tool; throws `FailureError` when it can't be started. */
  readonly run: RunCommand;
  readonly timings: Timings;
  /** To be told right before and right after every command that changes something. */
  readonly journal: Pick<Journal, 'mutating' | 'ended'>;
  /** Takes a state that can be written nowhere, so that it leaves the container in the sealed frame at least. */
  readonly rescueState: (state: Buffer) => void;
}

/** What `prepare` works with, as root, while the image is built. */
export interface PrepareContext {
  readonly locations: Locations;
  readonly moduleDirectory: string;
  /** Words after the verb on the command line. */
  readonly arguments: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** One IaC engine inside the module image. */
export interface EngineTool {
  readonly engine: Engine;
  /** True when the directory holds a module of this engine. */
  detect(moduleDirectory: string): boolean;
  /** Build-time step `verb` (`module`, and what the engine needs besides); output goes to the build log. Throws `FailureError`. */
  prepare(verb: string, context: PrepareContext): Promise<void>;
  /**
   * Does what the request asks. Resolves with the answer, failures of the tool included (`success: false` and `failure`);
   * throws `FailureError` only before anything was changed. Never starts a mutating command after `context.interruption.requested`.
   */
  run(context: ToolContext, request: ModuleRequest): Promise<ModuleResponse>;
}
