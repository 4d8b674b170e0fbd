import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

/** Everything in a workflow's history as text, payloads decoded. */
export function historyText(history: Parameters<typeof historyToJSON>[0]): string {
  const json = historyToJSON(history);
  const payloads = [...json.matchAll(/"data": ?"([A-Za-z0-9+/=]*)"/g)].map(([, data = '']) =>
    Buffer.from(data, 'base64').toString('utf8'),
  );
  return [json, ...payloads].join('\n');
}
