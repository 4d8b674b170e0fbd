import type { Logger } from '../src/log.js';
import type { OperationDependencies } from '../src/operation/dependencies.js';

/** What activities are made of. */
export type ActivityDependencies = OperationDependencies & { readonly logger: Logger };
