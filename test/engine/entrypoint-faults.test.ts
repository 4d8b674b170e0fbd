/** What a module can do to the entrypoint, and what is left of a run that is stopped or broken. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { EXIT, type EntrypointEvent } from '../../src/contract/event.js';
import { parseJson, stringifyJson } from '../../src/contract/json.js';
import type { ModuleResponse } from '../../src/contract/response.js';
import { openFrame } from '../../src/contract/sealed-frame.js';
import type { Engine } from '../../src/docker/engine.js';
import { testEngine } from '../support/test-engine.js';
import {
  inputTar,
  logText,
  opentofuBase,
  runContainer,
  testImages,
  type TestImages,
  type ContainerEnd,
  type ContainerRun,
} from './entrypoint-container.js';

let engine: Engine;
let images: TestImages;
let base: string;

beforeAll(async () => {
  engine = await testEngine();
  images = testImages(engine);
  base = await opentofuBase();
});
afterAll(() => images.remove());

const SECRET = 'hunter2-"quoted"-\n-second-line-of-it';

/** A module with one fast resource, and one whose provisioner runs `command`. */
const withCommand = (command: string): Record<string, string> => ({
  'main.tf': `resource "terraform_data" "first" {
  input = "x"
}
resource "terraform_data" "second" {
  input = terraform_data.first.output
  provisioner "local-exec" {
    command = <<-EOT
      ${command}
    EOT
  }
}
resource "terraform_data" "third" {
  input = terraform_data.second.id
}
output "o" {
  value = terraform_data.third.output
}
`,
});

async function run(
  request: ContainerRun,
  check: (end: ContainerEnd) => Promise<void> | void,
): Promise<void> {
  const end = await runContainer(engine, request);
  try {
    await check(end);
  } finally {
    await end.remove();
  }
}

const started = (event: EntrypointEvent, text: string): boolean =>
  event.type === 'log' && event.message.includes(text);
const stateOf = async (
  end: ContainerEnd,
): Promise<{ resources: { name: string; instances: { status?: string }[] }[] }> =>
  parseJson(((await end.file('state/state')) ?? Buffer.from('null')).toString()) as never;

describe('stopping', () => {
  test('one SIGINT stops an apply: the state has what was done, the receipt says it, later signals do nothing', async () => {
    const image = await images.module(base, withCommand('echo sleeping; exec sleep 60'));
    let signals = 0;
    await run(
      {
        image,
        request: { action: 'apply' },
        onEvent: (event, container) => {
          if (!started(event, 'sleeping') || signals > 0) return;
          signals = 3;
          void (async () => {
            for (const signal of ['SIGTERM', 'SIGINT', 'SIGTERM'])
              await container.kill({ signal }).catch(() => undefined);
          })();
        },
      },
      async (end) => {
        expect(end.exitCode).toBe(EXIT.interrupted);
        expect(end.response).toMatchObject({
          success: false,
          action: 'apply',
          outputs: {},
          failure: { detail: { interrupted: true } },
          receipt: { done: 1, failed: 1, not_reached: 1, unapproved: 0 },
        });
        const { resources } = await stateOf(end);
        expect(resources.map(({ name, instances }) => [name, instances[0]?.status])).toEqual([
          ['first', undefined],
          ['second', 'tainted'],
        ]);
        expect(logText(end).match(/Two interrupts received/)).toBeNull();
      },
    );
  });

  test('a command that ignores SIGINT does not keep the result back', async () => {
    const image = await images.module(
      base,
      withCommand("trap '' INT TERM; echo stubborn; sleep 100 & wait; sleep 100"),
    );
    await run(
      {
        image,
        request: { action: 'apply' },
        onEvent: (event, container) => {
          if (started(event, 'stubborn'))
            void container.kill({ signal: 'SIGINT' }).catch(() => undefined);
        },
      },
      (end) => {
        expect(end.exitCode).toBe(EXIT.interrupted);
        expect(end.response?.receipt).toMatchObject({ done: 1, failed: 1 });
      },
    );
  });

  test('SIGINT during a preview: no plan, nothing changed', async () => {
    const image = await images.module(base, {
      'main.tf': 'resource "terraform_data" "many" {\n  count = 4000\n}\n',
    });
    await run(
      {
        image,
        request: { action: 'preview' },
        onEvent: (event, container) => {
          if (event.type === 'step' && event.step === 'plan')
            void container.kill({ signal: 'SIGINT' }).catch(() => undefined);
        },
      },
      async (end) => {
        expect(end.exitCode).toBe(EXIT.interrupted);
        expect(end.response).toMatchObject({
          success: false,
          failure: { detail: { interrupted: true } },
        });
        expect(end.response?.plan).toBeUndefined();
        expect(await end.file('plan/plan')).toBeUndefined();
      },
    );
  });

  test('SIGKILL of the tool: the outcome is called unknown, what was saved is kept', async () => {
    const image = await images.module(base, withCommand('echo dying; kill -9 $PPID; sleep 30'));
    await run({ image, request: { action: 'apply' } }, (end) => {
      expect(end.exitCode).toBe(EXIT.failure);
      expect(end.response?.failure?.code).toBe('OutcomeUnknown');
      expect(end.response?.failure?.message).toContain('SIGKILL');
      expect(end.response?.receipt).toMatchObject({ done: 1, not_reached: 2 });
    });
  });
});

