/** What a command's events and exit code say together. The CLI can't be made to end its events early: `run` stands in for it. */
import { mkdtempSync, openSync, closeSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createEventStream } from '../../../../entrypoint/output/event-stream.js';
import { createRedactor } from '../../../../entrypoint/redact/redactor.js';
import { createTimings } from '../../../../entrypoint/timings.js';
import { createCli, type CliEnd } from '../../../../entrypoint/tools/pulumi/cli.js';
import { classifyFailure } from '../../../../entrypoint/tools/pulumi/failure.js';
import type { ToolContext } from '../../../../entrypoint/tools/tool.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'pulumi-cli-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const event = (sequence: number, name: string, body: object): string =>
  JSON.stringify({ sequence, timestamp: 1, [name]: body });
const STEP = event(1, 'resourcePreEvent', {
  metadata: { op: 'create', urn: 'urn:pulumi:s::p::t:i:T::a', type: 't:i:T', old: null, new: null },
});
const SUMMARY = event(2, 'summaryEvent', { result: 'succeeded', maybeCorrupt: false });
const FAILED = event(2, 'summaryEvent', { result: 'failed', maybeCorrupt: false });

async function ended(lines: readonly string[], exitCode: number): Promise<CliEnd> {
  const sink = openSync(join(folder, 'events'), 'w');
  try {
    const context = {
      events: createEventStream(sink),
      redactor: createRedactor(),
      timings: createTimings(),
      paths: { temporary: folder },
      interruption: { requested: false },
      run: async (command) => {
        for (const line of lines) command.follow?.onLine(Buffer.from(line));
        await command.onPause?.();
        return { exitCode, signal: undefined };
      },
    } as Partial<ToolContext> as ToolContext;
    return await createCli(context, {})({ step: 'apply', argv: ['pulumi', 'up'], cwd: folder });
  } finally {
    closeSync(sink);
  }
}

describe('a command has succeeded', () => {
  it.each<[string, string[], number, boolean]>([
    ['when exit code and summary say so', [STEP, SUMMARY], 0, true],
    ['not when the summary never came, whatever the exit code says', [STEP], 0, false],
    ['not when nothing came at all', [], 0, false],
    ['not when the summary tells a failure', [STEP, FAILED], 0, false],
    ['not when the exit code tells one', [STEP, SUMMARY], 1, false],
  ])('%s', async (_, lines, exitCode, succeeded) => {
    expect((await ended(lines, exitCode)).succeeded).toBe(succeeded);
  });
});

it('a missing summary is named', async () => {
  const { failed } = await ended([STEP], 0);
  expect(classifyFailure(failed).message).toMatch(/without the summary of its events/);
});
