// npm run demo | test | test:long | check | bench: from a fresh clone to the end, with nothing but Node.
// Only node:* is imported before the packages are installed.
import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { withLock } from './lock.mjs';
import { installPackages, packagesAreCurrent } from './install-packages.mjs';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const oldestNode = [20, 20];
const [verb, ...args] = process.argv.slice(2);
const verbs = {
  demo,
  test: () => test(),
  'test:long': () => test('vitest.long.config.ts'),
  check,
  bench,
};

async function demo() {
  return runNode(['dist/command/main.js', 'demo', ...args]);
}

async function test(config = 'vitest.config.ts') {
  const prepared = await runNode(['dist/src/setup/main.js', 'tests']);
  if (prepared !== 0) {
    console.log('0 passed, 1 failed');
    return prepared;
  }
  const folder = mkdtempSync(join(tmpdir(), 'cldctl-test-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const vitest = ['node_modules/vitest/vitest.mjs', 'run', '--config', config];
    const code = await runNode([...vitest, ...reporters, ...args]);
    const { passed, failed } = countTests(report, code);
    console.log(`${passed} passed, ${failed} failed`);
    return code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function check() {
  const checks = [
    ['format', ['node_modules/prettier/bin/prettier.cjs', '--check', '--log-level', 'warn', '.']],
    ['lint', ['node_modules/eslint/bin/eslint.js', '--max-warnings=0', '.']],
    ['types', ['node_modules/typescript/bin/tsc', '--noEmit', '-p', '.']],
  ];
  let failed = 0;
  for (const [name, command] of checks) {
    const from = performance.now();
    const code = await runNode(command);
    if (code !== 0) failed += 1;
    console.error(`${code === 0 ? '✓' : '✗'} ${name} (${seconds(from)})`);
  }
  return failed === 0 ? 0 : 1;
}

async function bench() {
  const prepared = await runNode(['dist/src/setup/main.js', 'bench']);
  return prepared === 0 ? runNode(['dist/bench/main.js', ...args]) : prepared;
}

/** Counts of a vitest report. A file that could not run, and an error outside of any test, count as one failure each. */
function countTests(report, exitCode) {
  let passed = 0;
  let failed = 0;
  try {
    const { testResults } = JSON.parse(readFileSync(report, 'utf8'));
    for (const { status, assertionResults } of testResults) {
      passed += assertionResults.filter((result) => result.status === 'passed').length;
      const failures = assertionResults.filter((result) => result.status === 'failed').length;
      failed += status === 'failed' ? Math.max(1, failures) : failures;
    }
  } catch {
    // No report: vitest did not get that far.
  }
  return { passed, failed: exitCode !== 0 ? Math.max(1, failed) : failed };
}

/**
 * Runs a program of ours on this terminal; resolves to its exit code. Ctrl-C reaches it from the terminal itself (same process group):
 * here it is only waited for, so that it can end its own children first. A SIGTERM to us is passed on.
 */
function runNode(command) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, command, { cwd: root, stdio: 'inherit' });
    const ignore = () => undefined;
    const passOn = () => child.kill('SIGTERM');
    process.on('SIGINT', ignore);
    process.on('SIGTERM', passOn);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      process.removeListener('SIGINT', ignore);
      process.removeListener('SIGTERM', passOn);
      resolve(code ?? (signal === 'SIGINT' ? 130 : 143));
    });
  });
}

async function step(name, isDone, work) {
  if (isDone()) return;
  const from = performance.now();
  console.error(`… ${name}`);
  await work();
  console.error(`✓ ${name} (${seconds(from)})`);
}

function seconds(from) {
  return `${((performance.now() - from) / 1000).toFixed(1)} s`;
}

async function main() {
  if (!(verb in verbs)) {
    console.error(`usage: bootstrap.mjs ${Object.keys(verbs).join('|')} [argument…]`);
    return 2;
  }
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major < oldestNode[0] || (major === oldestNode[0] && minor < oldestNode[1])) {
    console.error(
      `Node ${oldestNode.join('.')} or newer is needed; this is ${process.versions.node}`,
    );
    return 6;
  }
  await withLock(root, async () => {
    await step(
      'install npm packages',
      () => packagesAreCurrent(root),
      () => installPackages(root),
    );
    if (verb === 'check') return;
    const { build, isBuilt } = await import('./build.mjs');
    await step('compile', isBuilt, build);
  });
  return verbs[verb]();
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error.message);
  // Whoever counts tests has to be told that there were none.
  if (verb?.startsWith('test')) console.log('0 passed, 1 failed');
  process.exitCode = 1;
}
