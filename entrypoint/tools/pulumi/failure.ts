/** What a failed command says, as a coded failure. */
import type { Diagnostic, Failure, LockHolder } from '../../../src/contract/index.js';
import type { EngineDiagnostic } from './engine-event.js';
import { programPlace } from './program-place.js';

/** What is known of a command that did not succeed. */
export interface FailedCommand {
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly diagnostics: readonly EngineDiagnostic[];
  /** Last lines of standard error. */
  readonly standardError: string;
  /** True when a resource operation failed. */
  readonly resourceFailed: boolean;
  /** Result of the engine's summary: `failed`, `canceled`; undefined when it never came. */
  readonly result: string | undefined;
  readonly interrupted: boolean;
  /** What paths in messages are told relative to. */
  readonly moduleDirectory: string;
}

type Code = Failure['code'];
interface Rule {
  readonly pattern: RegExp;
  readonly code: Code;
  readonly message: (match: RegExpMatchArray) => string;
}

/** Texts of CLI 3.259.0 and its language hosts; the first that matches decides. */
const RULES: readonly Rule[] = [
  {
    pattern: /the stack is currently locked by/,
    code: 'StateLocked',
    message: (match) => {
      const holder = parseLockHolder(match.input ?? '');
      return `the stack is locked by ${holder?.who ?? 'another run'}${holder?.created === undefined ? '' : ` since ${holder.created}`}`;
    },
  },
  {
    pattern: /incorrect passphrase|cipher: message authentication failed/,
    code: 'InvalidInput',
    message: () =>
      'the passphrase does not match the state of this stack: give the one it was created with',
  },
  {
    pattern: /passphrase must be set/,
    code: 'InvalidInput',
    message: () => "the stack's passphrase is missing: send `passphrase` with the request",
  },
  {
    pattern:
      /no resource plugin '?pulumi-resource-([\w.-]+)'? found|(?:could not load plugin for|plugin) (?:resource )?([\w.-]+)(?: provider)?[^\n]*not installed/,
    code: 'InvalidModule',
    message: (match) =>
      `plugin ${match[1] ?? match[2]} is not in the image: add it to the module's dependencies (or as pulumi-resource-${match[1] ?? match[2]} on the PATH) and build again`,
  },
  {
    pattern: /no language plugin '?pulumi-language-([\w.-]+)'? found/,
    code: 'InvalidModule',
    message: (match) =>
      `the image has no Pulumi language host for runtime ${match[1]}: build it from the base image of that runtime`,
  },
  {
    pattern:
      /Stack '[^']*' is missing configuration values? ([^\n]*)|Missing required configuration variable '([^']*)'/,
    code: 'InvalidInput',
    message: (match) => `required configuration is missing: ${match[1] ?? match[2]}`,
  },
  {
    pattern: /with configuration key '([^']*)' must be (of type '[^']*'|encrypted[^\n]*)/,
    code: 'InvalidInput',
    message: (match) => `input "${match[1]}" must be ${match[2]}`,
  },
  {
    pattern: /resource '([^']*)' does not exist/,
    code: 'InvalidInput',
    message: (match) => `there is nothing outside with id "${match[1]}" to import`,
  },
  {
    pattern: /argument list too long/,
    code: 'InvalidInput',
    message: () => 'the inputs are too large for a Pulumi program: pass large values by reference',
  },
  {
    pattern:
      /password authentication failed|no pg_hba\.conf entry|(?:role|database) "[^"]*" does not exist|(?:\.pulumi\/|blob \(key)[^\n]*StatusCode: (?:401|403)/,
    code: 'InvalidConfiguration',
    message: () => 'the state backend refuses us: look at user and password of the state URL',
  },
  {
    pattern:
      /unable to (?:open|check) (?:state|bucket|lock)[^\n]*|failed to (?:open|connect to) [^\n]*(?:database|bucket|backend)[^\n]*|(?:connection refused|no such host|i\/o timeout)[^\n]*\.pulumi/,
    code: 'StoreUnavailable',
    message: () =>
      'the state backend can not be reached: look at the state URL, its credentials and the network',
  },
  {
    pattern:
      /(?:error TS2307: )?Cannot find (?:module|package) ['"]([^'"\n]+)['"]|ModuleNotFoundError: No module named '([^']+)'|no required module provides package ([^\s;]+)/,
    code: 'InvalidModule',
    message: (match) =>
      `dependency ${match[1] ?? match[2] ?? match[3]} is not in the image: add it to the module's dependencies and build again`,
  },
  {
    pattern:
      /It looks like the Pulumi SDK has not been installed|pulumi\/pulumi["']? (?:is not installed|not found)/,
    code: 'InvalidModule',
    message: () =>
      "the Pulumi SDK is not in the image: add it to the module's dependencies and build again",
  },
];

