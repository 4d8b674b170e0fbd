/** The page of a run in the Temporal UI, on the tab that shows plan and question. */
export function uiLink(
  base: string | undefined,
  namespace: string,
  workflowId: string,
  runId: string,
): string | undefined {
  if (base === undefined) return undefined;
  const path = [namespace, 'workflows', workflowId, runId].map(encodeURIComponent).join('/');
  return `${base}/namespaces/${path}/user-metadata`;
}
