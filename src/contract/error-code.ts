/** Every error code of the system and who has to act on it. */
import * as z from 'zod';

const CALLER = [
  'InvalidInput',
  'InvalidModule',
  'ModuleNotFound',
  'InvalidConfiguration',
  'SecretNotFound',
  'RegistryDenied',
  'StackBusy',
  'StackNotFound',
  'ScheduleNotFound',
  'OperationNotFound',
  'OperationCanceled',
  'PlanNotFound',
  'PlanExpired',
  'LogsUnavailable',
] as const;
const MODULE = [
  'BuildFailed',
  'ModuleFailed',
  'ModuleTimedOut',
  'InvalidOutput',
  'PlanStale',
  'PlanViolated',
] as const;
const ENVIRONMENT = [
  'DockerUnavailable',
  'RegistryUnavailable',
  'TemporalUnavailable',
  'StoreUnavailable',
  'StateLocked',
  'ContainerLost',
  'SetupFailed',
  'WebhookFailed',
] as const;
const PERSON = ['OutcomeUnknown', 'StateDamaged', 'InternalError'] as const;

export const errorCodeSchema = z.enum([...CALLER, ...MODULE, ...ENVIRONMENT, ...PERSON]);
export type ErrorCode = z.infer<typeof errorCodeSchema>;

/** Who has to act: the caller, the module's author, nobody yet (the environment is retried), or a person. */
export type ErrorOwner = 'caller' | 'module' | 'environment' | 'person';

/** Names who has to act on a code. */
export function errorOwner(code: ErrorCode): ErrorOwner {
  if ((CALLER as readonly string[]).includes(code)) return 'caller';
  if ((MODULE as readonly string[]).includes(code)) return 'module';
  if ((ENVIRONMENT as readonly string[]).includes(code)) return 'environment';
  return 'person';
}

/** True for codes that a retry of the same call can cure. */
export function isRetryable(code: ErrorCode): boolean {
  return errorOwner(code) === 'environment';
}

/** One finding of a tool, with the place in the module it is about. */
export const diagnosticSchema = z.object({
  severity: z.enum(['error', 'warning']),
  summary: z.string(),
  detail: z.string().optional(),
  resource: z.string().optional(),
  file: z.string().optional(),
  line: z.number().int().optional(),
  snippet: z.string().optional(),
});
export type Diagnostic = z.infer<typeof diagnosticSchema>;

/** Why something failed, as data: `message` is one redacted line that names cause and next step. */
export const failureSchema = z.object({
  code: errorCodeSchema,
  message: z.string(),
  detail: z
    .looseObject({
      diagnostics: z.array(diagnosticSchema).optional(),
      exitCode: z.number().int().optional(),
      logTail: z.string().optional(),
      issues: z.array(z.string()).optional(),
    })
    .optional(),
});
export type Failure = z.infer<typeof failureSchema>;
