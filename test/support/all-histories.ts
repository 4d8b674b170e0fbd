/** Everything that a Temporal server keeps of all operations, payloads decoded: what tests look for secrets in. */
import { Client, Connection } from '@temporalio/client';
import { historyToJSON } from '@temporalio/common/lib/proto-utils.js';

export async function allHistories(address: string): Promise<string> {
  const connection = await Connection.connect({ address });
  try {
    const client = new Client({ connection });
    const texts: string[] = [];
    for await (const { workflowId, runId } of client.workflow.list()) {
      const json = historyToJSON(await client.workflow.getHandle(workflowId, runId).fetchHistory());
      const payloads = [...json.matchAll(/"data": ?"([A-Za-z0-9+/=]*)"/g)];
      texts.push(json, ...payloads.map(([, data = '']) => Buffer.from(data, 'base64').toString()));
    }
    return texts.join('\n');
  } finally {
    await connection.close();
  }
}
