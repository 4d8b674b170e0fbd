/** The object store on S3 or a server that speaks it; must honour `If-None-Match: *`. */
import {
  DeleteObjectCommand,
  GetObjectCommand,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  S3ServiceException,
} from '@aws-sdk/client-s3';
import { wholeOf, type Content } from '../content.js';
import { CodedError } from '../errors.js';
import { decodeKey, encodeKey, type ObjectStore } from './object-store.js';
import { storeError } from './store-error.js';

/** Tries of one request; the client waits longer before each. */
const ATTEMPTS = 5;
/** Milliseconds to be connected, and of silence in a request: the client's default is to wait for ever, also with its `requestTimeout`. */
const TIMEOUTS = { connectionTimeout: 5_000, socketTimeout: 30_000 };

/**
 * Opens `s3://bucket/prefix?region=…&endpoint=…&forcePathStyle=true`; region defaults to the environment's,
 * credentials come from the AWS SDK's default chain. The bucket must exist. A server that takes a request and is silent is
 * asked `ATTEMPTS` times, 30 s each.
 */
export async function openS3Store(
  url: URL,
  timeouts: Partial<typeof TIMEOUTS> = {},
): Promise<ObjectStore> {
  const region = url.searchParams.get('region');
  const endpoint = url.searchParams.get('endpoint');
  const client = new S3Client({
    ...(region === null ? {} : { region }),
    ...(endpoint === null ? {} : { endpoint }),
    forcePathStyle: url.searchParams.get('forcePathStyle') === 'true',
    maxAttempts: ATTEMPTS,
    requestHandler: { ...TIMEOUTS, ...timeouts },
    // Objects are verified when they are decrypted, with an error that names them.
    responseChecksumValidation: 'WHEN_REQUIRED',
  });
  const bucket = url.host;
  const path = url.pathname.replace(/^\/+|\/+$/g, '');
  const root = path === '' ? '' : `${path}/`;
  const place = `the store at s3://${bucket}/${path}`;
  const target = (key: string): { Bucket: string; Key: string } => ({
    Bucket: bucket,
    Key: root + encodeKey(key),
  });
  const guarded = async <T>(work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      throw settingsError(error) ?? storeError(error, place);
    }
  };

  /** Undefined when there is no such object. */
  const found = async <T>(ask: () => Promise<T>): Promise<T | undefined> => {
    try {
      return await ask();
    } catch (error) {
      if (statusOf(error) === 404 && (error as S3ServiceException).name !== 'NoSuchBucket')
        return undefined;
      throw error;
    }
  };

  const get = (key: string): Promise<Uint8Array | undefined> =>
    guarded(async () => {
      const answer = await found(() => client.send(new GetObjectCommand(target(key))));
      return answer?.Body?.transformToByteArray();
    });

  async function* read(key: string): AsyncGenerator<Uint8Array> {
    try {
      const { Body } = await client.send(new GetObjectCommand(target(key)));
      yield* Body as AsyncIterable<Uint8Array>;
    } catch (error) {
      throw settingsError(error) ?? storeError(error, place);
    }
  }

  // Whole in memory: the client repeats a request only with a body that it has.
  const create = (key: string, content: Content): Promise<boolean> =>
    guarded(async () => {
      const bytes = await wholeOf(content);
      for (let conflicts = 0; ; conflicts += 1) {
        try {
          await client.send(
            new PutObjectCommand({ ...target(key), Body: bytes, IfNoneMatch: '*' }),
          );
          return true;
        } catch (error) {
          // 409: another conditional write was under way; who won is not known yet.
          if (statusOf(error) === 409 && conflicts < ATTEMPTS) continue;
          if (statusOf(error) !== 412) throw error;
          // A write whose answer was lost is repeated by the client and then finds itself.
          const tries = (error as S3ServiceException).$metadata.attempts ?? 1;
          return tries + conflicts > 1 && sameBytes(await get(key), bytes);
        }
      }
    });

  return {
    get,
    open: (key) =>
      guarded(async () => {
        const head = await found(() => client.send(new HeadObjectCommand(target(key))));
        if (head !== undefined)
          return { size: head.ContentLength ?? 0, [Symbol.asyncIterator]: () => read(key) };
        // An answer without a body does not tell a missing object from a missing bucket.
        await get(key);
        return undefined;
      }),
    create,
    put: (key, content) =>
      guarded(async () => {
        await client.send(new PutObjectCommand({ ...target(key), Body: await wholeOf(content) }));
      }),
    delete: (key) =>
      guarded(async () => {
        await client.send(new DeleteObjectCommand(target(key)));
      }),
    async *list(prefix) {
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      const Prefix = root + (folder === '' ? '' : `${encodeKey(folder.slice(0, -1))}/`);
      let ContinuationToken: string | undefined;
      do {
        const page = await guarded(() =>
          client.send(new ListObjectsV2Command({ Bucket: bucket, Prefix, ContinuationToken })),
        );
        for (const found of page.Contents ?? []) {
          const key = decodeKey((found.Key ?? '').slice(root.length));
          if (!key.startsWith(prefix)) continue;
          yield { key, size: found.Size ?? 0, modified: found.LastModified ?? new Date(0) };
        }
        ContinuationToken = page.NextContinuationToken;
      } while (ContinuationToken !== undefined);
    },
    close: () => client.destroy(),
  };
}

/** What the client can't do without: no try later cures it. */
function settingsError(error: unknown): CodedError | undefined {
  const { name, message } = error as Error;
  if (name !== 'CredentialsProviderError' && message !== 'Region is missing') return undefined;
  return new CodedError(
    'InvalidConfiguration',
    `the store on S3 needs a region (in CLDCTL_STORE or AWS_REGION) and credentials (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or a profile): ${message.split('\n')[0] ?? ''}`,
    { cause: error },
  );
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined;
}

function sameBytes(a: Uint8Array | undefined, b: Uint8Array): boolean {
  return a !== undefined && Buffer.compare(a, b) === 0;
}
