import { expect, test } from 'vitest';
import { parseReference } from '../../../src/docker/image-reference.js';

const DIGEST = `sha256:${'a'.repeat(64)}`;

test.each([
  ['debian', { host: 'docker.io', path: 'library/debian', repository: 'debian' }],
  ['debian:12', { host: 'docker.io', path: 'library/debian', tag: '12' }],
  ['user/app', { host: 'docker.io', path: 'user/app' }],
  ['docker.io/app:1', { host: 'docker.io', path: 'library/app', tag: '1' }],
  ['localhost/app:1', { host: 'localhost', path: 'app', repository: 'localhost/app', tag: '1' }],
  ['localhost:5000/app', { host: 'localhost:5000', path: 'app' }],
  ['127.0.0.1:5000/a/b/c:v', { host: '127.0.0.1:5000', path: 'a/b/c', tag: 'v' }],
  ['[::1]:5000/app', { host: '[::1]:5000', path: 'app' }],
  [`registry.example.com/app@${DIGEST}`, { host: 'registry.example.com', digest: DIGEST }],
  [
    `registry.example.com/app:1@${DIGEST}`,
    { tag: '1', digest: DIGEST, repository: 'registry.example.com/app' },
  ],
  ['a/b__c.d-e', { host: 'docker.io', path: 'a/b__c.d-e' }],
] as [string, object][])('%s', (text, parts) => {
  expect(parseReference(text)).toMatchObject(parts);
});

test.each([
  ['', 'no repository'],
  [':tag', 'no repository'],
  ['App', 'lower-case'],
  ['registry.example.com/App', 'lower-case'],
  ['app:', 'tag'],
  ['app:a b', 'tag'],
  [`app:${'a'.repeat(129)}`, 'tag'],
  ['app@sha256:short', 'digest'],
  ['app/', 'repository'],
  ['/app', 'repository'],
  ['a//b', 'repository'],
  ['-app', 'repository'],
  ['a'.repeat(64), 'image id'],
  ['a'.repeat(256), 'longer'],
  ['http://registry/app', 'host'],
])('%j is refused', (text, reason) => {
  expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: 'InvalidInput' }));
  expect(() => parseReference(text)).toThrow(reason);
});
