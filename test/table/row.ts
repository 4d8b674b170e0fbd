/** One row of the table of behaviours: a small module, and what happens to it step by step. */
import type { Json } from '../../src/contract/json.js';
import type { EngineOptions, ImportMapping, ModuleRequest } from '../../src/contract/request.js';
import type { ModuleResponse } from '../../src/contract/response.js';
import type { ErrorCode } from '../../src/contract/error-code.js';
import type { OutsideWorld } from '../support/outside-world.js';

export type Files = Readonly<Record<string, string>>;

/** A preview that is compared with the bare tool, and an apply of exactly that plan. */
export interface Step {
  /** The module from this step on; default: the step before's. */
  readonly files?: Files;
  readonly inputs?: Readonly<Record<string, Json>>;
  readonly secretInputs?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** What is previewed and then done; default `apply`. */
  readonly of?: NonNullable<ModuleRequest['preview_of']>;
  readonly options?: EngineOptions;
  readonly imports?: readonly ImportMapping[];
  /** Changes the outside world first. */
  readonly before?: (world: OutsideWorld) => void;
  /** The changes in the contract's words, in any order: `create terraform_data.a`. Absent: the preview fails. */
  readonly plan?: readonly string[] | ErrorCode;
  /** More that must hold of the preview. */
  readonly preview?: (response: ModuleResponse, world: OutsideWorld) => void;
  /** `ends` (default): the plan is applied and nothing is left to do; `moves-on`: applied, and more is to do; `fails`; `no`. */
  readonly apply?: 'ends' | 'moves-on' | 'fails' | 'no';
  /** More that must hold after the apply. */
  readonly applied?: (response: ModuleResponse, world: OutsideWorld) => void;
  /** Text that must be nowhere in previews, logs and failures. */
  readonly secrets?: readonly string[];
  /** The bare tool says more or less than the contract, for the reason that is written there: no comparison. */
  readonly incomparable?: string;
}

export interface Row {
  readonly name: string;
  /** Has things outside, so its containers have a network; all others run without any. */
  readonly outside?: boolean;
  readonly files: Files;
  readonly steps: readonly Step[];
}

/** `main.tf` beside the provider requirement of things outside. */
export function outside(main: string): Files {
  return {
    'versions.tf': `terraform {
  required_providers {
    outside = { source = "cldctl/outside" }
  }
}
`,
    'main.tf': main,
  };
}
