import { createEventStream } from './output/event-stream.js';
import { failureOf } from './failure-error.js';
import type { Locations } from './locations.js';
import { prepare } from './prepare.js';
import { listenForInterruption } from './process/interruption.js';
import { loadNativeCalls } from './process/native.js';
import { runRequest } from './run.js';
import { createTools } from './tools/index.js';

const locations: Locations = {
  workspace: '/workspace',
  modules: ['/module', process.cwd()],
  description: '/cldctl/module.json',
  prepared: '/opt/cldctl',
};

// No top-level await: not every form of compiling takes it.
async function main(): Promise<number> {
  const [verb, ...rest] = process.argv.slice(2);
  if (verb === 'prepare') {
    await prepare(rest, { locations, tools: createTools(), environment: process.env });
    return 0;
  }
  const native = loadNativeCalls();
  native.protectMemory();
  const events = createEventStream(1);
  return runRequest({
    locations,
    tools: createTools(),
    environment: process.env,
    input: process.env['CLDCTL_INPUT'] === 'stdin' ? process.stdin : undefined,
    events,
    interruption: listenForInterruption((signal) => {
      events.emit({ type: 'log', stream: 'stderr', message: `${signal}: asking the tool to stop` });
    }),
    native,
  });
}

void main().then(
  (code) => process.exit(code),
  (error: unknown) => {
    const failure = failureOf(error);
    process.stderr.write(`${failure.code}: ${failure.message}\n`);
    process.exit(1);
  },
);