describe('odd modules', () => {
  // Straight to the tool's own output: what a provisioner prints OpenTofu passes on at less than 1 MB/s.
  test('50 MB of output pass in flat memory and the apply is not harmed', async () => {
    const image = await images.module(
      base,
      withCommand(
        'yes $(head -c 1000 /dev/zero | tr "\\0" x) | head -c 50000000 > /proc/$PPID/fd/1',
      ),
    );
    let bytes = 0;
    await run(
      {
        image,
        request: { action: 'apply' },
        host: { Memory: 256 * 1024 * 1024, MemorySwap: 256 * 1024 * 1024 },
        keepLogs: false,
        onEvent: (event) => {
          if (event.type === 'log') bytes += event.message.length;
        },
      },
      (end) => {
        expect(end.response).toMatchObject({ success: true, outputs: { o: {} } });
        expect(end.exitCode).toBe(0);
        expect(end.oomKilled).toBe(false);
      },
    );
    expect(bytes).toBeGreaterThan(49_000_000);
  });

  test('a process that is left behind does not keep the result back, and can not change it', async () => {
    const image = await images.module(
      base,
      withCommand(
        "(trap '' HUP; for i in $(seq 600); do echo '{\"success\":true}' > /workspace/output.json; sleep 0.05; done) > /dev/null 2>&1 & (sleep 600) > /dev/null 2>&1 & echo left",
      ),
    );
    await run({ image, request: { action: 'apply' } }, (end) => {
      expect(end.exitCode).toBe(0);
      expect(end.response).toMatchObject({ success: true, action: 'apply', receipt: { done: 3 } });
    });
  });

  test('a thousand orphans do not use up the processes', async () => {
    const image = await images.module(
      base,
      withCommand(
        'for i in $(seq 400); do (sleep 0.01 &) ; done; sleep 2; for i in $(seq 400); do (sleep 0.01 &) ; done; sleep 2; echo enough',
      ),
    );
    await run({ image, request: { action: 'apply' }, host: { PidsLimit: 512 } }, (end) => {
      expect(end.response?.success).toBe(true);
      expect(logText(end)).not.toMatch(/fork|Resource temporarily/);
    });
  });

  test('the memory and the environment of the entrypoint are closed to the module', async () => {
    const image = await images.module(
      base,
      withCommand(
        'cat /proc/1/environ; head -c 1 /proc/1/mem; kill -9 1; kill -USR1 1; kill -QUIT 999999; echo "still here $(id -u)"',
      ),
    );
    await run({ image, request: { action: 'apply' } }, (end) => {
      expect(logText(end)).toMatch(/environ: Permission denied/);
      expect(logText(end)).toMatch(/mem.*Permission denied/);
      expect(end.response?.success).toBe(true);
    });
  });

  test('hostile files and variables of an image change nothing', async () => {
    const evil =
      'require("fs").writeFileSync("/workspace/evil", "x"); console.log("EVIL RAN"); process.exit(0)';
    const image = await images.module(
      base,
      {
        ...withCommand('env | sort'),
        'bunfig.toml': 'preload = ["/module/evil.js"]\n',
        '.env': 'CLDCTL_INPUT=file\nHOME=/evil\n',
        'package.json': '{"main":"evil.js"}',
        'tsconfig.json': '{',
        'evil.js': evil,
      },
      [
        'RUN ["/cldctl-entrypoint","prepare","opentofu","module"]',
        'ENV NODE_OPTIONS="--require /module/evil.js" TF_CLI_ARGS_apply=-destroy TF_VAR_x=1 TF_LOG=trace HOME=/evil KEPT=kept',
      ],
    );
    await run(
      { image, request: { action: 'apply', environment: { ASKED: 'asked' } } },
      async (end) => {
        expect(end.response).toMatchObject({ success: true, receipt: { done: 3 } });
        expect([...end.other, logText(end)].join('\n')).not.toContain('EVIL');
        expect(await end.file('evil')).toBeUndefined();
        const text = logText(end);
        expect(text).toContain('ASKED=asked');
        expect(text).toContain('KEPT=kept');
        expect(text).toContain('HOME=/workspace/home');
        expect(text).not.toMatch(/NODE_OPTIONS=|TF_CLI_ARGS|TF_VAR_x|TF_LOG=/);
      },
    );
  });
});

