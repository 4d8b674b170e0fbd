import { spawnSync } from 'node:child_process';
import { FailureError } from '../../failure-error.js';
import { toolVariables } from './tool-environment.js';

/** Runs `tofu` during a build, its text to the build log; returns standard output when `capture` is set. Throws `InvalidModule`. */
export function buildTofu(
  words: readonly string[],
  options: {
    readonly cwd: string;
    readonly environment: Readonly<Record<string, string>>;
    readonly capture?: boolean;
  },
): string {
  const result = spawnSync('tofu', words, {
    cwd: options.cwd,
    env: { ...toolVariables(options.environment), ...settings(options.environment) },
    stdio: ['ignore', options.capture === true ? 'pipe' : 'inherit', 'inherit'],
    encoding: 'utf8',
    maxBuffer: 1024 * 1024 * 1024,
  });
  if (result.error !== undefined)
    throw new FailureError(
      'InvalidModule',
      `tofu can't be started: ${result.error.message}: use an OpenTofu base image`,
    );
  if (result.status !== 0)
    throw new FailureError(
      'InvalidModule',
      `tofu ${words[0] ?? ''} ended with exit code ${result.status ?? result.signal ?? '?'}: see the lines above`,
    );
  return options.capture === true ? result.stdout : '';
}

/** The file with tool settings, which `toolVariables` refuses from an image. */
function settings(environment: Readonly<Record<string, string>>): Record<string, string> {
  const file = environment['TF_CLI_CONFIG_FILE'];
  return file === undefined ? {} : { TF_CLI_CONFIG_FILE: file };
}
