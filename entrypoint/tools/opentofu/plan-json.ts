import type { Json } from '../../../src/contract/index.js';

/** A mask over a value: `true` where it applies; `false`, absent, or structure around deeper masks. */
export type Mask = Json | undefined;

/** `change` of `tofu show -json` (format 1.2). */
export interface PlanChangeJson {
  readonly actions: readonly string[];
  readonly before?: Json;
  readonly after?: Json;
  readonly after_unknown?: Json;
  readonly before_sensitive?: Json;
  readonly after_sensitive?: Json;
  readonly replace_paths?: readonly (readonly (string | number)[])[];
  readonly importing?: { readonly id?: string; readonly identity?: Json };
}

/** One entry of `resource_changes` or `resource_drift`. */
export interface ResourceChangeJson {
  readonly address: string;
  readonly previous_address?: string;
  readonly type?: string;
  readonly deposed?: string;
  readonly action_reason?: string;
  readonly change: PlanChangeJson;
}

/** One entry of `checks`. */
export interface CheckJson {
  readonly address: { readonly to_display: string };
  readonly status: string;
  readonly instances?: readonly {
    readonly address: { readonly to_display: string };
    readonly status: string;
    readonly problems?: readonly { readonly message: string }[];
  }[];
}

/** The parts of `tofu show -json -plan` that are read. */
export interface PlanJson {
  readonly errored?: boolean;
  readonly resource_changes?: readonly ResourceChangeJson[];
  readonly resource_drift?: readonly ResourceChangeJson[];
  readonly output_changes?: Readonly<Record<string, PlanChangeJson>>;
  readonly checks?: readonly CheckJson[];
}