describe('broken surroundings', () => {
  test('a workspace that is full at the end: the state comes in the sealed frame, the answer on stdout', async () => {
    const image = await images.module(
      base,
      withCommand('head -c 100000000 /dev/zero > /workspace/fill; true'),
    );
    const key = Buffer.alloc(32, 7);
    await run(
      {
        image,
        request: { action: 'apply', seal_key: key.toString('base64') },
        host: { Tmpfs: { '/workspace': 'size=3m,uid=10001,gid=10001,mode=0700' } },
      },
      (end) => {
        const result = end.events.at(-1);
        expect(result?.type).toBe('result');
        const frame = openFrame(result?.type === 'result' ? result.sealed : '', key);
        const response = parseJson(
          Buffer.from(frame.files['output.json'] ?? []).toString(),
        ) as unknown as ModuleResponse;
        expect(response.success).toBe(false);
        const state = parseJson(Buffer.from(frame.files['state'] ?? []).toString()) as {
          resources: { name: string }[];
        };
        expect(state.resources.map(({ name }) => name)).toEqual(['first', 'second', 'third']);
        expect(end.exitCode).toBe(frame.exitCode);
      },
    );
  });

  test('a read-only workspace: the answer is one line on stdout, exit code 74', async () => {
    const image = await images.module(base, withCommand('true'));
    await run(
      {
        image,
        request: { action: 'preview' },
        host: { Tmpfs: { '/workspace': 'ro,size=3m,uid=10001' } },
      },
      (end) => {
        expect(end.exitCode).toBe(EXIT.outputNotWritten);
        expect(end.events.at(-1)).toMatchObject({
          type: 'output',
          output: { success: false, action: 'preview' },
        });
      },
    );
  });

  test('a directory in the place of output.json', async () => {
    const image = await images.module(base, withCommand('mkdir -p /workspace/output.json/x'));
    await run({ image, request: { action: 'apply' } }, (end) => {
      expect(end.exitCode).toBe(EXIT.outputNotWritten);
      expect(end.events.at(-1)).toMatchObject({
        type: 'output',
        output: { success: true, receipt: { done: 3 } },
      });
    });
  });

  test('input that is cut off, and input that never comes: nothing runs, exit code 75', async () => {
    const image = await images.module(base, withCommand('true'));
    const whole = await inputTar(
      { action: 'apply', inputs: {} },
      { 'state/state': Buffer.alloc(4000, 32) },
    );
    for (const input of [whole.subarray(0, 700), whole.subarray(0, 2500), new Uint8Array()])
      await run({ image, input }, (end) => {
        expect(end.exitCode).toBe(EXIT.inputIncomplete);
        expect(end.events.filter(({ type }) => type === 'step')).toEqual([]);
      });
  });

  test('input whose stream stays open is read to its end marker', async () => {
    const image = await images.module(base, withCommand('true'));
    await run(
      { image, input: await inputTar({ action: 'preview' }, {}), keepOpen: true },
      (end) => {
        expect(end.exitCode).toBe(0);
      },
    );
  });
});

describe('secrets', () => {
  test('a secret is in no event and in no failure, in whatever form a module prints it', async () => {
    const image = await images.module(base, {
      'main.tf': `variable "secret" {
  type = string
}
resource "terraform_data" "a" {
  input = "x"
  provisioner "local-exec" {
    command = <<-EOT
      printf '%s\\n' "$SECRET"; printf '%s' "$SECRET" | base64 -w0; echo; printf 'user:%s' "$SECRET" | base64 -w0; echo; printf '%s' "$AWS_SECRET_ACCESS_KEY"; cat "$KUBECONFIG"; exit 3
    EOT
    environment = {
      SECRET = var.secret
    }
  }
}
`,
    });
    await run(
      {
        image,
        request: {
          action: 'apply',
          inputs: { secret: SECRET },
          secret_inputs: ['secret'],
          credentials: { AWS_SECRET_ACCESS_KEY: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY' },
          credential_files: {
            KUBECONFIG: 'users:\n- user:\n    token: "abcdefghijklmnopqrstuvwxyz012345"\n',
          },
        },
      },
      (end) => {
        expect(end.response?.failure?.code).toBe('ModuleFailed');
        const all = `${stringifyJson(end.events)}${stringifyJson(end.response)}${end.other.join('\n')}`;
        const base64 = (text: string): string => Buffer.from(text).toString('base64').slice(4, -8);
        for (const part of [
          'hunter2',
          'second-line',
          'wJalrXUtnFEMI',
          'abcdefghijklmnop',
          base64(SECRET),
          base64(`user:${SECRET}`).slice(4),
        ])
          expect(all).not.toContain(part);
        expect(logText(end)).toContain('[redacted]');
      },
    );
  });
});
