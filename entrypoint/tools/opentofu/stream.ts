import { parseJsonFast, stringifyJson, type Diagnostic } from '../../../src/contract/index.js';

/** One operation on one resource that ended. */
export interface ResourceEnd {
  readonly resource: string;
  readonly action: string;
  readonly failed: boolean;
}

/** A change that `apply` announces before it starts. */
export interface PlannedChange {
  readonly resource: string;
  readonly action: string;
}

/** A resource operation as it happens. */
export interface ResourceProgress {
  readonly resource: string;
  readonly action: string;
  readonly status: 'started' | 'done' | 'failed';
  readonly seconds?: number;
}

/** What a `-json-into` stream said. */
export interface StreamReader {
  push(line: Buffer): void;
  readonly version: string | undefined;
  readonly diagnostics: readonly Diagnostic[];
  readonly planned: readonly PlannedChange[];
  readonly ended: readonly ResourceEnd[];
  /** Operations that started and did not end. */
  readonly open: ReadonlySet<string>;
  /** The state as JSON text, when the tool could write it nowhere else. */
  readonly emergencyState: string | undefined;
}

interface StreamLine {
  readonly type?: string;
  readonly tofu?: string;
  readonly diagnostic?: DiagnosticJson;
  readonly change?: { readonly resource: { readonly addr: string }; readonly action: string };
  readonly hook?: {
    readonly resource: { readonly addr: string };
    readonly action?: string;
    readonly elapsed_seconds?: number;
    readonly output?: string;
  };
  readonly state?: unknown;
}

interface DiagnosticJson {
  readonly severity: string;
  readonly summary: string;
  readonly detail?: string;
  readonly address?: string;
  readonly range?: { readonly filename: string; readonly start: { readonly line: number } };
  readonly snippet?: { readonly code: string };
}

const SUPPRESSED = '(output suppressed due to sensitive value in config)';
/** Output of provisioners is in the human text too, and can be a flood. */
const UNREAD = ['"type":"refresh_start"', '"type":"apply_progress"'];

export function createStreamReader(
  onProgress: (progress: ResourceProgress) => void = () => undefined,
): StreamReader {
  const diagnostics: Diagnostic[] = [];
  const planned: PlannedChange[] = [];
  const ended: ResourceEnd[] = [];
  const open = new Set<string>();
  const suppressed = new Set<string>();
  let version: string | undefined;
  let emergencyState: string | undefined;

  const onHook = (
    status: ResourceProgress['status'],
    hook: NonNullable<StreamLine['hook']>,
  ): void => {
    const { resource, action = '', elapsed_seconds: seconds } = hook;
    const key = `${action} ${resource.addr}`;
    if (status === 'started') open.add(key);
    else {
      open.delete(key);
      ended.push({ resource: resource.addr, action, failed: status === 'failed' });
    }
    onProgress({
      resource: resource.addr,
      action,
      status,
      ...(seconds === undefined ? {} : { seconds }),
    });
  };
  const read = (line: StreamLine, text: () => string): void => {
    if (line.type === 'version') version = line.tofu;
    else if (line.type === 'diagnostic' && line.diagnostic !== undefined)
      diagnostics.push(diagnostic(line.diagnostic, suppressed));
    else if (line.type === 'planned_change' && line.change !== undefined)
      planned.push({ resource: line.change.resource.addr, action: line.change.action });
    else if (line.type === 'log' && line.state !== undefined)
      emergencyState = stringifyJson((parseJsonFast(text()) as { state: unknown }).state);
    else if (line.hook !== undefined) {
      if (line.type === 'apply_start') onHook('started', line.hook);
      else if (line.type === 'apply_complete') onHook('done', line.hook);
      else if (line.type === 'apply_errored') onHook('failed', line.hook);
    }
  };
  return {
    push: (bytes) => {
      if (bytes.includes('"type":"provision_')) {
        if (bytes.includes(SUPPRESSED)) {
          const hook = parseLine(bytes)?.hook;
          if (hook !== undefined) suppressed.add(hook.resource.addr);
        }
        return;
      }
      if (UNREAD.some((type) => bytes.includes(type))) return;
      const line = parseLine(bytes);
      if (line !== undefined) read(line, () => bytes.toString('utf8'));
    },
    get version() {
      return version;
    },
    get emergencyState() {
      return emergencyState;
    },
    diagnostics,
    planned,
    ended,
    open,
  };
}

function parseLine(bytes: Buffer): StreamLine | undefined {
  try {
    // Only names and texts are read from it.
    return JSON.parse(bytes.toString('utf8')) as StreamLine;
  } catch {
    return undefined;
  }
}

/** The tool hides a sensitive command and its output while it runs, and prints both in clear when it fails. */
function diagnostic(json: DiagnosticJson, suppressed: ReadonlySet<string>): Diagnostic {
  const hidden =
    json.address !== undefined &&
    suppressed.has(json.address) &&
    /provisioner error/i.test(json.summary);
  const detail = hidden ? hiddenDetail(json.detail ?? '') : json.detail;
  return {
    severity: json.severity === 'warning' ? 'warning' : 'error',
    summary: json.summary,
    ...(detail === undefined || detail === '' ? {} : { detail }),
    ...(json.address === undefined ? {} : { resource: json.address }),
    ...(json.range === undefined ? {} : { file: json.range.filename, line: json.range.start.line }),
    ...(json.snippet === undefined || hidden ? {} : { snippet: json.snippet.code }),
  };
}

function hiddenDetail(detail: string): string {
  const status = /exit status \d+/.exec(detail)?.[0];
  return `The command failed${status === undefined ? '' : ` (${status})`}; it and its output are hidden because they hold a sensitive value.`;
}
