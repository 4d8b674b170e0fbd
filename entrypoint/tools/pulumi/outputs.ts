/** The module's outputs, from its state. */
import type { ModuleResponse } from '../../../src/contract/index.js';
import type { Redactor } from '../../redact/redactor.js';
import { stringifyJson } from '../../../src/contract/index.js';
import { stackOutputs, type Deployment } from './checkpoint.js';
import { openValue } from './property-value.js';
import { saltOf, type StackSecrets } from './stack-secrets.js';

/**
 * Outputs in clear; one with a secret anywhere inside is sensitive, and so is one that holds a known secret which the program forgot to
 * mark. Numbers are doubles: that is all the engine has.
 */
export async function readOutputs(
  deployment: Deployment | undefined,
  secrets: StackSecrets,
  redactor: Redactor,
): Promise<ModuleResponse['outputs']> {
  const outputs = stackOutputs(deployment ?? {});
  const open = await secrets.opener(saltOf(deployment), outputs);
  return Object.fromEntries(
    Object.entries(outputs).map(([name, stored]) => {
      const { value, sensitive } = openValue(stored, open);
      const hidden = sensitive || redactor.matches(stringifyJson(value));
      return [name, hidden ? { value, sensitive: true } : { value }];
    }),
  );
}
