/** Calls to a registry's own API, for what an engine has no call for; credentials go to the registry and to the token server that it names. */
import { BlockList, isIP } from 'node:net';
import { CodedError } from '../errors.js';
import { dockerCall } from './docker-error.js';
import type { Engine } from './engine.js';
import { parseReference } from './image-reference.js';
import type { Transfer } from './push.js';
import type { RegistryAuth } from './registry-auth.js';
import { registryError } from './registry-error.js';

export interface RegistryRequest {
  readonly method: 'GET' | 'PUT';
  /** Below the repository, e.g. `manifests/v1`. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
}

/**
 * Makes a request about the repository of `reference`; its answer is one of success. Plain HTTP goes to loopback addresses and to the
 * engine's insecure registries only. Throws as `pushImage`.
 */
export async function registryRequest(
  engine: Engine,
  { reference, auth }: Transfer,
  request: RegistryRequest,
  signal: AbortSignal,
): Promise<Response> {
  const { host, path } = parseReference(reference);
  const server = host === 'docker.io' ? 'registry-1.docker.io' : host;
  const scheme = (await isInsecure(engine, host)) ? 'http' : 'https';
  const url = `${scheme}://${server}/v2/${path}/${request.path}`;
  const doing = `${request.method === 'GET' ? 'read' : 'push'} ${reference}`;
  const send = (authorization?: string): Promise<Response> =>
    call(
      url,
      {
        method: request.method,
        headers: { ...request.headers, ...(authorization === undefined ? {} : { authorization }) },
        ...(request.body === undefined ? {} : { body: request.body }),
        signal,
      },
      doing,
    );
  let answer = await send();
  if (answer.status === 401) {
    const challenge = answer.headers.get('www-authenticate') ?? '';
    const authorization = /^bearer /i.test(challenge)
      ? await bearer(challenge, auth, signal, doing)
      : basic(auth);
    if (authorization !== undefined) {
      await answer.body?.cancel();
      answer = await send(authorization);
    }
  }
  if (answer.ok) return answer;
  throw registryError(await words(answer), doing);
}

async function call(url: string, options: RequestInit, doing: string): Promise<Response> {
  try {
    return await fetch(url, options);
  } catch (error) {
    options.signal?.throwIfAborted();
    // fetch itself says only that it failed.
    const cause = (error as { cause?: unknown }).cause ?? error;
    throw registryError(
      `${new URL(url).host}: ${(cause as { code?: string }).code ?? ''} ${(cause as Error).message}`,
      doing,
      error,
    );
  }
}

function basic(auth: RegistryAuth | undefined): string | undefined {
  if (auth === undefined || !('username' in auth)) return undefined;
  return `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;
}

/** Gets a token as the challenge of a registry says. */
async function bearer(
  challenge: string,
  auth: RegistryAuth | undefined,
  signal: AbortSignal,
  doing: string,
): Promise<string> {
  const said = Object.fromEntries(
    [...challenge.matchAll(/(\w+)="([^"]*)"/g)].map(([, name = '', value = '']) => [name, value]),
  );
  const { realm = '', service = '', scope = '' } = said;
  if (!URL.canParse(realm))
    throw new CodedError('RegistryUnavailable', `can't ${doing}: it names no token server`);
  const query = new URLSearchParams({ service, scope });
  const refresh = auth !== undefined && 'identitytoken' in auth ? auth.identitytoken : undefined;
  const authorization = basic(auth);
  const answer =
    refresh === undefined
      ? await call(
          `${realm}?${query}`,
          { headers: { ...(authorization === undefined ? {} : { authorization }) }, signal },
          doing,
        )
      : await call(
          realm,
          {
            method: 'POST',
            body: new URLSearchParams({
              ...{ service, scope, client_id: 'cldctl-iac' },
              ...{ grant_type: 'refresh_token', refresh_token: refresh },
            }),
            signal,
          },
          doing,
        );
  if (!answer.ok) throw registryError(await words(answer), doing);
  const { token, access_token: other } = (await answer.json()) as {
    token?: string;
    access_token?: string;
  };
  return `Bearer ${token ?? other ?? ''}`;
}

/** A registry's own words about a refusal. */
async function words(answer: Response): Promise<string> {
  const text = await answer.text();
  try {
    const { errors } = JSON.parse(text) as { errors?: { code?: string; message?: string }[] };
    const [first] = errors ?? [];
    const code = first?.code?.toLowerCase().replaceAll('_', ' ');
    if (code !== undefined) return `${code}: ${first?.message ?? ''}`;
  } catch {
    // A proxy's page.
  }
  return `received unexpected HTTP status ${answer.status}`;
}

/** Whether the engine speaks plain HTTP with a registry. */
async function isInsecure(engine: Engine, host: string): Promise<boolean> {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  const { RegistryConfig: config } = (await dockerCall('read its registries', () =>
    engine.docker.info(),
  )) as { RegistryConfig?: RegistryConfig };
  if (config?.IndexConfigs?.[host]?.Secure === false || name === 'localhost') return true;
  const family = isIP(name);
  if (family === 0) return false;
  const insecure = new BlockList();
  insecure.addSubnet('127.0.0.0', 8, 'ipv4');
  insecure.addAddress('::1', 'ipv6');
  for (const range of config?.InsecureRegistryCIDRs ?? []) {
    const [address = '', bits] = range.split('/');
    insecure.addSubnet(address, Number(bits), isIP(address) === 6 ? 'ipv6' : 'ipv4');
  }
  return insecure.check(name, family === 6 ? 'ipv6' : 'ipv4');
}

interface RegistryConfig {
  readonly InsecureRegistryCIDRs?: readonly string[] | null;
  readonly IndexConfigs?: Readonly<Record<string, { readonly Secure?: boolean }>>;
}
