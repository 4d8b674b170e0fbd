/** Prepares the parts that are named as arguments and prints what each gives as JSON. */
import { loadConfig } from '../config.js';
import { partMakers, type Part } from './parts.js';
import { prepareLocalSystem } from './prepare-local-system.js';
import { describeStep } from './describe-step.js';
import { setupSettings } from './setup-settings.js';

const need = process.argv.slice(2).filter((name): name is Part => name in partMakers);
const unknown = process.argv.slice(2).filter((name) => !(name in partMakers));
const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => abort.abort(new Error(`stopped by ${name}`)));

if (unknown.length > 0 || need.length === 0) {
  process.stderr.write(`usage: main.js PART…\nparts: ${Object.keys(partMakers).join(' ')}\n`);
  process.exitCode = 2;
} else {
  try {
    const system = await prepareLocalSystem({
      need,
      ...setupSettings(loadConfig(process.env)),
      signal: abort.signal,
      report: (event) => {
        const line = describeStep(event);
        if (line !== undefined) process.stderr.write(`${line}\n`);
      },
    });
    process.stdout.write(`${JSON.stringify(system, null, 2)}\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    process.exitCode = abort.signal.aborted ? 130 : 6;
  }
}
