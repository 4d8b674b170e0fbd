/** The reference: what one types to get the same (a plan as JSON, an apply, its outputs), as two plain `docker run`. */
import { spawn } from 'node:child_process';
import { CodedError } from '../src/errors.js';

const PREVIEW = [
  'mkdir -p /workspace/state && cp -r /module /workspace/module && cd /workspace/module',
  'tofu init -input=false -no-color >/dev/null',
  'tofu plan -input=false -no-color -out=/workspace/plan >/dev/null',
  'tofu show -json -plan=/workspace/plan >/workspace/plan.json',
].join(' && ');
const APPLY = [
  'cd /workspace/module',
  'tofu apply -input=false -no-color /workspace/plan >/dev/null',
  'tofu output -json >/workspace/outputs.json',
].join(' && ');

/** Plans and applies; the volume, created by the first run, is removed outside of the time. Returns milliseconds. */
export async function bareRun(image: string, volume: string): Promise<number> {
  const from = performance.now();
  await run(image, volume, PREVIEW);
  await run(image, volume, APPLY);
  const time = performance.now() - from;
  await docker(['volume', 'rm', volume]);
  return time;
}

function run(image: string, volume: string, script: string): Promise<void> {
  const fixed = ['run', '--rm', '--network', 'none', '-v', `${volume}:/workspace`];
  return docker([...fixed, '--entrypoint', 'sh', image, '-ec', script]);
}

function docker(command: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn('docker', command, { stdio: ['ignore', 'ignore', 'pipe'] });
    let words = '';
    child.stderr.on('data', (chunk: Buffer) => (words += chunk.toString()));
    child.once('error', () =>
      reject(
        new CodedError('SetupFailed', 'the reference is "docker run": install the docker command'),
      ),
    );
    child.once('exit', (code) =>
      code === 0
        ? resolve()
        : reject(new CodedError('InternalError', `docker ${command[0]}: ${words.trim()}`)),
    );
  });
}
