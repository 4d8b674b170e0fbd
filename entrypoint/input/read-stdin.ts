import { readTar, type TarFile } from './tar-archive.js';

/** How long the input may pause before it counts as lost. */
const DEADLINE = 30_000;

/**
 * Reads a tar archive from a stream until its end marker, without waiting for the stream to end: the writer may keep it open.
 * Undefined when the stream ends or pauses for `deadline` ms before that.
 */
export function readTarStream(
  stream: NodeJS.ReadableStream,
  deadline: number = DEADLINE,
): Promise<TarFile[] | undefined> {
  return new Promise((resolve) => {
    const chunks: Buffer[] = [];
    let length = 0;
    let timer = setTimeout(() => finish(undefined), deadline);
    const finish = (files: TarFile[] | undefined): void => {
      clearTimeout(timer);
      stream.removeAllListeners();
      stream.on('error', () => undefined);
      stream.pause();
      resolve(files);
    };
    const whole = (): TarFile[] | undefined => readTar(Buffer.concat(chunks, length));
    stream.on('data', (chunk: Buffer) => {
      clearTimeout(timer);
      timer = setTimeout(() => finish(undefined), deadline);
      chunks.push(chunk);
      length += chunk.length;
      if (!endsEmpty(chunk)) return;
      const files = whole();
      if (files !== undefined) finish(files);
    });
    stream.on('end', () => finish(whole()));
    stream.on('error', () => finish(undefined));
  });
}

/** Only then it is worth looking for the end marker. */
function endsEmpty(chunk: Buffer): boolean {
  return chunk.subarray(-16).every((byte) => byte === 0);
}
