/** The sealed copy of a result on stdout: gzip, then AES-256-GCM, of a few named files. */
import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';
import { gunzipSync, gzipSync } from 'node:zlib';

/** Largest frame on stdout, as base64 text: 256 KiB; a larger result is fetched from `/workspace`. */
export const FRAME_LIMIT = 256 * 1024;

const NONCE = 12;
const TAG = 16;

/** What a frame carries: the exit code and the files by name (`output.json`, `plan`, `state`, …). */
export interface Frame {
  readonly exitCode: number;
  readonly files: Readonly<Record<string, Uint8Array>>;
}

/** Seals a frame under a 32-byte key, as base64. */
export function sealFrame(frame: Frame, key: Uint8Array): string {
  const names = Object.keys(frame.files);
  const header = Buffer.from(
    JSON.stringify({
      exitCode: frame.exitCode,
      files: names.map((name) => [name, frame.files[name]?.length ?? 0]),
    }),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32BE(header.length);
  const plain = gzipSync(
    Buffer.concat([length, header, ...names.map((name) => frame.files[name] ?? new Uint8Array())]),
    { level: 1 },
  );
  const nonce = randomBytes(NONCE);
  const cipher = createCipheriv('aes-256-gcm', key, nonce);
  const sealed = Buffer.concat([nonce, cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return sealed.toString('base64');
}

/** Opens a frame; throws when it was not sealed under this key or was altered. */
export function openFrame(sealed: string, key: Uint8Array): Frame {
  const bytes = Buffer.from(sealed, 'base64');
  const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE));
  decipher.setAuthTag(bytes.subarray(bytes.length - TAG));
  const plain = gunzipSync(
    Buffer.concat([decipher.update(bytes.subarray(NONCE, bytes.length - TAG)), decipher.final()]),
  );
  const headerEnd = 4 + plain.readUInt32BE(0);
  const header = JSON.parse(plain.toString('utf8', 4, headerEnd)) as {
    exitCode: number;
    files: [string, number][];
  };
  const files: Record<string, Uint8Array> = {};
  let offset = headerEnd;
  for (const [name, size] of header.files) {
    files[name] = plain.subarray(offset, offset + size);
    offset += size;
  }
  return { exitCode: header.exitCode, files };
}
