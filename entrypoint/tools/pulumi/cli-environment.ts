/** Environment of the CLI and, through it, of the program and its plugins. */

/** Settings that would change what a command means, whoever set them. */
const UNSET =
  /^PULUMI_(PARALLEL|CONTINUE_ON_ERROR|RUN_PROGRAM|EXPERIMENTAL|STACK|ACCESS_TOKEN|SKIP_CONFIRMATIONS|NEO|COPILOT|BACKEND_URL|CONFIG_PASSPHRASE|CONFIG_PASSPHRASE_FILE|HOME|DEBUG_COMMANDS|DIY_BACKEND_\w+|SELF_MANAGED_STATE_\w+|PREFER_YARN|IGNORE_AMBIENT_PLUGINS)$/;

/** Adds what makes the CLI quiet, offline and repeatable to the environment of the request. */
export function cliEnvironment(
  base: Readonly<Record<string, string>>,
  settings: { readonly home: string; readonly backendUrl: string; readonly passphraseFile: string },
): Record<string, string> {
  const environment: Record<string, string> = {};
  for (const [name, value] of Object.entries(base))
    if (!UNSET.test(name)) environment[name] = value;
  return {
    ...environment,
    PULUMI_HOME: settings.home,
    PULUMI_BACKEND_URL: settings.backendUrl,
    PULUMI_CONFIG_PASSPHRASE_FILE: settings.passphraseFile,
    PULUMI_SKIP_UPDATE_CHECK: 'true',
    PULUMI_DISABLE_AUTOMATIC_PLUGIN_ACQUISITION: 'true',
    // One stream of events for previews too.
    PULUMI_ENABLE_STREAMING_JSON_PREVIEW: 'true',
    PULUMI_FALLBACK_TO_STATE_SECRETS_MANAGER: 'true',
    PULUMI_DISABLE_CI_DETECTION: 'true',
    // The snapshot in the store is the backup.
    PULUMI_DIY_BACKEND_DISABLE_CHECKPOINT_BACKUPS: 'true',
    NO_COLOR: '1',
    // The module's directory is read-only.
    PYTHONDONTWRITEBYTECODE: '1',
  };
}
