import { expect, test } from 'vitest';
import { dockerMessage, fromDockerError } from '../../../src/docker/docker-error.js';
import { connectEngine } from '../../../src/docker/engine.js';
import { registryError } from '../../../src/docker/registry-error.js';

test.each([
  ['no basic auth credentials', 'RegistryDenied'],
  ['unauthorized: authentication required', 'RegistryDenied'],
  ['denied: requested access to the resource is denied', 'RegistryDenied'],
  ['manifest for a/b:c not found: manifest unknown: manifest unknown', 'ModuleNotFound'],
  ['tag does not exist: localhost:5791/mod/a:nope', 'ModuleNotFound'],
  ['name unknown: repository not found', 'ModuleNotFound'],
  ['dial tcp 127.0.0.1:5791: connect: connection refused', 'RegistryUnavailable'],
  ['lookup r.example.com: no such host', 'RegistryUnavailable'],
  ['toomanyrequests: You have reached your pull rate limit', 'RegistryUnavailable'],
  ['net/http: TLS handshake timeout', 'RegistryUnavailable'],
  ['Put "http://r/v2/x": EOF', 'RegistryUnavailable'],
  ['received unexpected HTTP status: 503 Service Unavailable', 'RegistryUnavailable'],
  ['http: server gave HTTP response to HTTPS client', 'InvalidConfiguration'],
  ['x509: certificate signed by unknown authority', 'InvalidConfiguration'],
  ['something never seen', 'RegistryUnavailable'],
])('a registry that says "%s" is %s', (message, code) => {
  expect(registryError(message, 'push x')).toMatchObject({
    code,
    message: expect.stringContaining('push x') as string,
  });
});

test('the words of an engine come without the transport’s', () => {
  const error = Object.assign(new Error('(HTTP code 500) server error - no\n space '), {
    statusCode: 500,
  });
  expect(dockerMessage(error)).toBe('no space');
  expect(fromDockerError(error, 'do it')).toMatchObject({ code: 'DockerUnavailable' });
  const aborted = Object.assign(new Error('stop'), { name: 'AbortError' });
  expect(fromDockerError(aborted, 'do it')).toBe(aborted);
});

test.each([
  ['unix:///nowhere/docker.sock', 'DockerUnavailable', /no such socket/],
  ['tcp://127.0.0.1:9', 'DockerUnavailable', /nothing listens/],
  ['tcp://[', 'InvalidConfiguration', /not a Docker host/],
])('an engine at %s is %s', async (host, code, message) => {
  await expect(connectEngine({ host })).rejects.toMatchObject({
    code,
    message: expect.stringMatching(message) as string,
  });
});

test('a context that does not exist is named', async () => {
  const environment = { DOCKER_CONTEXT: 'nowhere', DOCKER_CONFIG: '/nowhere' };
  await expect(connectEngine({ environment })).rejects.toMatchObject({
    code: 'InvalidConfiguration',
    message: expect.stringContaining('"nowhere"') as string,
  });
});
