/** The plan of a Pulumi operation: what was shown, and everything that doing it must match. */
import { createHash, createHmac } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { dirname } from 'node:path';
import * as z from 'zod';
import {
  changeSchema,
  engineOptionsSchema,
  importMappingSchema,
  isLosslessNumber,
  parseJsonFast,
  stringifyJson,
  type Json,
  type ModuleRequest,
} from '../../../src/contract/index.js';
import { FailureError } from '../../failure-error.js';

const planSchema = z.object({
  format: z.literal('cldctl-pulumi-plan/1'),
  action: z.enum(['apply', 'destroy', 'refresh', 'import']),
  stack: z.string(),
  toolVersion: z.string(),
  /** State that the preview saw; null when there was none. */
  fingerprint: z.string().nullable(),
  /** HMAC of the inputs under the stack's passphrase. */
  inputs: z.string(),
  options: engineOptionsSchema,
  imports: z.array(importMappingSchema),
  /** Text of the configuration file, secrets encrypted; its salt is the one the update plan is encrypted with. */
  config: z.string(),
  changes: z.array(changeSchema),
  /** Text of the CLI's own update plan; only for `apply`. */
  updatePlan: z.string().optional(),
});

/** What the preview of any action leaves behind. The CLI has a plan file of its own for `apply` only. */
export type PulumiPlan = z.infer<typeof planSchema>;

export function writePlan(path: string, plan: PulumiPlan): { digest: string; size: number } {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const bytes = Buffer.from(stringifyJson(plan));
  writeFileSync(path, bytes, { mode: 0o600 });
  return { digest: digestOf(bytes), size: bytes.length };
}

/** Reads the plan that a request names. Throws `PlanStale` when it is another file, or was made by another version or for another action. */
export function readPlan(
  path: string,
  expected: { digest: string; action: ModuleRequest['action']; stack: string },
): PulumiPlan {
  if (!existsSync(path))
    throw new FailureError('PlanStale', 'the plan file is not there: preview again');
  const bytes = readFileSync(path);
  if (digestOf(bytes) !== expected.digest)
    throw new FailureError(
      'PlanStale',
      'the plan file is not the one that was approved: preview again',
    );
  const parsed = planSchema.safeParse(parsePlan(bytes));
  if (!parsed.success)
    throw new FailureError(
      'PlanStale',
      'the plan file is not a Pulumi plan of this version: preview again',
    );
  const plan = parsed.data;
  if (plan.action !== expected.action)
    throw new FailureError(
      'InvalidInput',
      `the plan is one of ${plan.action}, the request asks for ${expected.action}`,
    );
  if (plan.stack !== expected.stack)
    throw new FailureError(
      'InvalidInput',
      `the plan is one of stack ${plan.stack}, the request names ${expected.stack}`,
    );
  return plan;
}

/** What two requests must share to mean the same inputs. */
export function inputsDigest(request: ModuleRequest, passphrase: string): string {
  const inputs = sorted(request.inputs ?? {});
  const secret = [...(request.secret_inputs ?? [])].sort();
  return createHmac('sha256', `inputs ${passphrase}`)
    .update(stringifyJson({ inputs, secret }))
    .digest('hex');
}

function digestOf(bytes: Buffer): string {
  return `sha256:${createHash('sha256').update(bytes).digest('hex')}`;
}

function parsePlan(bytes: Buffer): unknown {
  try {
    return parseJsonFast(bytes.toString('utf8'));
  } catch {
    return undefined;
  }
}

function sorted(value: Json): Json {
  if (Array.isArray(value)) return value.map((item: Json) => sorted(item));
  if (typeof value !== 'object' || value === null || isLosslessNumber(value)) return value;
  const members = Object.entries(value as { readonly [name: string]: Json });
  return Object.fromEntries(
    members.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, sorted(member)]),
  );
}
