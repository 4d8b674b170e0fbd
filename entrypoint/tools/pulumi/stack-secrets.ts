/** The key of a stack's secrets, derived when it is first needed. */
import type { Redactor } from '../../redact/redactor.js';
import { stringifyJson, type Json } from '../../../src/contract/index.js';
import type { Deployment } from './checkpoint.js';
import { openEncryption, type PassphraseEncryption } from './passphrase-encryption.js';
import { openSecrets, type OpenSecret } from './property-value.js';

export interface StackSecrets {
  /** Derives the key for a salt, or for a new one; the same salt is derived once. */
  encryption(salt: string | undefined): Promise<PassphraseEncryption>;
  /** A function that opens the secrets of a state (or plan under its salt); it opens nothing when there are none. */
  opener(salt: string | undefined, ...holders: readonly unknown[]): Promise<OpenSecret>;
  /** Makes the redactor know every secret that a state holds, those that the program made included. */
  redactState(deployment: Deployment, redactor: Redactor): Promise<void>;
}

const NOTHING: OpenSecret = () => undefined;

export function createStackSecrets(passphrase: string): StackSecrets {
  const known = new Map<string, Promise<PassphraseEncryption>>();
  const encryption: StackSecrets['encryption'] = (salt) => {
    const opened = known.get(salt ?? '') ?? openEncryption(passphrase, salt);
    known.set(salt ?? '', opened);
    // What is encrypted under a new salt is opened under it too.
    if (salt === undefined) void opened.then((made) => known.set(made.salt, opened));
    return opened;
  };
  const opener: StackSecrets['opener'] = async (salt, ...holders) => {
    if (salt === undefined || !holders.some(holdsSecret)) return NOTHING;
    const { decrypt } = await encryption(salt);
    return (ciphertext) => {
      try {
        return decrypt(ciphertext);
      } catch {
        return undefined;
      }
    };
  };
  return {
    encryption,
    opener,
    redactState: async (deployment, redactor) => {
      const open = await opener(saltOf(deployment), deployment.resources);
      if (open === NOTHING) return;
      for (const { inputs, outputs } of deployment.resources ?? [])
        for (const properties of [inputs, outputs])
          for (const secret of openSecrets((properties ?? {}) as Json, open)) redactor.add(secret);
    },
  };
}

/** Salt that a state's secrets are encrypted with. */
export function saltOf(deployment: Deployment | undefined): string | undefined {
  return deployment?.secrets_providers?.state?.salt;
}

function holdsSecret(value: unknown): boolean {
  return value !== undefined && stringifyJson(value).includes('"ciphertext"');
}
