/** BuildKit's progress messages (`moby.buildkit.v1.StatusResponse`), decoded by hand: only varints and byte strings occur. */

/** A step that began, ended or failed. */
export interface TraceStep {
  readonly digest: string;
  readonly name: string;
  readonly started: boolean;
  readonly completed: boolean;
  readonly cached: boolean;
  readonly error: string;
}

/** Output of a step. */
export interface TraceLog {
  readonly step: string;
  /** Nanoseconds since 1970: standard error comes before earlier standard output. */
  readonly at: bigint;
  readonly message: Buffer;
}

/** Decodes the `aux` of one `moby.buildkit.trace` line. */
export function decodeTrace(aux: string): { steps: TraceStep[]; logs: TraceLog[] } {
  const steps: TraceStep[] = [];
  const logs: TraceLog[] = [];
  for (const [field, value] of fields(Buffer.from(aux, 'base64'))) {
    if (!Buffer.isBuffer(value)) continue;
    if (field === 1) steps.push(decodeStep(value));
    if (field === 3) logs.push(decodeLog(value));
  }
  return { steps, logs: logs.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0)) };
}

/** Vertex {1 digest, 3 name, 4 cached, 5 started, 6 completed, 7 error}. */
function decodeStep(bytes: Buffer): TraceStep {
  const found = new Map(fields(bytes));
  const text = (field: number): string => String(found.get(field) ?? '');
  return {
    digest: text(1),
    name: text(3),
    cached: found.get(4) === 1n,
    started: found.has(5),
    completed: found.has(6),
    error: text(7),
  };
}

/** VertexLog {1 vertex digest, 2 timestamp {1 seconds, 2 nanoseconds}, 3 stream, 4 message}. */
function decodeLog(bytes: Buffer): TraceLog {
  const found = new Map(fields(bytes));
  const timestamp = new Map(fields((found.get(2) as Buffer | undefined) ?? Buffer.alloc(0)));
  const part = (field: number): bigint => (timestamp.get(field) as bigint | undefined) ?? 0n;
  return {
    step: String(found.get(1) ?? ''),
    at: part(1) * 1_000_000_000n + part(2),
    message: (found.get(4) as Buffer | undefined) ?? Buffer.alloc(0),
  };
}

function* fields(bytes: Buffer): Generator<[number, bigint | Buffer]> {
  let offset = 0;
  const varint = (): bigint => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[offset++];
      if (byte === undefined) throw new RangeError('cut off');
      value |= BigInt(byte & 127) << shift;
      if (byte < 128) return value;
    }
  };
  while (offset < bytes.length) {
    const key = Number(varint());
    if ((key & 7) === 0) yield [key >> 3, varint()];
    else if ((key & 7) === 2) {
      const size = Number(varint());
      yield [key >> 3, bytes.subarray(offset, offset + size)];
      offset += size;
    } else throw new RangeError(`unexpected wire type ${key & 7}`);
  }
}
