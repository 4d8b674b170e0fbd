/** Labels of everything we give an engine; sweeps and adoption find our objects by them. */

const PREFIX = 'dev.cldctl.';

/** Names of the labels that this code reads back. */
export const LABEL = {
  managed: `${PREFIX}managed`,
  contract: `${PREFIX}contract`,
  engine: `${PREFIX}engine`,
  runtime: `${PREFIX}runtime`,
  sourceDigest: `${PREFIX}source-digest`,
  specHash: `${PREFIX}spec-hash`,
  purpose: `${PREFIX}purpose`,
  installation: `${PREFIX}installation`,
  stackId: `${PREFIX}stack-id`,
  neededUntil: `${PREFIX}needed-until`,
} as const;

/** Turns `{stackId: 'a'}` into `{'dev.cldctl.stack-id': 'a'}` and marks the object as ours; undefined values are left out. */
export function createLabels(
  values: Readonly<Record<string, string | undefined>>,
): Record<string, string> {
  const labels: Record<string, string> = { [LABEL.managed]: 'true' };
  for (const [name, value] of Object.entries(values)) {
    const key = name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
    if (value !== undefined) labels[PREFIX + key] = value;
  }
  return labels;
}
