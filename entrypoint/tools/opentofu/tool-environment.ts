/** Variables that would change what a command does behind the request's back. */
const REFUSED =
  /^(TF_VAR_.*|TF_CLI_ARGS.*|TF_WORKSPACE|TF_DATA_DIR|TF_CLI_CONFIG_FILE|TF_PLUGIN_CACHE_DIR|TF_INPUT|TF_IN_AUTOMATION|CHECKPOINT_DISABLE)$/;

/** `TF_*` names of an environment that OpenTofu doesn't get. */
export function refusedVariables(environment: Readonly<Record<string, string>>): string[] {
  return Object.keys(environment).filter((name) => REFUSED.test(name));
}

/** An environment for `tofu`: what it may have, and what keeps it quiet and offline. */
export function toolVariables(
  environment: Readonly<Record<string, string>>,
): Record<string, string> {
  return {
    ...Object.fromEntries(Object.entries(environment).filter(([name]) => !REFUSED.test(name))),
    TF_IN_AUTOMATION: '1',
    TF_INPUT: '0',
    CHECKPOINT_DISABLE: '1',
  };
}
