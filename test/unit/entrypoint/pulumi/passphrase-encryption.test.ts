import { expect, it } from 'vitest';
import { openEncryption } from '../../../../entrypoint/tools/pulumi/passphrase-encryption.js';

/** Written by Pulumi 3.259.0 with the passphrase `pw`. */
const SALT = 'v1:p5uF0xxdJWI=:v1:pow7exbglbPbPkzV:wrv/i93AYBt/0Uph1J/Ln5ozCez2UQ==';
const SECRET = 'v1:6qU6cCcxWRaj26vZ:Sk/Hj6UrTczrHFCaE9UGBCjkOtLffUgGVrfE2Q==';

it('opens what the CLI encrypted', async () => {
  const { decrypt, salt } = await openEncryption('pw', SALT);
  expect(decrypt(SECRET)).toBe('"s3cr3t-tok"');
  expect(salt).toBe(SALT);
});

it('opens what it encrypted under a new salt, in another process too', async () => {
  const first = await openEncryption('pw');
  const again = await openEncryption('pw', first.salt);
  expect(again.decrypt(first.encrypt('ä\n'))).toBe('ä\n');
  expect(first.encrypt('x')).not.toBe(first.encrypt('x'));
});

it('refuses another passphrase, and a value that was altered', async () => {
  await expect(openEncryption('other', SALT)).rejects.toMatchObject({
    failure: { code: 'InvalidInput' },
  });
  await expect(openEncryption('pw', 'v2:x')).rejects.toMatchObject({
    failure: { code: 'StateDamaged' },
  });
  const { decrypt } = await openEncryption('pw', SALT);
  expect(() => decrypt(SECRET.replace('Sk', 'Sl'))).toThrow();
});
