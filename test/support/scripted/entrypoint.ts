/** A stand-in for the entrypoint that does what its input says, step by step: tests of the worker's side drive it. */
import { spawnSync } from 'node:child_process';
import { closeSync, mkdirSync, readFileSync, writeFileSync, writeSync } from 'node:fs';
import { createHash } from 'node:crypto';
import { createConnection } from 'node:net';
import { dirname } from 'node:path';
import { sealFrame } from '../../../src/contract/sealed-frame.js';

/** `only`: not done in a run with another action. */
type Step = { only?: string } & Action;
type Action =
  | { print: string; stream?: 'stderr'; newline?: boolean }
  | { lines: number; text: string }
  | { sleep: number }
  | { write: string; text?: string; bytes?: number }
  | { read: string }
  | { frame: Record<string, string>; exitCode?: number; wrongKey?: boolean; bytes?: number }
  | { run: string[] }
  | { signals: 'ignore' | 'count' | 'quiet' }
  | { told: true }
  | { environment: true }
  | { connect: string }
  | { close: true }
  | { spin: number }
  | { exit: number };

function print(text: string, fd = 1): void {
  const bytes = Buffer.from(text);
  for (let done = 0; done < bytes.length;) {
    try {
      done += writeSync(fd, bytes, done);
    } catch (error) {
      if ((error as { code?: string }).code !== 'EAGAIN') throw error;
    }
  }
}

/** Reads the files of a tar (plain and pax-free entries are all that the worker sends). */
function untar(bytes: Buffer): Map<string, Buffer> {
  const files = new Map<string, Buffer>();
  for (let at = 0; at + 512 <= bytes.length;) {
    const name = bytes.toString('utf8', at, at + 100).replace(/\0.*$/s, '');
    if (name === '') break;
    const size = parseInt(bytes.toString('latin1', at + 124, at + 136), 8) || 0;
    files.set(name, bytes.subarray(at + 512, at + 512 + size));
    at += 512 + Math.ceil(size / 512) * 512;
  }
  return files;
}

async function main(): Promise<void> {
  let signals = 0;
  let onSignal: 'ignore' | 'count' | 'quiet' = 'count';
  process.on('SIGINT', () => {
    signals += 1;
    if (onSignal === 'quiet') return;
    print(`signal ${signals}\n`);
    if (onSignal === 'ignore') return;
    writeFileSync(
      '/workspace/output.json',
      JSON.stringify({ success: false, action: 'apply', outputs: {}, error: 'interrupted' }),
    );
    process.exit(130);
  });
  const stdin = process.env['CLDCTL_INPUT'] === 'stdin';
  const files = stdin ? untar(readFileSync(0)) : new Map<string, Buffer>();
  for (const [name, bytes] of files) {
    if (name === 'input.json' || name.endsWith('/')) continue;
    mkdirSync(dirname(`/workspace/${name}`), { recursive: true });
    writeFileSync(`/workspace/${name}`, bytes);
  }
  const input =
    files.get('input.json') ?? (stdin ? undefined : readFileSync('/workspace/input.json'));
  if (input === undefined || input.length === 0) process.exit(75);
  const request = JSON.parse(input.toString()) as {
    action: string;
    inputs: { script: Step[] };
    seal_key?: string;
  };
  const key = Buffer.from(request.seal_key ?? '', 'base64');
  for (const step of request.inputs.script) {
    if (step.only !== undefined && step.only !== request.action) continue;
    if ('print' in step)
      print(step.print + (step.newline === false ? '' : '\n'), step.stream === 'stderr' ? 2 : 1);
    else if ('lines' in step) for (let i = 0; i < step.lines; i += 1) print(`${step.text} ${i}\n`);
    else if ('sleep' in step) await new Promise((done) => setTimeout(done, step.sleep));
    else if ('write' in step) {
      mkdirSync(dirname(`/workspace/${step.write}`), { recursive: true });
      writeFileSync(`/workspace/${step.write}`, step.text ?? Buffer.alloc(step.bytes ?? 0, 'x'));
    } else if ('read' in step) print(`read ${readFileSync(`/workspace/${step.read}`, 'utf8')}\n`);
    else if ('frame' in step) {
      const exitCode = step.exitCode ?? 0;
      const content: Record<string, Uint8Array> = Object.fromEntries(
        Object.entries(step.frame).map(([name, text]) => [name, Buffer.from(text)]),
      );
      if (step.bytes !== undefined) content['plan'] = noise(step.bytes);
      const sealed = sealFrame(
        { exitCode, files: content },
        step.wrongKey ? Buffer.alloc(32) : key,
      );
      print(`${JSON.stringify({ type: 'result', sealed })}\n`);
    } else if ('run' in step) {
      const ran = spawnSync(step.run[0] ?? '', step.run.slice(1), { encoding: 'utf8' });
      print(`ran ${ran.status ?? ran.error?.message} ${ran.stdout ?? ''}${ran.stderr ?? ''}\n`);
    } else if ('signals' in step) onSignal = step.signals;
    else if ('told' in step) print(`told ${signals}\n`);
    else if ('environment' in step) print(`environment ${JSON.stringify(process.env)}\n`);
    else if ('connect' in step) print(`${await connected(step.connect)}\n`);
    else if ('close' in step) for (const fd of [1, 2]) closeSync(fd);
    else if ('spin' in step) hold.push(Buffer.alloc(step.spin, 1));
    else process.exit(step.exit);
  }
}

/** Says whether a unix socket takes a connection. */
function connected(path: string): Promise<string> {
  return new Promise((done) => {
    const socket = createConnection(path);
    socket.on('connect', () => {
      socket.destroy();
      done(`connected as ${process.getuid?.() ?? '?'}`);
    });
    socket.on('error', (error) => done(String((error as { code?: string }).code ?? error)));
  });
}

const hold: Buffer[] = [];

/** Bytes that don't compress, the same ones on each call. */
function noise(size: number): Buffer {
  const pieces: Buffer[] = [];
  for (let i = 0; pieces.length * 32 < size; i += 1)
    pieces.push(createHash('sha256').update(String(i)).digest());
  return Buffer.concat(pieces).subarray(0, size);
}

void main();
