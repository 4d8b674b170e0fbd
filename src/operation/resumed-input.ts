/** The input of an operation that goes on after a lost run: what that run was started with, and a person is asked. */
import type { OperationInput } from '../contract/operation.js';
import { CodedError } from '../errors.js';
import { loadPlan, type SavedPlan } from '../plan/plan-store.js';
import type { StackRecord } from '../stack/record.js';
import type { OperationDependencies } from './dependencies.js';

/** What a resume takes from the lost run. */
const TAKEN = [
  'module',
  'engine',
  'inputs',
  'environment',
  'credentials',
  'plan',
  'imports',
  'options',
] as const;

/** Fills the input from the plan of the run that was lost, or that was left behind. Throws `InvalidInput`, `PlanNotFound`. */
export async function resumedInput(
  { store }: Pick<OperationDependencies, 'store'>,
  input: OperationInput,
  record: StackRecord | undefined,
): Promise<OperationInput> {
  const { stackId, operation } = input;
  const lost = record?.lostRun ?? record?.openRun;
  if (lost === undefined) {
    throw new CodedError(
      'InvalidInput',
      `resume: no run of stack ${stackId} was lost; start an ${operation} instead`,
    );
  }
  if (lost.operation !== operation) {
    throw new CodedError(
      'InvalidInput',
      `resume: the run of stack ${stackId} that was lost is of operation ${lost.operation}, not ${operation}`,
    );
  }
  const given = TAKEN.filter((name) => input[name] !== undefined);
  if (given.length > 0) {
    throw new CodedError(
      'InvalidInput',
      `resume: ${given.join(', ')}: taken from the run that was lost; to change it, start an ${operation} without resume`,
    );
  }
  const saved = await loadPlan(store, stackId, lost.planDigest, { allowExpired: true });
  return { ...input, ...startedWith(saved), ...asking(input), limits: limitsOf(saved, input) };
}

function startedWith({ bundle, note }: SavedPlan): Partial<OperationInput> {
  const { image, environment, imports, options } = bundle.subject;
  const credentials = note.run?.['credentials'] as string[] | undefined;
  const dockerSocket = note.run?.['dockerSocket'] as boolean | undefined;
  const { targets, replace, parallelism, lock_timeout: lockTimeout, keep_backend: keep } = options;
  return {
    module: { image },
    environment,
    ...(note.inputsRef === undefined ? {} : { inputs: { archive: note.inputsRef } }),
    ...(credentials === undefined ? {} : { credentials }),
    ...(imports.length === 0 ? {} : { imports: [...imports] }),
    // Without `refresh`: what is really there has to be in the plan.
    options: {
      ...(targets === undefined ? {} : { targets }),
      ...(replace === undefined ? {} : { replace }),
      ...(parallelism === undefined ? {} : { parallelism }),
      ...(lockTimeout === undefined ? {} : { lockTimeout: `${lockTimeout}s` }),
      ...(keep === undefined ? {} : { keepBackend: keep }),
      ...(dockerSocket === undefined ? {} : { dockerSocket }),
    },
  };
}

function asking({ approval }: OperationInput): Pick<OperationInput, 'approval'> {
  const { rules: _rules, ...rest } = approval ?? { expiresIn: '24h' };
  return { approval: { ...rest, mode: 'required' } };
}

function limitsOf({ note }: SavedPlan, { limits }: OperationInput): OperationInput['limits'] {
  return { ...(note.run?.['limits'] as OperationInput['limits']), ...limits };
}
