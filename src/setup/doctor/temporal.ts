import type { Connection } from '@temporalio/client';
import type { Config } from '../../config.js';
import { createAttributesCommand, SEARCH_ATTRIBUTES } from '../../temporal/search-attributes.js';
import { connectTemporal } from './connect-temporal.js';
import type { Finding } from './finding.js';
import { firstLine } from './first-line.js';

const subject = 'Temporal server';

/** The Temporal server, its namespace, and the search attributes that operations set. */
export async function* checkTemporal(config: Config): AsyncGenerator<Finding> {
  const { address, namespace } = config.temporal;
  let connection: Connection;
  try {
    connection = await connectTemporal(config);
  } catch (error) {
    yield {
      subject,
      status: 'optional',
      found: `nobody answers at ${address} (${firstLine(error)})`,
      remedy: 'set TEMPORAL_ADDRESS to a running one; the demo starts one of its own',
    };
    return;
  }
  try {
    const info = await connection.workflowService.getSystemInfo({});
    await connection.workflowService.describeNamespace({ namespace });
    const found = `${info.serverVersion} at ${address}, namespace ${namespace}`;
    yield { subject, status: 'ok', found };
    const known = await connection.operatorService.listSearchAttributes({ namespace });
    const missing = SEARCH_ATTRIBUTES.map(({ name }) => name).filter(
      (name) => known.customAttributes?.[name] === undefined,
    );
    yield missing.length === 0
      ? { subject: 'search attributes', status: 'ok', found: 'all registered' }
      : {
          subject: 'search attributes',
          status: 'missing',
          found: `not registered: ${missing.join(', ')}`,
          remedy: `${createAttributesCommand(missing)} --namespace ${namespace}`,
        };
  } catch (error) {
    yield {
      subject,
      status: 'missing',
      found: `${address}: ${firstLine(error)}`,
      remedy: `temporal operator namespace create ${namespace}`,
    };
  } finally {
    await connection.close();
  }
}
