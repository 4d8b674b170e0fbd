/** The search attributes of operations, created on the configured Temporal server. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Config } from '../src/config.js';
import { asCodedError, CodedError } from '../src/errors.js';
import { SEARCH_ATTRIBUTES } from '../src/temporal/search-attributes.js';

/** Temporal's numbers of the types. */
const TYPE = { Keyword: 2, Bool: 5 } as const;
const POLL_MS = 500;
/** A server whose database was just made can take this long to know a new attribute. */
const LIMIT_MS = 60_000;

/** Creates those that are missing and waits until the server knows them; returns their names. Throws `TemporalUnavailable`. */
export async function createAttributes(config: Config, signal: AbortSignal): Promise<string[]> {
  const { Connection } = await import('@temporalio/client');
  const { address, namespace, connectionOptions } = config.temporal;
  const until = performance.now() + LIMIT_MS;
  for (;;) {
    signal.throwIfAborted();
    try {
      const connection = await Connection.connect({ ...connectionOptions, connectTimeout: '5s' });
      try {
        const missing = async (): Promise<typeof SEARCH_ATTRIBUTES> => {
          const { customAttributes } = await connection.operatorService.listSearchAttributes({
            namespace,
          });
          return SEARCH_ATTRIBUTES.filter(({ name }) => customAttributes[name] === undefined);
        };
        const wanted = await missing();
        if (wanted.length > 0)
          await connection.operatorService.addSearchAttributes({
            namespace,
            searchAttributes: Object.fromEntries(
              wanted.map(({ name, type }) => [name, TYPE[type]]),
            ),
          });
        while ((await missing()).length > 0) await delay(POLL_MS, undefined, { signal });
        return wanted.map(({ name }) => name);
      } finally {
        await connection.close();
      }
    } catch (error) {
      signal.throwIfAborted();
      if (performance.now() > until)
        throw new CodedError(
          'TemporalUnavailable',
          `search attributes can't be created at ${address}: ${asCodedError(error).message.split('\n')[0] ?? ''}; check TEMPORAL_ADDRESS and TEMPORAL_NAMESPACE`,
          { cause: error },
        );
      await delay(POLL_MS, undefined, { signal });
    }
  }
}
