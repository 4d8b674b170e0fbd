/** Dockerfiles of Pulumi modules: dependencies in a stage and a layer of their own, before the sources. */
import { posix } from 'node:path';
import type { PulumiDependencies } from '../detect/pulumi-dependencies.js';
import { certificateSteps } from './certificate-steps.js';
import { labelStep } from './label-step.js';

export interface PulumiDockerfilePlan {
  /** Base image of the runtime. */
  readonly base: string;
  readonly dependencies: PulumiDependencies;
  /** Folder of the build context with the module's files: what else the context holds stays out of the image. */
  readonly module: string;
  /**
   * File of the build context with certificates that package registries are checked against besides the public ones; it stays in the
   * stage that installs.
   */
  readonly certificates?: string;
  /** What the image says of itself, whatever is in the module. */
  readonly labels: Readonly<Record<string, string>>;
}

/** Installers that the base images don't bring, in the versions that were tested. */
const TOOLS = {
  pnpm: 'pnpm@10.18.3',
  yarn: 'yarn@1.22.22',
  bun: 'bun@1.3.14',
  uv: 'uv==0.13.9',
  poetry: 'poetry==2.5.1',
};
const STAGE = 'dependencies';
const VENV = '/opt/cldctl/venv';
const PROGRAM = '/opt/cldctl/program';

/** The Dockerfile of a module. What is installed comes from a stage of its own, so that caches and build tools stay behind. */
export function renderPulumiDockerfile(plan: PulumiDockerfilePlan): string {
  const { base, dependencies, module } = plan;
  if (dependencies.runtime === 'yaml') return lines([`FROM ${base}`, ...finalSteps(plan, [])]);
  const install = installSteps(dependencies, module);
  const directory = posix.join('/module', dependencies.directory);
  return lines([
    `FROM ${base} AS ${STAGE}`,
    'USER 0:0',
    `WORKDIR ${directory}`,
    ...certificateSteps(plan.certificates),
    ...install.steps,
    '',
    `FROM ${base}`,
    ...finalSteps(plan, install.results, install.environment),
  ]);
}

interface Install {
  readonly steps: readonly string[];
  /** Paths that the final image takes over. */
  readonly results: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
}

function installSteps(
  dependencies: Exclude<PulumiDependencies, { runtime: 'yaml' }>,
  module: string,
): Install {
  switch (dependencies.runtime) {
    case 'nodejs':
      return {
        steps: [
          copy(dependencies, module),
          `RUN ${nodeInstall(dependencies)}`,
          'RUN mkdir -p node_modules',
          ...(dependencies.typescript ? [`RUN ${TYPESCRIPT_INSTALL}`] : []),
        ],
        results: [posix.join('/module', dependencies.directory, 'node_modules')],
      };
    case 'python':
      return {
        steps: [
          `RUN python3 -m venv ${VENV}`,
          `ENV PATH=${VENV}/bin:$PATH VIRTUAL_ENV=${VENV} PIP_DISABLE_PIP_VERSION_CHECK=1`,
          ...(dependencies.manager === 'pip'
            ? []
            : [
                `RUN python3 -m venv /opt/installer && /opt/installer/bin/pip install --no-cache-dir ${TOOLS[dependencies.manager]}`,
              ]),
          copy(dependencies, module),
          `RUN ${pythonInstall(dependencies)}`,
        ],
        results: [VENV],
        environment: { PATH: `${VENV}/bin:$PATH` },
      };
    case 'go':
      return {
        steps: [
          'ENV CGO_ENABLED=0',
          copy(dependencies, module),
          // Compiles the SDK, nearly all of the work, before the sources; `go mod download` would fetch modules that nothing imports.
          'RUN go build github.com/pulumi/pulumi/sdk/v3/go/pulumi github.com/pulumi/pulumi/sdk/v3/go/pulumi/config',
          `COPY ${posix.join(module, dependencies.directory)} .`,
          `RUN go build -ldflags="-s -w" -o ${PROGRAM} ./${dependencies.program}`,
        ],
        results: [PROGRAM],
        // The language host asks for the list of modules; without their cache it must not look for them elsewhere.
        environment: {
          PATH: '/opt/cldctl/bin:$PATH',
          GOFLAGS: '-mod=mod',
          GOPROXY: 'off',
          GOTOOLCHAIN: 'local',
        },
      };
  }
}

type NodeDependencies = Extract<PulumiDependencies, { runtime: 'nodejs' }>;

