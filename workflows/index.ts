/** Workflow types by name; every exported function is one. */
export { readStack } from './read-stack.js';
export { stackOperation } from './stack-operation.js';
