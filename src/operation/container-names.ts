/** Names of containers: a stack has one place for a mutating run, a preview has one of its own. */
import { createHash } from 'node:crypto';

/** Name of the container and of the volume of a stack's mutating run: a second one can't be created beside it. */
export function mutationName(installation: string, stackId: string): string {
  return `cldctl-${installation}-${stackId}`;
}

/** Name of a preview's container; `key` is unique within the installation. */
export function previewName(installation: string, engineId: string, key: string): string {
  return previewPrefix(installation, engineId) + shortHash(`${installation}/${key}`, 20);
}

/** What the names of all previews on an engine begin with: where one that is not there can't be anywhere else. */
export function previewPrefix(installation: string, engineId: string): string {
  return `cldctl-${installation}-preview-${shortHash(engineId, 6)}-`;
}

function shortHash(text: string, digits: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, digits);
}
