/** Exit codes of the command: what a script can branch on. */
import type { ErrorCode } from '../src/contract/error-code.js';
import type { Outcome } from '../src/contract/operation.js';

export const EXIT_CODE = {
  done: 0,
  failed: 1,
  /** Wrong usage or input. */
  usage: 2,
  /** A person or a limit said no: rejected, expired, superseded or cancelled. */
  declined: 3,
  /** Another operation holds the stack or its state. */
  busy: 4,
  /** It is not known what was done: someone must look. */
  unknown: 5,
  /** Docker, Temporal, a registry or the store is not there. */
  environment: 6,
  /** `preview --detailed-exitcode`: there are changes. */
  changes: 10,
  /** Ctrl-C while watching; the operation itself goes on. */
  interrupted: 130,
} as const;
export type ExitCode = (typeof EXIT_CODE)[keyof typeof EXIT_CODE];

/** The exit code that stands for an error. */
export function exitCodeOfError(code: ErrorCode): ExitCode {
  switch (code) {
    case 'InvalidInput':
    case 'InvalidModule':
    case 'ModuleNotFound':
    case 'InvalidConfiguration':
    case 'SecretNotFound':
    case 'StackNotFound':
    case 'ScheduleNotFound':
    case 'PlanNotFound':
    case 'OperationNotFound':
      return EXIT_CODE.usage;
    case 'PlanExpired':
    case 'OperationCanceled':
      return EXIT_CODE.declined;
    case 'StackBusy':
    case 'StateLocked':
      return EXIT_CODE.busy;
    case 'OutcomeUnknown':
      return EXIT_CODE.unknown;
    case 'DockerUnavailable':
    case 'RegistryUnavailable':
    case 'TemporalUnavailable':
    case 'StoreUnavailable':
    case 'ContainerLost':
    case 'SetupFailed':
      return EXIT_CODE.environment;
    default:
      return EXIT_CODE.failed;
  }
}

/** The exit code that stands for an operation's outcome; a duplicate is as good as the run it repeats. */
export function exitCodeOfOutcome(outcome: Outcome): ExitCode {
  return outcome === 'rejected' || outcome === 'expired' || outcome === 'superseded'
    ? EXIT_CODE.declined
    : EXIT_CODE.done;
}
