import { validate } from 'dockerfile-utils';
import { describe, expect, it } from 'vitest';
import { renderOpentofuDockerfile } from '../../../src/dockerfile/opentofu-dockerfile.js';

const base = 'cldctl-iac/opentofu:1.12.6-0123456789ab';
const common = { base, module: 'module', labels: { 'dev.cldctl.engine': 'opentofu' } };
const target = { platform: 'linux/arm64', base: `${base}-arm64`, buildPlatform: 'linux/amd64' };

describe('the Dockerfile of an OpenTofu module', () => {
  it('installs providers before the sources, and leaves the mirror behind', () => {
    expect(
      renderOpentofuDockerfile({
        ...common,
        mirror: { image: 'cldctl-iac/provider-mirror:1' },
      }),
    ).toBe(`FROM cldctl-iac/provider-mirror:1 AS mirror

FROM ${base} AS requirements
USER 0:0
COPY module /module
RUN ["/cldctl-entrypoint","prepare","opentofu","requirements","/requirements","/child-modules"]

FROM ${base} AS providers
USER 0:0
COPY --from=mirror / /mirror
COPY --from=requirements /requirements /requirements
RUN ["/cldctl-entrypoint","prepare","opentofu","providers","/requirements","/mirror"]

FROM ${base}
USER 0:0
WORKDIR /module
ENTRYPOINT ["/cldctl-entrypoint"]
LABEL dev.cldctl.engine="opentofu"
COPY --from=providers /opt/cldctl /opt/cldctl
COPY --from=requirements /child-modules /module/.terraform/modules
COPY module /module
RUN ["/cldctl-entrypoint","prepare","opentofu","module"]
USER 10001:10001
`);
  });

  it('takes providers from a network mirror, or from their registries', () => {
    const url = 'https://mirror.example.com/';
    expect(renderOpentofuDockerfile({ ...common, mirror: { url } })).toContain(
      `"providers","/requirements","${url}"]`,
    );
    expect(renderOpentofuDockerfile(common)).toContain('"providers","/requirements"]');
  });

  it('trusts certificates in the stages that reach a network, and in no other', () => {
    const stages = (more: object): boolean[] =>
      renderOpentofuDockerfile({ ...common, certificates: 'ca.pem', ...more })
        .split('\n\nFROM ')
        .map((stage) => stage.includes('ca.pem'));
    expect(stages({})).toEqual([true, true, false]);
    expect(stages({ mirror: { url: 'https://mirror.example.com/' } })).toEqual([true, true, false]);
    expect(stages({ mirror: { image: 'cldctl-iac/provider-mirror:1' } })).toEqual([
      false,
      true,
      false,
      false,
    ]);
  });

  it('runs everything on the engine’s platform when the image is for another one', () => {
    const rendered = renderOpentofuDockerfile({
      ...common,
      mirror: { image: 'cldctl-iac/provider-mirror:1' },
      target,
    });
    const [, last = ''] = rendered.split(`FROM --platform=linux/arm64 ${target.base}\n`);
    expect(last).toBe(`USER 0:0
WORKDIR /module
ENTRYPOINT ["/cldctl-entrypoint"]
LABEL dev.cldctl.engine="opentofu"
COPY --from=target /opt/cldctl /opt/cldctl
COPY --from=target /cldctl /cldctl
COPY --from=target /module /module
USER 10001:10001
`);
    expect(rendered).toContain('"platform","linux_arm64","/requirements","/mirror"]');
    expect(rendered.match(/^FROM --platform=linux\/amd64 /gm)).toHaveLength(4);
  });

  it.each([{}, { mirror: { image: 'cldctl-iac/provider-mirror:1' } }, { target }])(
    'has no problem that a linter finds: %j',
    (more) => {
      const problems = validate(renderOpentofuDockerfile({ ...common, ...more }));
      expect(problems.map(({ message }) => message)).toEqual([]);
    },
  );
});