function nodeInstall({ manager, locked }: NodeDependencies): string {
  const frozen = locked ? ' --frozen-lockfile' : '';
  switch (manager) {
    case 'npm':
      return `${locked ? 'npm ci' : 'npm install --no-package-lock'} --omit=dev --no-audit --no-fund`;
    case 'pnpm':
      return `npx --yes ${TOOLS.pnpm} install --prod${frozen} --config.node-linker=hoisted`;
    case 'yarn':
      return `npx --yes ${TOOLS.yarn} install --production${frozen} --non-interactive`;
    case 'bun':
      return `npx --yes ${TOOLS.bun} install --production${frozen}`;
  }
}

/** Prints the compiler and the types among the development dependencies, in the versions that the lock file of any manager names. */
const COMPILER_PACKAGES = [
  String.raw`const fs = require("fs"), text = (value) => value.replace(/[^\w]/g, "\\$&")`,
  String.raw`const lock = ["package-lock.json", "npm-shrinkwrap.json", "pnpm-lock.yaml", "yarn.lock", "bun.lock"].filter(fs.existsSync).map((file) => "\n" + fs.readFileSync(file, "utf8")).join("")`,
  String.raw`const places = (name, wanted) => ["\"node_modules/" + name + "\": \\{\\s*\"version\": \"([^\"]+)", "\n +[\"\x27]?" + name + "[\"\x27]?:\n +specifier: [^\n]+\n +version: ([^\n(]+)", "[\n ]\"?" + text(name + "@" + wanted) + "\"?(?:,[^\n]*)?:\n  version \"([^\"]+)", "\"" + name + "\": \\[\"" + name + "@([^\"]+)"]`,
  String.raw`const locked = (name, wanted) => places(name, wanted).map((place) => new RegExp(place).exec(lock)?.[1]).find(Boolean)`,
  String.raw`const names = Object.entries(require("./package.json").devDependencies ?? {}).filter(([name]) => name === "typescript" || name.startsWith("@types/"))`,
  String.raw`console.log(names.map(([name, wanted]) => name + "@" + (locked(name, wanted) ?? wanted)).join(" "))`,
].join('; ');

/**
 * The compiler and types are development dependencies by custom, and needed to run the program: the SDK's own compiler is TypeScript 3.8.
 * What npm installs for them takes the place of what is there, as it would beside the program.
 */
const TYPESCRIPT_INSTALL = [
  `packages=$(node -e '${COMPILER_PACKAGES}')`,
  'installed=$PWD/node_modules',
  [
    'if [ -n "$packages" ]; then npm install --prefix /opt/typescript --no-audit --no-fund $packages',
    'cd /opt/typescript/node_modules',
    '(for each in [!@.]* @*/*; do rm -rf "$installed/$each"; done)',
    'cp -R [!.]* "$installed"/; fi',
  ].join(' && '),
].join(' && ');

function pythonInstall({
  manager,
  locked,
}: Extract<PulumiDependencies, { runtime: 'python' }>): string {
  switch (manager) {
    case 'pip':
      return 'pip install --no-cache-dir -r requirements.txt';
    case 'uv':
      return `UV_PROJECT_ENVIRONMENT=${VENV} /opt/installer/bin/uv sync --no-cache --no-dev --no-install-project${locked ? ' --frozen' : ''}`;
    case 'poetry':
      return `/opt/installer/bin/poetry install --only main --no-root --no-interaction --no-cache`;
  }
}

/** What no source changes comes first: the classic builder commits every step anew after one. */
function finalSteps(
  { module, labels }: PulumiDockerfilePlan,
  results: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): string[] {
  const variables = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
  return [
    'USER 0:0',
    'WORKDIR /module',
    'ENTRYPOINT ["/cldctl-entrypoint"]',
    labelStep(labels),
    ...results.map((path) => `COPY --from=${STAGE} ${path} ${path}`),
    ...(variables.length === 0 ? [] : [`ENV ${variables.join(' ')}`]),
    `COPY ${module} .`,
    'RUN ["/cldctl-entrypoint","prepare","pulumi","module"]',
    'USER 10001:10001',
  ];
}

function copy(
  { directory, files }: { readonly directory: string; readonly files: readonly string[] },
  module: string,
): string {
  return `COPY ${files.map((file) => posix.join(module, directory, file)).join(' ')} ./`;
}

function lines(steps: readonly string[]): string {
  return `${steps.join('\n')}\n`;
}
