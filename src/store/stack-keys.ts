/** Keys of one stack, derived from a random root that is stored encrypted under the master key. */
import { createHmac, hkdfSync, randomBytes } from 'node:crypto';
import { canonicalJson } from '../contract/canonical-json.js';
import type { Json } from '../contract/json.js';
import type { ObjectStore } from './object-store.js';

/** All keys are 32 bytes. */
export interface StackKeys {
  /** For the HMAC that stands for a sensitive value in changes. */
  readonly mask: Buffer;
  /** For the HMAC that stands for a secret input in a plan bundle. */
  readonly inputs: Buffer;
  /** For the result frame of one run; `run` names the run uniquely, e.g. plan digest and attempt. */
  seal(run: string): Buffer;
  /** The passphrase of the stack's Pulumi secrets: random, made on first use, never changed by key rotation. */
  pulumiPassphrase(): Promise<string>;
  /** Replaces that passphrase by the one that an imported Pulumi stack was made with. */
  setPulumiPassphrase(passphrase: string): Promise<void>;
}

const ROOT_BYTES = 32;

/** The keys of a stack; makes its root when it has none. */
export async function readStackKeys(objects: ObjectStore, stackId: string): Promise<StackKeys> {
  const root = await createdOnce(objects, `keys/${stackId}/root`, () => randomBytes(ROOT_BYTES));
  const derive = (purpose: string): Buffer =>
    Buffer.from(hkdfSync('sha256', root, Buffer.alloc(0), `cldctl-iac ${purpose}`, 32));
  const passphraseKey = `keys/${stackId}/pulumi-passphrase`;
  return {
    mask: derive('mask'),
    inputs: derive('inputs'),
    seal: (run) => derive(`seal ${run}`),
    pulumiPassphrase: async () => {
      const passphrase = await createdOnce(objects, passphraseKey, () =>
        Buffer.from(randomBytes(ROOT_BYTES).toString('base64url')),
      );
      return Buffer.from(passphrase).toString('utf8');
    },
    setPulumiPassphrase: (passphrase) => objects.put(passphraseKey, Buffer.from(passphrase)),
  };
}

/** HMAC-SHA256 of a value's canonical form, as hex; `where` keeps equal values in two places apart. */
export function maskValue(key: Uint8Array, where: string, value: Json): string {
  return createHmac('sha256', key)
    .update(`${where}\0${canonicalJson(value)}`)
    .digest('hex');
}

async function createdOnce(
  objects: ObjectStore,
  key: string,
  make: () => Buffer,
): Promise<Uint8Array> {
  const existing = await objects.get(key);
  if (existing) return existing;
  const fresh = make();
  if (await objects.create(key, fresh)) return fresh;
  return (await objects.get(key)) ?? fresh;
}
