/** The flags of every command that starts an operation, and the operation's input made of them. */
import { InvalidArgumentError, type Command } from 'commander';
import type { Action } from '../src/contract/change.js';
import type { OperationInput } from '../src/contract/operation.js';
import { CodedError } from '../src/errors.js';
import type { CommandContext } from './command-context.js';
import { readInputs } from './input-values.js';
import { inlineOrStored } from './large-inputs.js';
import { moduleSource } from './module-source.js';
import { whoTypes } from './with-client.js';

export interface OperationFlags {
  module?: string;
  platform?: string[];
  input?: string[];
  inputs?: string;
  env?: string[];
  credential?: string[];
  plan?: string;
  target?: string[];
  replace?: string[];
  parallelism?: number;
  refresh?: boolean;
  lockTimeout?: string;
  dockerSocket?: boolean;
  keepBackend?: boolean;
  approval?: 'required' | 'on-changes' | 'auto';
  expiresIn?: string;
  runTimeout?: string;
  grace?: string;
  memory?: number;
  cpus?: number;
  network?: 'none' | 'internal' | 'open';
  onBusy?: 'refuse' | 'supersede';
  requestId?: string;
  requestedBy?: string;
  reason?: string;
  tag?: string[];
  until: 'started' | 'plan' | 'end';
}

/** Adds the flags; those about approval only where there is one. */
export function addOperationFlags(command: Command, options: { approval: boolean }): Command {
  command
    .option(
      '-m, --module <dir|image>',
      'module directory or image (default: the image last applied)',
    )
    .option(
      '--platform <os/arch,…>',
      'platforms of the module directory’s image, pushed as one (default: the engine’s own)',
      platformNames,
    )
    .option('-i, --input <name=text|name:=json>', 'one input; repeat for more', collect)
    .option('--inputs <file>', 'inputs as a JSON object; - is standard input')
    .option('-e, --env <name=value>', 'environment of the module that is not secret', collect)
    .option('--credential <name>', 'credential that the worker gives to the module', collect)
    .option('--target <address>', 'limit to this resource; repeat for more', collect)
    .option('--replace <address>', 'replace this resource; repeat for more', collect)
    .option('--parallelism <n>', 'resource operations at one time', wholeNumber)
    .option('--no-refresh', 'plan without reading the outside world first')
    .option('--lock-timeout <time>', 'how long to wait for a held state lock, e.g. 30s')
    .option('--docker-socket', 'ask for the Docker socket (granted only if the worker allows it)')
    .option(
      '--keep-backend',
      "use the module's own backend block; later runs of the stack do so too",
    );
  addRunFlags(command);
  if (!options.approval) return command;
  command
    .option('--plan <digest>', 'act on this saved preview (whole digest, or its first 16 digits)')
    .option(
      '--approval <mode>',
      'required (always ask), on-changes (default) or auto (never ask)',
      oneOf(['required', 'on-changes', 'auto']),
    );
  return addWaitingFlags(command);
}

/** Adds the flags of an operation that goes on with the module, inputs and options of another. */
export function addResumeFlags(command: Command): Command {
  return addWaitingFlags(addRunFlags(command));
}

function addRunFlags(command: Command): Command {
  return command
    .option('--run-timeout <time>', 'longest run of one container (default 1h)')
    .option('--grace <time>', 'time between interrupt and kill (default 5m)')
    .option('--memory <bytes>', 'memory of a container, e.g. 512m or 2g', bytes)
    .option('--cpus <n>', 'processors of a container', positiveNumber)
    .option(
      '--network <kind>',
      'none, internal or open (default open)',
      oneOf(['none', 'internal', 'open']),
    )
    .option('--request-id <id>', 'start nothing twice: the same id returns the first operation')
    .option('--requested-by <name>', 'who asks (default: user@host)')
    .option('--reason <text>', 'why, for the record')
    .option('--tag <text>', 'tag of the operation; repeat for more', collect)
    .option(
      '--until <moment>',
      'return when: started, plan or end',
      oneOf(['started', 'plan', 'end']),
      'end',
    );
}

