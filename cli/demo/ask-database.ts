/** A question to a PostgreSQL server by a real client. */
import { CodedError } from '../../src/errors.js';

/** Runs one query and returns the first column of its first row as text. Throws `ModuleFailed` when the server can't be reached. */
export async function askDatabase(url: string, query: string): Promise<string> {
  const { default: pg } = await import('pg');
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 10_000 });
  try {
    await client.connect();
    const { rows } = await client.query<Record<string, unknown>>(query);
    return String(Object.values(rows[0] ?? {})[0]);
  } catch (error) {
    throw new CodedError(
      'ModuleFailed',
      `the database does not answer: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  } finally {
    await client.end().catch(() => undefined);
  }
}
