import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { createStateMirror } from '../../../../entrypoint/tools/pulumi/state-mirror.js';

const WRITER = `
  const { renameSync, writeFileSync } = require('node:fs');
  const file = process.argv[1];
  for (let n = 1; n <= 3000; n += 1) {
    renameSync(file, file + '.bak');
    writeFileSync(file + '.new', String(n).padStart(64, '0'));
    renameSync(file + '.new', file);
  }`;

test('a checkpoint that is moved away and replaced again and again is followed, and its last content kept', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'state-mirror-'));
  const checkpoint = join(folder, 'dev.json');
  const snapshot = join(folder, 'snapshot');
  writeFileSync(checkpoint, '0'.repeat(64));
  const mirror = createStateMirror(checkpoint, snapshot);
  const writer = spawn(process.execPath, ['-e', WRITER, checkpoint], { stdio: 'inherit' });
  const ended = once(writer, 'exit');
  try {
    while (writer.exitCode === null) {
      for (let poll = 0; poll < 500; poll += 1) mirror();
      await new Promise((resolve) => setImmediate(resolve));
    }
    await ended;
    mirror();
    expect(readFileSync(snapshot, 'utf8')).toBe('3000'.padStart(64, '0'));
  } finally {
    writer.kill('SIGKILL');
    await ended;
    rmSync(folder, { recursive: true, force: true });
  }
});
