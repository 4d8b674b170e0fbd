/** Logs of the worker: pino below, the SDK's own messages thinned out so that an outage is a few lines. */
import {
  Runtime,
  type LogLevel,
  type LogMetadata,
  type Logger as TemporalLogger,
} from '@temporalio/worker';
import { pino, type Logger } from 'pino';
import { CodedError } from './errors.js';

export type { Logger };

const LEVEL = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
} as const;
/** What the SDK warns of although it is meant so here. */
const EXPECTED = /^No (workflows|activities) registered/;
/** Milliseconds in which an equal message is not repeated. */
const REPEAT = 30_000;

/** A logger that writes one JSON object a line to stderr. */
export function createLogger(level: 'debug' | 'info' | 'warn' | 'error'): Logger {
  return pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, pino.destination(2));
}

/**
 * Sends what the SDK logs to `logger`, equal messages at most every 30 s with a count of what was left out.
 * `metricsAddress` (`host:port`) serves the SDK's metrics in Prometheus' form.
 * Once per process, before the first connection; later calls change nothing.
 */
export function installRuntime(logger: Logger, metricsAddress?: string): void {
  try {
    Runtime.install({
      logger: temporalLogger(logger),
      // Without this the SDK ends a process by itself on signals; the worker decides here.
      shutdownSignals: [],
      telemetryOptions: {
        logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
        ...(metricsAddress === undefined
          ? {}
          : { metrics: { prometheus: { bindAddress: metricsAddress } } }),
      },
    });
  } catch (error) {
    if (error instanceof Error && error.name === 'IllegalStateError') return;
    if (metricsAddress === undefined) throw error;
    const reason = error instanceof Error ? error.message : String(error);
    throw new CodedError(
      'InvalidConfiguration',
      `CLDCTL_METRICS_ADDRESS ${metricsAddress} can't be listened on (${reason})`,
      { cause: error },
    );
  }
}

/** A logger for the SDK. Lifecycle messages of the SDK are details here, so `INFO` becomes `debug`. */
export function temporalLogger(logger: Logger, now: () => number = Date.now): TemporalLogger {
  const seen = new Map<string, { until: number; left: number }>();
  const log = (level: LogLevel, message: string, meta?: LogMetadata): void => {
    if (EXPECTED.test(message)) return;
    const at = now();
    const known = seen.get(message);
    if (known !== undefined && at < known.until) {
      known.left += 1;
      return;
    }
    if (seen.size > 1000) seen.clear();
    seen.set(message, { until: at + REPEAT, left: 0 });
    const repeated = known === undefined || known.left === 0 ? {} : { repeated: known.left };
    const name = LEVEL[level];
    logger[name === 'info' ? 'debug' : name]({ ...plain(meta), ...repeated }, message);
  };
  return {
    log,
    trace: (message, meta) => log('TRACE', message, meta),
    debug: (message, meta) => log('DEBUG', message, meta),
    info: (message, meta) => log('INFO', message, meta),
    warn: (message, meta) => log('WARN', message, meta),
    error: (message, meta) => log('ERROR', message, meta),
  };
}

/** Fields that say where; an error is its message: stack traces and causes may carry what must not be logged. */
function plain(meta: LogMetadata | undefined): Record<string, unknown> {
  const { workflowId, workflowType, activityType, taskQueue, attempt, error } = (meta ??
    {}) as Record<string, unknown>;
  const reason = error instanceof Error ? error.message : undefined;
  return Object.fromEntries(
    Object.entries({ workflowId, workflowType, activityType, taskQueue, attempt, reason }).filter(
      ([, value]) => value !== undefined,
    ),
  );
}
