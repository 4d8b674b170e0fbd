import type { ModuleDescription, ModuleRequest } from '../../src/contract/index.js';
import type { Redactor } from './redactor.js';

/** A word of a credential file that is as long as a key is. */
const KEY_LENGTH = 16;

/** Makes a redactor know every secret of a request: credentials, secret and sensitive inputs, keys, the password in a state URL. */
export function addRequestSecrets(
  redactor: Redactor,
  request: ModuleRequest,
  description: ModuleDescription | undefined,
): void {
  const { inputs = {}, credentials = {}, credential_files: files = {} } = request;
  for (const [name, variable] of Object.entries(description?.variables ?? {}))
    if (variable.sensitive === true || variable.ephemeral === true)
      redactor.add(Object.hasOwn(inputs, name) ? inputs[name] : variable.default);
  for (const name of request.secret_inputs ?? [])
    if (Object.hasOwn(inputs, name)) redactor.add(inputs[name]);
  for (const [name, value] of Object.entries(credentials))
    if (!/(_REGION|_PROJECT|_ZONE)$/.test(name)) redactor.add(value);
  for (const content of Object.values(files))
    redactor.add(content.split(/[\s"',]+/).filter((word) => word.length >= KEY_LENGTH));
  redactor.add(
    [request.passphrase, request.seal_key, request.mask_key].filter((key) => key !== undefined),
  );
  if (request.state !== undefined && 'url' in request.state)
    addUrlSecrets(redactor, request.state.url);
}

function addUrlSecrets(redactor: Redactor, url: string): void {
  if (!URL.canParse(url)) return;
  const { password, searchParams } = new URL(url);
  const values = [
    password,
    ...[...searchParams]
      .filter(([name]) => /pass|secret|key|token/i.test(name))
      .map(([, value]) => value),
  ];
  for (const value of values.filter((one) => one !== ''))
    redactor.add([value, decodeURIComponent(value)]);
}
