/** Cuts bytes into lines; a line longer than `limit` bytes comes in pieces. */
export interface LineSplitter {
  /** Complete lines in these bytes, without line ends. */
  push(chunk: Uint8Array): Buffer[];
  /** The last line when it has no line end. */
  end(): Buffer[];
}

const LINE_FEED = 10;
const CARRIAGE_RETURN = 13;

export function createLineSplitter(limit: number): LineSplitter {
  let rest: Buffer[] = [];
  let length = 0;
  const take = (): Buffer => {
    const line = rest.length === 1 && rest[0] !== undefined ? rest[0] : Buffer.concat(rest);
    rest = [];
    length = 0;
    return line.at(-1) === CARRIAGE_RETURN ? line.subarray(0, -1) : line;
  };
  return {
    push: (chunk) => {
      const lines: Buffer[] = [];
      for (let start = 0; start < chunk.length;) {
        const found = chunk.indexOf(LINE_FEED, start);
        const lineEnd = found === -1 ? chunk.length : found;
        const end = Math.min(lineEnd, start + limit - length);
        // The caller reuses its buffer.
        rest.push(Buffer.from(chunk.subarray(start, end)));
        length += end - start;
        start = end;
        if (found !== -1 && end === found) {
          lines.push(take());
          start += 1;
        } else if (length >= limit) lines.push(take());
      }
      return lines;
    },
    end: () => (length === 0 ? [] : [take()]),
  };
}
