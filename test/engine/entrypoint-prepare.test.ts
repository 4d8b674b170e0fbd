/** What a build bakes into a module image, and that nothing is asked for afterwards. */
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { ModuleRequest } from '../../src/contract/request.js';
import type { Engine } from '../../src/docker/engine.js';
import { startHttpStateServer } from '../support/http-state-server.js';
import { outsideProviderMirror } from '../support/outside-provider.js';
import { testEngine } from '../support/test-engine.js';
import {
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
let mirror: Record<string, Uint8Array>;

beforeAll(async () => {
  engine = await testEngine();
  images = testImages(engine);
  base = await opentofuBase();
  const directory = await outsideProviderMirror();
  const files = await readdir(directory, { recursive: true, withFileTypes: true });
  mirror = Object.fromEntries(
    await Promise.all(
      files
        .filter((file) => file.isFile())
        .map(async (file) => {
          const path = join(file.parentPath, file.name);
          return [`mirror${path.slice(directory.length)}`, await readFile(path)] as const;
        }),
    ),
  );
});
afterAll(() => images.remove());

/** The three stages of a generated Dockerfile. */
const staged = (): string => `FROM ${base} AS requirements
USER root
COPY module/ /module/
RUN ["/cldctl-entrypoint", "prepare", "opentofu", "requirements", "/requirements", "/child-modules"]

FROM ${base} AS providers
USER root
COPY mirror /mirror
COPY --from=requirements /requirements /requirements
RUN ["/cldctl-entrypoint", "prepare", "opentofu", "providers", "/requirements", "/mirror"]

FROM ${base}
COPY --from=providers /opt/cldctl /opt/cldctl
COPY --from=requirements /child-modules /module/.terraform/modules
USER root
COPY module/ /module/
RUN ["/cldctl-entrypoint", "prepare", "opentofu", "module"]
USER 10001:10001
`;

const thing = (name: string): Record<string, string> => ({
  'module/main.tf': `terraform {
  required_providers {
    outside = {
      source  = "cldctl/outside"
      version = ">= 1.0.0"
    }
  }
}
variable "directory" {
  default = "/workspace/world"
}
provider "outside" {
  directory = var.directory
}
module "child" {
  source = "./child"
}
resource "outside_thing" "a" {
  name = "${name}"
}
`,
  'module/child/main.tf':
    'terraform {\n  required_providers {\n    outside = { source = "cldctl/outside", version = "< 2.0.0" }\n  }\n}\n',
});

async function run(
  image: string,
  request: ModuleRequest,
  check: (end: ContainerEnd) => Promise<void> | void,
  host?: ContainerRun['host'],
): Promise<void> {
  const end = await runContainer(engine, { image, request, ...(host && { host }) });
  try {
    await check(end);
  } finally {
    await end.remove();
  }
}

const failing = async (build: Promise<string>): Promise<string> => {
  try {
    await build;
  } catch (error) {
    return (error as Error).message;
  }
  throw new Error('the build did not fail');
};

describe('providers', () => {
  test('are baked in, locked and shared: images with the same providers have them in one layer, and run without init or network', async () => {
    const layers: string[][] = [];
    for (const name of ['one', 'two']) {
      const image = await images.build(staged(), { ...thing(name), ...mirror });
      layers.push((await engine.docker.getImage(image).inspect()).RootFS.Layers ?? []);
      await run(image, { action: 'apply' }, (end) => {
        expect(end.response).toMatchObject({ success: true, receipt: { done: 1 } });
        expect(end.events.flatMap((event) => (event.type === 'step' ? [event.step] : []))).toEqual([
          'plan',
          'show',
          'apply',
        ]);
      });
    }
    const [one = [], two = []] = layers;
    expect(one).toHaveLength(two.length);
    expect(one.filter((layer) => !two.includes(layer))).toHaveLength(2);
  });

  test('a lock file that names another binary fails the build', async () => {
    const lock = `provider "registry.opentofu.org/cldctl/outside" {
  version     = "1.0.0"
  constraints = ">= 1.0.0, < 2.0.0"
  hashes = [
    "h1:AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=",
  ]
}
`;
    const files = { ...thing('locked'), 'module/.terraform.lock.hcl': lock, ...mirror };
    expect(await failing(images.build(staged(), files))).toMatch(/checksum/);
  });

  test("a version that the mirror does not have fails the build with the tool's words", async () => {
    const files = thing('none');
    files['module/main.tf'] = files['module/main.tf']?.replace('>= 1.0.0', '>= 1.5.0') ?? '';
    expect(await failing(images.build(staged(), { ...files, ...mirror }))).toMatch(
      /no available releases match|1\.5\.0/,
    );
  });
});

describe('modules', () => {
  test('a broken module fails the build, with file and line', async () => {
    const log = await failing(
      images.module(base, {
        'main.tf': 'resource "terraform_data" "a" {\n  inputt = 1\n}\n',
      }),
    );
    expect(log).toContain('main.tf line 2');
    expect(log).toContain('InvalidModule');
  });

  test('an override of the backend that would win is refused, and named', async () => {
    const log = await failing(
      images.module(base, {
        'main.tf': '',
        'zzz_override.tf.json': '{"terraform":[{"backend":{"local":{"path":"/elsewhere"}}}]}',
      }),
    );
    expect(log).toContain('zz_cldctl_backend_override.tf.json');
  });

  test("the module's own files stay out of .terraform, and a stale .terraform is not believed", async () => {
    const image = await images.module(base, {
      'main.tf': 'output "v" {\n  value = 1\n}\n',
      '.terraform/terraform.tfstate': '{"version":3,"backend":{"type":"s3","config":{},"hash":1}}',
    });
    await run(image, { action: 'apply' }, (end) =>
      expect(end.response).toMatchObject({ outputs: { v: { value: 1 } } }),
    );
  });

  test('an image that was not prepared runs too, from its own working directory', async () => {
    const image = await images.build(
      `FROM ${base}
USER root
RUN rmdir /module
WORKDIR /app
COPY module/ .
RUN tofu init -backend=false
USER 10001:10001
`,
      {
        'module/main.tf':
          'variable "name" {\n  type = string\n}\noutput "v" {\n  value = var.name\n}\n',
      },
    );
    await run(
      image,
      { action: 'apply', inputs: { name: 'x' }, environment: {}, stack_name: 's' },
      (end) =>
        expect(end.response).toMatchObject({ success: true, outputs: { v: { value: 'x' } } }),
    );
    await run(image, { action: 'preview', inputs: { nam: 'x' } }, (end) => {
      expect(end.response?.failure).toMatchObject({ code: 'InvalidInput' });
      expect(end.response?.error).toMatch(/"name" is required.*"nam" is not declared/);
    });
  });

  test("the module's own backend is kept on request, unless its state would go with the container", async () => {
    const server = await startHttpStateServer();
    onTestFinished(() => server.close());
    const resource = 'resource "terraform_data" "a" {\n}\n';
    const ofBackend = (block: string): Promise<string> =>
      images.module(base, { 'main.tf': `terraform {\n${block}\n}\n${resource}` });
    const request: ModuleRequest = {
      action: 'apply',
      options: { keep_backend: true },
      environment: server.environment('engine'),
      credentials: { TF_HTTP_PASSWORD: server.password },
    };
    const http = await ofBackend('  backend "http" {}');
    await run(
      http,
      request,
      (end) => {
        expect(end.response).toMatchObject({ success: true, notices: [], state: { serial: 1 } });
        expect(end.response?.state?.path).toBeUndefined();
        expect(server.state('engine')).toContain('terraform_data');
      },
      { NetworkMode: 'bridge' },
    );
    await run(http, { action: 'apply' }, (end) => {
      expect(end.response?.notices?.join()).toContain('backend "http" (main.tf)');
      expect(end.response?.state?.path).toBe('state/state');
    });
    for (const [block, named] of [
      ['  backend "local" {\n    path = "/workspace/own/place"\n  }', 'has backend "local"'],
      ['', 'has no backend block'],
    ] as const)
      await run(
        await ofBackend(block),
        { action: 'preview', options: { keep_backend: true } },
        (end) => {
          expect(end.response?.failure).toMatchObject({ code: 'InvalidInput' });
          expect(end.response?.error).toContain(named);
          expect(logText(end)).not.toContain('OpenTofu will perform');
        },
      );
  });
});
