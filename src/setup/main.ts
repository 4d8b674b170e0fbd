/** Prepares the parts (or groups of parts) that are named as arguments; with `--json` prints what each gives. */
import { loadConfig } from '../config.js';
import { asCodedError } from '../errors.js';
import { partGroups, partMakers, type Part } from './parts.js';
import { prepareLocalSystem } from './prepare-local-system.js';
import { setupSettings } from './setup-settings.js';
import { displaySteps } from './step-display.js';

const abort = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const)
  process.once(name, () => abort.abort(new Error(`stopped by ${name}; run it again to go on`)));

const words = process.argv.slice(2);
const named = words
  .filter((word) => word !== '--json')
  .flatMap((name): readonly string[] => partGroups[name] ?? [name]);
const need = [...new Set(named)].filter((name): name is Part => name in partMakers);
if (need.length === 0 || named.some((name) => !(name in partMakers))) {
  const known = [...Object.keys(partMakers), ...Object.keys(partGroups)].join(' ');
  process.stderr.write(`usage: main.js PART…\nparts: ${known}\n`);
  process.exitCode = 2;
} else {
  const display = displaySteps(process.stderr);
  try {
    const system = await prepareLocalSystem({
      need,
      ...setupSettings(loadConfig(process.env)),
      signal: abort.signal,
      report: (event) => display.report(event),
    });
    display.end();
    if (words.includes('--json')) process.stdout.write(`${JSON.stringify(system, null, 2)}\n`);
  } catch (error) {
    display.end();
    process.stderr.write(`${asCodedError(error).message}\n`);
    process.exitCode = abort.signal.aborted ? 130 : 6;
  }
}