const VIOLATION = /violates plan:|is not allowed by the plan/;
const LOG_TAIL = 4000;

/** Names the cause of a failed command. */
export function classifyFailure(failed: FailedCommand): Failure {
  const errors = withoutSummaries(
    failed.diagnostics.filter(({ severity }) => severity === 'error'),
  );
  const violation = errors.find(({ message }) => VIOLATION.test(message));
  // After an ordinary failure the engine also prints violations, for what was not reached.
  if (violation !== undefined && !failed.resourceFailed) {
    return failureOf('PlanViolated', describeViolation(violation), failed, [violation]);
  }
  if (failed.interrupted || failed.exitCode === 8 || failed.result === 'canceled') {
    return failureOf(
      'ModuleFailed',
      'interrupted: what was under way ended, the rest was not started',
      failed,
      errors,
    );
  }
  const programErrors = failed.diagnostics.filter(({ severity }) => severity === 'info#err');
  const text = [...errors, ...programErrors]
    .map(({ message }) => message)
    .concat(failed.standardError)
    .join('\n');
  for (const { pattern, code, message } of RULES) {
    const match = pattern.exec(text);
    if (match !== null) return failureOf(code, message(match), failed, errors);
  }
  // A program that can't be evaluated gives no error event and nothing on standard error: only its own lines.
  const told = errors.length > 0 ? errors : programErrors;
  const [first] = told;
  const message =
    first === undefined
      ? lastLine(failed.standardError) || endedHow(failed)
      : `${first.urn === undefined ? '' : `${shortName(first.urn)}: `}${headline(first.message)}${placeOf(first, failed)}`;
  return failureOf('ModuleFailed', message, failed, told);
}

/** ` (index.ts:3)`; nothing when the message names no place in the module. */
function placeOf({ message }: EngineDiagnostic, { moduleDirectory }: FailedCommand): string {
  const place = programPlace(message, moduleDirectory);
  if (place === undefined) return '';
  return ` (${place.file}${place.line === undefined ? '' : `:${place.line}`})`;
}

/** The engine repeats an error as that of the whole operation. */
function withoutSummaries(errors: readonly EngineDiagnostic[]): readonly EngineDiagnostic[] {
  const own = errors.filter(
    ({ message }) => !/^(preview|update|destroy|refresh|import) (failed|canceled)/.test(message),
  );
  return own.length > 0 ? own : errors;
}

/** The end of a lock's URL; buckets have their settings behind it. */
const LOCK_FILE = String.raw`([0-9a-f-]{36})\.json(?:\?\S*)?`;

/** Who holds the lock, from the CLI's own message: `URL: created by user@host (pid N) at TIME`. */
export function parseLockHolder(text: string): LockHolder | undefined {
  const match = new RegExp(
    `(?:${LOCK_FILE})?: created by (\\S+@\\S+) \\(pid \\d+\\) at (\\S+)`,
  ).exec(text);
  if (match?.[2] === undefined) return undefined;
  return {
    ...(match[1] === undefined ? {} : { id: match[1] }),
    who: match[2],
    ...(match[3] === undefined ? {} : { created: match[3] }),
  };
}

/** True when this lock is the only one that the CLI's message names. */
export function isOnlyLock(text: string, id: string): boolean {
  const held = [...text.matchAll(new RegExp(`${LOCK_FILE}: created by `, 'g'))].map(
    (match) => match[1],
  );
  const all = text.split(': created by ').length - 1;
  return all > 0 && held.length === all && held.every((one) => one === id);
}

