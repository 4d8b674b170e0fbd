import { existsSync, readFileSync } from 'node:fs';
import {
  moduleDescriptionSchema,
  parseJsonFast,
  type ModuleDescription,
} from '../src/contract/index.js';
import { FailureError } from './failure-error.js';

/** Reads what `prepare` wrote about the module; undefined in an image that was not prepared. Throws `InvalidModule`. */
export function readDescription(path: string): ModuleDescription | undefined {
  if (!existsSync(path)) return undefined;
  try {
    return moduleDescriptionSchema.parse(parseJsonFast(readFileSync(path, 'utf8')));
  } catch {
    throw new FailureError(
      'InvalidModule',
      `${path} is not a module description: build the image again`,
    );
  }
}