function addWaitingFlags(command: Command): Command {
  return command
    .option('--expires-in <time>', 'how long the plan waits for a decision (default 24h)')
    .option(
      '--on-busy <what>',
      'refuse (default), or supersede an operation that waits for approval',
      oneOf(['refuse', 'supersede']),
    );
}

/** The input of an operation, from its flags. Throws `InvalidInput`, `ModuleNotFound`. */
export async function operationInput(
  operation: Action,
  stackId: string,
  flags: OperationFlags,
  context: CommandContext,
): Promise<OperationInput> {
  const inputs = await inlineOrStored(await readInputs(flags, context), context);
  if (flags.module === undefined && flags.platform !== undefined)
    throw new CodedError('InvalidInput', '--platform: name the directory too, with --module');
  const source =
    flags.module === undefined
      ? undefined
      : await moduleSource(flags.module, flags.platform, context);
  return compact({
    stackId,
    operation,
    module: source,
    inputs,
    environment: flags.env && Object.fromEntries(flags.env.map(environmentEntry)),
    credentials: flags.credential,
    plan: flags.plan,
    options: orUndefined({
      targets: flags.target,
      replace: flags.replace,
      parallelism: flags.parallelism,
      refresh: flags.refresh === false ? false : undefined,
      lockTimeout: flags.lockTimeout,
      dockerSocket: flags.dockerSocket,
      keepBackend: flags.keepBackend,
    }),
    approval: approvalOf(operation, flags),
    limits: orUndefined({
      runTimeout: flags.runTimeout,
      grace: flags.grace,
      memory: flags.memory,
      cpus: flags.cpus,
      network: flags.network,
    }),
    onBusy: flags.onBusy,
    requestId: flags.requestId,
    requestedBy: flags.requestedBy ?? whoTypes(),
    reason: flags.reason,
    tags: flags.tag,
  }) as OperationInput;
}

/** People are asked when there is something to do; a plan that is named on the command line is approved by that. */
function approvalOf(operation: Action, flags: OperationFlags): OperationInput['approval'] {
  const said = flags.approval !== undefined || flags.expiresIn !== undefined;
  if (operation === 'preview' || (flags.plan !== undefined && !said)) return undefined;
  return { mode: flags.approval ?? 'on-changes', expiresIn: flags.expiresIn ?? '24h' };
}

/** Collects the values of a flag that may be repeated. */
export function collect(value: string, previous: string[] | undefined): string[] {
  return [...(previous ?? []), value];
}

/** Platforms, separated by commas. */
export function platformNames(value: string): string[] {
  return value.split(',').map((platform) => platform.trim());
}

/** Accepts one of the given words. */
export function oneOf<T extends string>(words: readonly T[]): (value: string) => T {
  return (value) => {
    if ((words as readonly string[]).includes(value)) return value as T;
    throw new InvalidArgumentError(`It is one of ${words.join(', ')}.`);
  };
}

/** Accepts a whole number of at least 1. */
export function wholeNumber(value: string): number {
  if (!/^[1-9]\d{0,8}$/.test(value)) throw new InvalidArgumentError('It is a whole number.');
  return Number(value);
}

function positiveNumber(value: string): number {
  if (!/^\d+(\.\d+)?$/.test(value) || Number(value) <= 0)
    throw new InvalidArgumentError('It is a number above 0.');
  return Number(value);
}

function bytes(value: string): number {
  const match = /^(\d+)([kmg]?)b?$/i.exec(value);
  if (match === null)
    throw new InvalidArgumentError('It is a number of bytes, or one with k, m or g.');
  const unit = { '': 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }[(match[2] ?? '').toLowerCase()] ?? 1;
  return Number(match[1]) * unit;
}

function environmentEntry(text: string): [string, string] {
  const at = text.indexOf('=');
  if (at > 0) return [text.slice(0, at), text.slice(at + 1)];
  throw new CodedError('InvalidInput', `--env ${JSON.stringify(text)} is not name=value`);
}

function compact<T extends object>(value: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(value).filter(([, member]) => member !== undefined),
  ) as Partial<T>;
}

function orUndefined<T extends object>(value: T): Partial<T> | undefined {
  const kept = compact(value);
  return Object.keys(kept).length === 0 ? undefined : kept;
}
