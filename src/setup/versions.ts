/** Exact versions of everything a set-up fetches or builds; each changes the cache entry or image tag that it is part of. */
export const versions = {
  temporal: '1.5.1',
  opentofu: '1.12.6',
  pulumi: '3.259.0',
  bun: '1.3.14',
  node: '24.21.0',
  npm: '11.21.2',
  go: '1.26.8',
  debianSuite: 'bookworm',
  postgresMajor: '15',
  /** Built from the main branch of 2026-09-16, 15 days after release 4.6.0: labelled so, for a constraint such as `~> 4.6` to match. */
  providerDocker: '4.6.0',
  providerLocal: '2.9.0',
  providerTime: '0.14.2',
  versitygw: '1.8.0',
  compose: '2.40.3',
  temporalServer: '1.29.1',
  temporalUi: '2.42.1',
} as const;

/** The container contract between worker and entrypoint, as the image label `dev.cldctl.contract` says it. */
export const contractVersion = '1';
