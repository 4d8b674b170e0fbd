import { describe, expect, test } from 'vitest';
import { DEFAULT_CREDENTIALS, loadConfig, maskConfig } from '../../../src/config.js';
import type { CodedError } from '../../../src/errors.js';

const base = { HOME: '/home/me' };

function failure(env: Record<string, string>): CodedError {
  try {
    loadConfig({ ...base, ...env });
  } catch (error) {
    return error as CodedError;
  }
  throw new Error('the configuration was accepted');
}

describe('loadConfig', () => {
  test('has a value for everything that needs one', () => {
    expect(loadConfig(base)).toMatchObject({
      store: 'file:///home/me/.local/share/cldctl-iac/store',
      cacheDir: '/home/me/.cache/cldctl-iac',
      route: 'auto',
      dockerSlots: 4,
      secretsEnv: DEFAULT_CREDENTIALS,
      secretValues: {},
      temporal: { address: 'localhost:7233', namespace: 'default' },
    });
  });

  test('keeps to the XDG directories', () => {
    const config = loadConfig({ ...base, XDG_DATA_HOME: '/data', XDG_CACHE_HOME: '/cache' });
    expect(config).toMatchObject({
      store: 'file:///data/cldctl-iac/store',
      cacheDir: '/cache/cldctl-iac',
    });
  });

  test('refuses a variable that it does not know, so that a typing mistake shows', () => {
    const error = failure({ CLDCTL_MODULE_ROOT: '/x' });
    expect(error).toMatchObject({ code: 'InvalidConfiguration' });
    expect(error.message).toContain('CLDCTL_MODULE_ROOT');
  });

  test('names every wrong value at once', () => {
    const { message } = failure({ CLDCTL_DOCKER_SLOTS: 'many', CLDCTL_STORE: '/plain/path' });
    expect(message).toContain('CLDCTL_DOCKER_SLOTS');
    expect(message).toContain('CLDCTL_STORE');
  });

  test('refuses a provider mirror that OpenTofu would refuse in the middle of a build', () => {
    const { message } = failure({ CLDCTL_PROVIDER_MIRROR: 'http://mirror.example.com/' });
    expect(message).toBe('CLDCTL_PROVIDER_MIRROR: OpenTofu takes network mirrors over https only');
    for (const place of ['https://mirror.example.com/', '/srv/mirror'])
      expect(loadConfig({ ...base, CLDCTL_PROVIDER_MIRROR: place }).providerMirror).toBe(place);
  });

  test('takes an empty variable as absent', () => {
    expect(loadConfig({ ...base, CLDCTL_STORE: '', CLDCTL_REGISTRY: '' }).registry).toBeUndefined();
  });

  test('reads lists, base images and mirrors', () => {
    const config = loadConfig({
      ...base,
      CLDCTL_SECRETS_ENV: 'DB_PASSWORD, TOKEN',
      CLDCTL_IMAGE_PULUMI_NODEJS: 'mirror/pulumi:1',
      CLDCTL_DEBIAN_IMAGE: 'mirror/debian:12',
      DB_PASSWORD: 's3cret',
      OTHER: 'not allowed',
    });
    expect(config.images).toEqual({ 'pulumi-nodejs': 'mirror/pulumi:1' });
    expect(config.publicImages).toEqual({ debian: 'mirror/debian:12' });
    expect(config.secretValues).toEqual({ DB_PASSWORD: 's3cret' });
  });

  test('takes the Temporal address and namespace from TEMPORAL_*', () => {
    const { temporal } = loadConfig({
      ...base,
      TEMPORAL_ADDRESS: 'host:1',
      TEMPORAL_NAMESPACE: 'iac',
    });
    expect(temporal).toMatchObject({
      address: 'host:1',
      namespace: 'iac',
      connectionOptions: { address: 'host:1' },
    });
  });
});

test.each(['http://user:pa55@host/state', 'https://host/state', 'gs://bucket'])(
  'state URL %s is refused at the start, without repeating it',
  (url) => {
    const load = (): unknown => loadConfig({ ...base, CLDCTL_STATE_URL: url });
    expect(load).toThrow('CLDCTL_STATE_URL: use postgres:// or s3://');
    expect(load).not.toThrow(/pa55/);
  },
);

test('what is printed holds no secret', () => {
  const config = loadConfig({
    ...base,
    CLDCTL_SECRETS_ENV: 'DB_PASSWORD',
    DB_PASSWORD: 's3cret',
    CLDCTL_STATE_URL: 'postgres://user:pa55word@db/state',
    TEMPORAL_API_KEY: 'k3y',
  });
  const text = JSON.stringify(maskConfig(config));
  for (const secret of ['s3cret', 'pa55word', 'k3y']) expect(text).not.toContain(secret);
  expect(text).toContain('DB_PASSWORD');
});
