import { expect, test } from 'vitest';
import { baseImagesOf } from '../../../src/dockerfile/base-images-of.js';

test('names what FROM and COPY take from elsewhere', () => {
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
  expect(baseImagesOf(dockerfile)).toEqual([
    'registry.example.com/base:1',
    'debian:12',
    'cldctl-entrypoint',
  ]);
});
