import type { Check } from '../../../src/contract/index.js';
import type { PlanJson } from './plan-json.js';

/** Checks, preconditions and postconditions of a plan that did not pass; those that can't be told before the apply are left out. */
export function planChecks(plan: PlanJson): Check[] {
  return (plan.checks ?? []).flatMap((check) => {
    const instances = check.instances ?? [];
    const found =
      instances.length === 0 ? [{ address: check.address, status: check.status }] : instances;
    return found.flatMap((instance) =>
      instance.status === 'fail' || instance.status === 'error'
        ? [
            {
              address: instance.address.to_display,
              status: instance.status,
              messages: ('problems' in instance ? (instance.problems ?? []) : []).map(
                ({ message }) => message,
              ),
            },
          ]
        : [],
    );
  });
}
