/** The workflow code as one file; worker, build and tests bundle it the same way. */
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, DefaultLogger, type Logger } from '@temporalio/worker';

/** Bundles workflows, payload converter and interceptors; takes about 3 s. */
export async function bundleWorkflows(
  logger: Logger = new DefaultLogger('ERROR'),
): Promise<{ readonly code: string }> {
  return bundleWorkflowCode({
    workflowsPath: modulePath('../../workflows/index'),
    payloadConverterPath: modulePath('./payload-converter'),
    workflowInterceptorModules: [modulePath('../../workflows/canceled-details')],
    logger,
  });
}

/** Path of a module beside this one, compiled or not. */
function modulePath(name: string): string {
  const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
  return fileURLToPath(new URL(`${name}.${extension}`, import.meta.url));
}
