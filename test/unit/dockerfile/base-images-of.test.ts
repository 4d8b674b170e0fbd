import { expect, test } from 'vitest';
import { baseImagesOf, withBaseImages } from '../../../src/dockerfile/base-images-of.js';

const dockerfile = [
  'ARG BASE=x',
  'FROM registry.example.com/base:1 AS Build',
  'from --platform=linux/amd64 debian:12 as tools',
  'FROM ${BASE}',
  'FROM scratch',
  'FROM build',
  'COPY --from=tools /a /a',
  'COPY --from=0 /a /a',
  'COPY --chown=1:1 \\',
  '  --from=cldctl-entrypoint /cldctl-entrypoint /cldctl-entrypoint',
  '# FROM comment',
  'RUN echo FROM nothing',
].join('\n');

test('names what FROM and COPY take from elsewhere', () => {
  expect(baseImagesOf(dockerfile)).toEqual([
    'registry.example.com/base:1',
    'debian:12',
    'cldctl-entrypoint',
  ]);
});

test('puts other images in their place and changes nothing else', () => {
  const references = new Map([
    ['cldctl-entrypoint', 'cldctl-entrypoint:1234'],
    ['debian:12', 'mirror.example.com/debian:12'],
  ]);
  const changed = dockerfile
    .replace('amd64 debian:12', 'amd64 mirror.example.com/debian:12')
    .replace('--from=cldctl-entrypoint', '--from=cldctl-entrypoint:1234');
  expect(withBaseImages(dockerfile, references)).toBe(changed);
  const staged = 'FROM debian:12 AS cldctl-entrypoint\r\nCOPY --from=cldctl-entrypoint /a /b\r\n';
  expect(withBaseImages(staged, references)).toBe(
    staged.replace('debian:12', 'mirror.example.com/debian:12'),
  );
});
