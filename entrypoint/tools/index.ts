import { existsSync } from 'node:fs';
import { FailureError } from '../failure-error.js';
import type { EngineTool } from './tool.js';
import { createOpentofu } from './opentofu/opentofu.js';
import { createPulumi } from './pulumi/pulumi.js';

/** Every engine that this program can run. */
export const createTools = (): EngineTool[] => [createOpentofu(), createPulumi()];

/** The one engine that finds its module in one of the directories. Throws `InvalidModule` for none or two. */
export function findModule(
  tools: readonly EngineTool[],
  directories: readonly string[],
): { tool: EngineTool; directory: string } {
  for (const directory of directories) {
    if (!existsSync(directory)) continue;
    const [tool, second] = tools.filter((one) => one.detect(directory));
    if (second !== undefined)
      throw new FailureError(
        'InvalidModule',
        `${directory} holds an OpenTofu and a Pulumi module: keep one`,
      );
    if (tool !== undefined) return { tool, directory };
  }
  throw new FailureError(
    'InvalidModule',
    `no module in ${directories.join(' or ')}: expected .tf files or Pulumi.yaml`,
  );
}