/** `type name` of a URN, as a person would say it. */
export function shortName(urn: string): string {
  const [, , qualifiedType = '', ...name] = urn.split('::');
  return `${qualifiedType.split('$').at(-1) ?? qualifiedType} ${name.join('::')}`;
}

function failureOf(
  code: Code,
  message: string,
  failed: FailedCommand,
  told: readonly EngineDiagnostic[],
): Failure {
  const diagnostics: Diagnostic[] = told.slice(0, 50).map((diagnostic) => ({
    severity: 'error',
    summary: code === 'PlanViolated' ? describeViolation(diagnostic) : headline(diagnostic.message),
    ...(code === 'PlanViolated' || !diagnostic.message.includes('\n')
      ? {}
      : { detail: diagnostic.message.slice(0, LOG_TAIL) }),
    ...(diagnostic.urn === undefined ? {} : { resource: diagnostic.urn }),
    ...programPlace(diagnostic.message, failed.moduleDirectory),
  }));
  return {
    code,
    message,
    detail: {
      ...(diagnostics.length === 0 ? {} : { diagnostics }),
      ...(failed.exitCode === undefined ? {} : { exitCode: failed.exitCode }),
      ...(failed.standardError === '' ? {} : { logTail: failed.standardError.slice(-LOG_TAIL) }),
    },
  };
}

/** What of a diagnostic may be shown while the command runs. */
export function shownMessage(diagnostic: EngineDiagnostic): string {
  return VIOLATION.test(diagnostic.message) ? describeViolation(diagnostic) : diagnostic.message;
}

/** Only names: the engine's text prints values, those of secrets that the program made included. */
function describeViolation({ message, urn }: EngineDiagnostic): string {
  const resource = urn ?? /urn:pulumi:\S+/.exec(message)?.[0];
  const place = resource === undefined ? 'a resource' : shortName(resource);
  const step =
    /(\S+) is not allowed by the plan: (?:this resource is constrained to ([\w-]+)|no steps)/.exec(
      message,
    );
  if (step !== null)
    return `${place}: ${step[1]} was not approved${step[2] === undefined ? '' : ` (approved: ${step[2]})`}`;
  const names = [
    ...(message.split('properties changed:')[1] ?? '').matchAll(
      /(?:^|, ?| )[=~+-]{2}([\w.:-]+)\[/g,
    ),
  ].map((match) => match[1]);
  return `${place}: ${names.length === 0 ? 'properties' : names.join(', ')} would not be what was approved`;
}

function headline(message: string): string {
  const lines = message
    .replace(/^(Preview failed|error): /, '')
    .split('\n')
    .map((line) => line.trim());
  const meaningful = lines.filter((line) => line !== '');
  // A stack trace is led in by a line that says nothing; the exception itself comes last (python) or next (nodejs).
  if (
    /^(Running program .*|Program) failed with an unhandled exception:?$/.test(meaningful[0] ?? '')
  )
    return (
      meaningful.find((line) => /: error TS\d+: /.test(line))?.replace(/^.*?: error /, '') ??
      meaningful.find((line) => /^(?:<ref .*> )?[\w.]*(Error|Exception|Exit)\b/.test(line)) ??
      meaningful.at(1) ??
      ''
    ).slice(0, 500);
  return (meaningful[0] ?? '').slice(0, 500);
}

/** The last line that says something. */
export function lastLine(text: string): string {
  const line =
    text
      .split('\n')
      .filter((one) => one.trim() !== '')
      .at(-1) ?? '';
  return line
    .replace(/^error: /, '')
    .trim()
    .slice(0, 500);
}

function endedHow({ exitCode, signal, result }: FailedCommand): string {
  if (signal !== undefined) return `the Pulumi CLI was ended by ${signal}`;
  if (result === undefined && exitCode === 0)
    return 'the Pulumi CLI ended without the summary of its events: what it did besides the events that came is not known';
  if (result === undefined)
    return `the Pulumi CLI ended with exit code ${exitCode} before it was done`;
  return `the Pulumi CLI ended with exit code ${exitCode}`;
}
