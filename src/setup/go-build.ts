import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { chmod, cp, mkdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { CodedError } from '../errors.js';
import type { Architecture } from './architecture.js';
import { cached } from './cache.js';
import { runCommand } from './run-command.js';
import type { SetupContext } from './context.js';

/** A program that one of the wrapper modules in `toolchain/` pins. */
export interface GoTool {
  /** Folder in `toolchain/`, cache entry and file name of the result. */
  name: string;
  version: string;
  /** Import path of the main package. */
  package: string;
  /** Further build flags. */
  flags?: readonly string[];
  /** File name of the result; default `name`. */
  binary?: string;
  /** Files to copy from a module's sources beside the result: the module's path, and paths inside it. */
  scripts?: { module: string; paths: readonly string[] };
  /** `GOARCH` of the result; default the host's. */
  architecture?: Architecture;
}

/** Builds a tool from its pinned sources, or finds it in the cache; returns the path of the executable. Needs Go on the PATH. */
export async function goBuild(context: SetupContext, tool: GoTool): Promise<string> {
  const wrapper = join(context.root, 'toolchain', tool.name);
  const binary = tool.binary ?? tool.name;
  const flags = ['-trimpath', ...(tool.flags ?? ['-ldflags=-s -w'])];
  const recipe = createHash('sha256').update(JSON.stringify({ flags, tool }));
  for (const file of ['go.mod', 'go.sum', 'tools.go'])
    recipe.update(readFileSync(join(wrapper, file)));

  const target = tool.architecture === undefined ? '' : ` for ${tool.architecture}`;
  return context.steps.step(`build ${binary} ${tool.version} from source${target}`, (step) =>
    context.steps.heavy(async () => {
      const lock = {
        signal: step.signal,
        onWait: (holder: { pid: number }) => step.progress(`process ${holder.pid} is at it`),
      };
      const key = { name: tool.name, version: tool.version, recipe: recipe.digest('hex') };
      const entry = await cached(context.cacheDirectory, key, lock, async (directory) => {
        const module = join(directory, 'module');
        await mkdir(module);
        for (const file of ['go.mod', 'go.sum', 'tools.go'])
          if (existsSync(join(wrapper, file))) await cp(join(wrapper, file), join(module, file));
        await runGo(
          context,
          module,
          // -v names each package when it is compiled: the only progress Go gives.
          ['build', '-v', ...flags, '-o', join(directory, binary), tool.package],
          step.progress,
          tool.architecture,
        );
        await copyScripts(context, module, directory, tool.scripts);
        await rm(module, { recursive: true });
      });
      if (entry.cached) step.markCached();
      return join(entry.path, binary);
    }),
  );
}

async function copyScripts(
  context: SetupContext,
  cwd: string,
  directory: string,
  scripts: GoTool['scripts'],
): Promise<void> {
  if (scripts === undefined) return;
  const args = ['list', '-m', '-f', '{{.Dir}}', scripts.module];
  const sources = (await runGo(context, cwd, args, () => undefined, undefined)).trim();
  for (const path of scripts.paths) {
    const copy = join(directory, basename(path));
    await cp(join(sources, path), copy);
    await chmod(copy, 0o755);
  }
}

async function runGo(
  context: SetupContext,
  cwd: string,
  args: string[],
  progress: (line: string) => void,
  architecture: string | undefined,
): Promise<string> {
  try {
    return await runCommand('go', args, {
      cwd,
      signal: context.steps.signal,
      onLine: (line) => progress(line.replace(/^go: /, '')),
      env: {
        ...process.env,
        // The toolchain that is installed, and exactly the modules that go.sum names.
        GOTOOLCHAIN: 'local',
        GOFLAGS: '-mod=mod -buildvcs=false',
        GOWORK: 'off',
        CGO_ENABLED: '0',
        ...(architecture === undefined ? {} : { GOOS: 'linux', GOARCH: architecture }),
      },
    });
  } catch (error) {
    if (!(error instanceof CodedError) || !error.message.endsWith('is not installed')) throw error;
    throw new CodedError(
      'SetupFailed',
      'building from source needs Go 1.26.6 or newer: install it, or set CLDCTL_ROUTE=public to take public images',
      { cause: error },
    );
  }
}
