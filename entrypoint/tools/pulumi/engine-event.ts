/** The events that the CLI prints with `--json`, one a line (CLI 3.259.0, `sdk/go/common/apitype/events.go`). */
import { parseJsonFast, type Json } from '../../../src/contract/json.js';

/** What the engine does with a resource in one step. */
export type StepOperation =
  | 'same'
  | 'create'
  | 'update'
  | 'delete'
  | 'replace'
  | 'create-replacement'
  | 'delete-replaced'
  | 'read'
  | 'read-replacement'
  | 'refresh'
  | 'discard'
  | 'discard-replaced'
  | 'remove-pending-replace'
  | 'import'
  | 'import-replacement'
  | 'diff'
  | 'extend-parameterize';

export type Properties = Readonly<Record<string, Json>>;

/** A resource before or after a step. */
export interface ResourceState {
  readonly id: string;
  readonly inputs?: Properties | null;
  readonly outputs?: Properties | null;
  readonly delete?: boolean;
  readonly taint?: boolean;
  readonly retainOnDelete?: boolean;
}

export interface ResourceStep {
  readonly op: StepOperation;
  readonly urn: string;
  readonly type: string;
  readonly old: ResourceState | null;
  readonly new: ResourceState | null;
  /** Property names that force a replacement. */
  readonly keys?: readonly string[] | null;
  readonly diffs?: readonly string[] | null;
  readonly detailedDiff?: Readonly<Record<string, { readonly diffKind: string }>> | null;
}

export interface EngineDiagnostic {
  readonly severity: 'info' | 'info#err' | 'warning' | 'error';
  readonly message: string;
  readonly urn?: string;
}

/** The events that say something; the others are `other`. */
export type EngineEvent =
  | { readonly kind: 'step-started' | 'step-done' | 'step-failed'; readonly step: ResourceStep }
  | { readonly kind: 'diagnostic'; readonly diagnostic: EngineDiagnostic }
  | { readonly kind: 'text'; readonly message: string }
  | { readonly kind: 'summary'; readonly result: string; readonly maybeCorrupt: boolean }
  | { readonly kind: 'other' };

const STEP_KINDS = {
  resourcePreEvent: 'step-started',
  resOutputsEvent: 'step-done',
  resOpFailedEvent: 'step-failed',
} as const;

const OTHER: EngineEvent = { kind: 'other' };

/** Reads a line; undefined when it is not an event. `debug` events, which print secrets in clear, and the prelude become `other`. */
export function parseEngineEvent(line: string): EngineEvent | undefined {
  const name = /^\{"sequence":\d+,"timestamp":\d+,"(\w+)":/.exec(line)?.[1];
  if (name === undefined) return undefined;
  // Most events of a large program are these: not worth parsing.
  if (
    name === 'preludeEvent' ||
    (name === 'diagnosticEvent' && line.includes('"severity":"debug"'))
  ) {
    return OTHER;
  }
  let body: Record<string, Json>;
  try {
    body = (parseJsonFast(line) as Record<string, Record<string, Json>>)[name] ?? {};
  } catch {
    return undefined;
  }
  switch (name) {
    case 'resourcePreEvent':
    case 'resOutputsEvent':
    case 'resOpFailedEvent':
      return { kind: STEP_KINDS[name], step: body['metadata'] as unknown as ResourceStep };
    case 'diagnosticEvent':
      return diagnosticOf(body);
    case 'errorEvent':
      return diagnosticOf({ severity: 'error', message: body['error'] ?? '' });
    case 'policyEvent':
      return diagnosticOf({
        severity: body['enforcementLevel'] === 'mandatory' ? 'error' : 'warning',
        message: body['message'] ?? '',
        urn: body['resourceUrn'] ?? '',
      });
    case 'stdoutEvent':
      return { kind: 'text', message: String(body['message'] ?? '') };
    case 'summaryEvent':
      return {
        kind: 'summary',
        result: String(body['result'] ?? ''),
        maybeCorrupt: body['maybeCorrupt'] === true,
      };
    default:
      return OTHER;
  }
}

function diagnosticOf(body: Record<string, Json>): EngineEvent {
  const severity = body['severity'];
  if (severity === 'debug' || body['ephemeral'] === true) return OTHER;
  const urn = body['urn'];
  return {
    kind: 'diagnostic',
    diagnostic: {
      severity: severity as EngineDiagnostic['severity'],
      message: String(body['message'] ?? '').trimEnd(),
      ...(typeof urn === 'string' && urn !== '' ? { urn } : {}),
    },
  };
}
