/** What a registry's refusal or silence means; engines pass on the words, mostly without a usable status. */
import type { ErrorCode } from '../contract/error-code.js';
import { CodedError } from '../errors.js';

const TABLE: readonly (readonly [RegExp, ErrorCode, string])[] = [
  [
    /no basic auth credentials|unauthorized|authentication required|incorrect username or password/i,
    'RegistryDenied',
    'log in with "docker login", or check the password',
  ],
  [
    /denied|forbidden|insufficient_scope/i,
    'RegistryDenied',
    'check that the account may use this repository',
  ],
  [
    /manifest unknown|manifest for .* not found|name unknown|repository .* not found|repository name not known|not found: not found/i,
    'ModuleNotFound',
    'check the name and tag',
  ],
  [/tag does not exist|No such image|image does not exist/i, 'ModuleNotFound', 'build it first'],
  [
    /server gave HTTP response to HTTPS client/i,
    'InvalidConfiguration',
    'the registry speaks HTTP: add it to the engine’s insecure-registries',
  ],
  [
    /certificate|x509/i,
    'InvalidConfiguration',
    'the engine does not trust the registry’s certificate',
  ],
  [
    /toomanyrequests|too many requests|timeout|timed out|deadline exceeded|connection refused|connection reset|broken pipe|no such host|server misbehaving|network is unreachable|no route to host|EOF|50\d\b|received unexpected HTTP status/i,
    'RegistryUnavailable',
    'another try goes on where it stopped; check that the registry runs and is in reach',
  ],
];

/** Codes a registry's words; undefined when they are not about a registry. */
export function registryFailure(message: string): { code: ErrorCode; message: string } | undefined {
  const line = message.replace(/\s+/g, ' ').trim();
  for (const [pattern, code, next] of TABLE) {
    if (pattern.test(line)) return { code, message: `${line}; ${next}` };
  }
  return undefined;
}

/** Codes a failed push or pull; unknown words may be cured by another try. */
export function registryError(message: string, doing: string, cause?: unknown): CodedError {
  const known = registryFailure(message);
  return new CodedError(
    known?.code ?? 'RegistryUnavailable',
    `can't ${doing}: ${known?.message ?? message}`,
    { cause },
  );
}
