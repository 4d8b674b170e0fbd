import type { ServerResponse } from 'node:http';
import { stringifyJson, type Json } from '../contract/json.js';

/** What every answer says besides its type: it is for one reader, and nothing in it is a page. */
export const HEADERS = {
  'cache-control': 'no-store',
  'x-content-type-options': 'nosniff',
  'referrer-policy': 'no-referrer',
} as const;

/** Answers with one JSON document. */
export function sendJson(response: ServerResponse, status: number, body: Json): void {
  response
    .writeHead(status, { ...HEADERS, 'content-type': 'application/json; charset=utf-8' })
    .end(`${stringifyJson(body, 2)}\n`);
}
