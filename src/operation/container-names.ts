/** Names of containers: a stack has one place for a mutating run, a preview has one of its own. */
import { createHash } from 'node:crypto';

/** Name of the container and of the volume of a stack's mutating run: a second one can't be created beside it. */
export function mutationName(installation: string, stackId: string): string {
  return `cldctl-${installation}-${stackId}`;
}

/** Name of a preview's container; `key` is unique within the installation. */
export function previewName(installation: string, key: string): string {
  const hash = createHash('sha256').update(`${installation}/${key}`).digest('hex').slice(0, 20);
  return `cldctl-${installation}-preview-${hash}`;
}
