/** Workflow types by name; every exported function is one. */
export { deliverNotification } from './deliver-notification.js';
export { listStacks } from './list-stacks.js';
export { readStack } from './read-stack.js';
export { scheduledRefresh } from './scheduled-refresh.js';
export { stackOperation } from './stack-operation.js';
