/** Names below the directory that `prepare` leaves for the runs. */

/** Providers in OpenTofu's unpacked mirror layout: HOST/NAMESPACE/TYPE/VERSION/OS_ARCH. */
export const PROVIDERS_DIRECTORY = 'providers';
/** Lock file of those providers. */
export const PROVIDERS_LOCK = 'providers.lock.hcl';
/** Tool settings that name those providers as the only source. */
export const TOOL_SETTINGS = 'tofurc';
