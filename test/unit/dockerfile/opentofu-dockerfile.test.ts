import { validate } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { renderOpentofuDockerfile } from '../../../src/dockerfile/opentofu-dockerfile.js';

const base = 'cldctl-iac/opentofu:1.12.6-0123456789ab';

describe('the Dockerfile of an OpenTofu module', () => {
  it('installs providers before the sources, and leaves the mirror behind', () => {
    expect(renderOpentofuDockerfile({ base, module: 'module', mirror: { folder: 'mirror' } }))
      .toBe(`FROM ${base} AS requirements
USER 0:0
COPY module /module
RUN ["/cldctl-entrypoint","prepare","opentofu","requirements","/requirements"]

FROM ${base} AS providers
USER 0:0
COPY mirror /mirror
COPY --from=requirements /requirements /requirements
RUN ["/cldctl-entrypoint","prepare","opentofu","providers","/requirements","/mirror"]

FROM ${base}
USER 0:0
COPY --from=providers /opt/cldctl /opt/cldctl
COPY module /module
RUN ["/cldctl-entrypoint","prepare","opentofu","module"]
USER 10001:10001
WORKDIR /module
ENTRYPOINT ["/cldctl-entrypoint"]
`);
  });

  it('takes providers from a network mirror, or from their registries', () => {
    const url = 'https://mirror.example.com/';
    expect(renderOpentofuDockerfile({ base, module: 'module', mirror: { url } })).toContain(
      `"providers","/requirements","${url}"]`,
    );
    expect(renderOpentofuDockerfile({ base, module: 'module' })).toContain(
      '"providers","/requirements"]',
    );
  });

  it.each([{}, { mirror: { folder: 'mirror' } }])(
    'has no problem that a linter finds: %j',
    (more) => {
      const problems = validate(renderOpentofuDockerfile({ base, module: 'module', ...more }));
      expect(problems.map(({ message }) => message)).toEqual([]);
    },
  );
});
