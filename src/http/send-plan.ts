/** A whole plan over HTTP. */
import type { ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { SavedPlan } from '../plan/plan-store.js';
import { planText } from '../plan/view.js';
import { HEADERS } from './send-json.js';

/** Answers with the view of a plan with all its changes, as fast as it is read. */
export async function sendPlan(saved: SavedPlan, response: ServerResponse): Promise<void> {
  response.writeHead(200, { ...HEADERS, 'content-type': 'application/json; charset=utf-8' });
  await pipeline(Readable.from(planText(saved)), response).catch((error: unknown) => {
    // Who asked has gone.
    if (!response.destroyed) throw error;
  });
}
