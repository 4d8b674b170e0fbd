/** `/workspace/input.json`: what the executor asks of a module image. */
import * as z from 'zod';
import { actionSchema, jsonSchema } from './change.js';
import { recordOf } from './record-of.js';
import { CONTRACT_VERSION } from './version.js';

const environmentName = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, 'not a variable name');

export const digestSchema = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'not a digest: expected sha256: and 64 hex digits');

/** An object of the outside world and where it goes: an OpenTofu address, or a Pulumi type and name. */
export const importMappingSchema = z.union([
  z.strictObject({ address: z.string().min(1), id: z.string().min(1) }),
  z.strictObject({ type: z.string().min(1), name: z.string().min(1), id: z.string().min(1) }),
]);
export type ImportMapping = z.infer<typeof importMappingSchema>;

/** Options of the engine that an approval covers. */
export const engineOptionsSchema = z.strictObject({
  /** Resource addresses or URNs to limit the operation to. */
  targets: z.array(z.string().min(1)).optional(),
  /** Resource addresses or URNs to replace. */
  replace: z.array(z.string().min(1)).optional(),
  /** Concurrent resource operations; default: the engine's own. */
  parallelism: z.number().int().min(1).max(1000).optional(),
  /** Read the outside world before planning; default true. */
  refresh: z.boolean().optional(),
  /** Seconds to wait for the tool's state lock; default 0. */
  lock_timeout: z.number().int().min(0).max(86_400).optional(),
  /** Plan without taking the tool's lock (looking only); refused for anything that mutates. Default false. */
  lock: z.boolean().optional(),
  /** Keep the module's own `backend` or `cloud` block instead of overriding it; default false. A `local` one is refused. */
  keep_backend: z.boolean().optional(),
});
export type EngineOptions = z.infer<typeof engineOptionsSchema>;

/** Where state is: a snapshot file in `/workspace` (the default form), or a backend URL. */
export const requestStateSchema = z.union([
  z.strictObject({
    /** Path below `/workspace`; the file is absent on a stack's first operation. */
    path: z.string(),
    /** What the snapshot must be, or null for none; a difference is `PlanStale`. */
    fingerprint: z.string().nullable().optional(),
  }),
  z.strictObject({ url: z.string(), fingerprint: z.string().nullable().optional() }),
]);

/** The request; the seed's `{action, inputs, environment, stack_name}` alone is a whole request. */
export const moduleRequestSchema = z.strictObject({
  action: actionSchema,
  inputs: recordOf(jsonSchema).optional(),
  environment: recordOf(z.string(), environmentName).optional(),
  stack_name: z.string().min(1).optional(),
  contract: z.literal(CONTRACT_VERSION).optional(),
  /** What a preview previews; default `apply`. */
  preview_of: z.enum(['apply', 'destroy', 'refresh', 'import']).optional(),
  /** The approved plan: path below `/workspace`, SHA-256 of the file, and what must still hold. */
  plan: z
    .strictObject({ path: z.string(), digest: digestSchema, tool_version: z.string().optional() })
    .optional(),
  imports: z.array(importMappingSchema).optional(),
  /** Names of inputs whose values are secret. */
  secret_inputs: z.array(z.string()).optional(),
  /** Secret environment of the tool; redacted by value from everything that leaves the container. */
  credentials: recordOf(z.string(), environmentName).optional(),
  /** Secret files, by the variable that has to hold their path (`KUBECONFIG`, …). */
  credential_files: recordOf(z.string(), environmentName).optional(),
  state: requestStateSchema.optional(),
  /** Id of a lock of the tool whose holder is known to be gone: it is released first, and no other. */
  unlock: z.string().min(1).max(200).optional(),
  /** Passphrase of the stack's Pulumi secrets. */
  passphrase: z.string().optional(),
  options: engineOptionsSchema.optional(),
  /** Base64 key under which the result frame on stdout is sealed; absent: no frame, only `output.json`. */
  seal_key: z.string().optional(),
  /** Base64 key for the HMAC that stands for a sensitive value in `changes`; absent: `true` stands for it. */
  mask_key: z.string().optional(),
});
export type ModuleRequest = z.infer<typeof moduleRequestSchema>;
