import type { ModuleRequest } from '../../../src/contract/index.js';
import { FailureError } from '../../failure-error.js';

/** Where state is: a backend block for the override file, and everything secret as environment. */
export interface Backend {
  readonly type: 'local' | 'pg' | 's3';
  readonly config: Readonly<Record<string, string | boolean>>;
  readonly environment: Readonly<Record<string, string>>;
}

/** State in a file. */
export function localBackend(path: string): Backend {
  return { type: 'local', config: { path }, environment: {} };
}

/**
 * A state URL as a backend. `postgres://user:password@host/db?schema=NAME` (default schema: the stack's name);
 * `s3://bucket/key.tfstate` or `s3://bucket/prefix` (then `prefix/STACK.tfstate`) with `region`, `endpoint` and `path_style` as
 * parameters. Throws `InvalidInput` for anything else; the message doesn't repeat the URL.
 */
export function urlBackend(text: string, request: Pick<ModuleRequest, 'stack_name'>): Backend {
  if (!URL.canParse(text)) throw new FailureError('InvalidInput', 'state.url is not a URL');
  const url = new URL(text);
  const stack = request.stack_name ?? 'default';
  if (url.protocol === 'pg:' || url.protocol === 'postgres:' || url.protocol === 'postgresql:')
    return postgres(text, stack);
  if (url.protocol === 's3:') return s3(url, stack);
  throw new FailureError(
    'InvalidInput',
    `state.url: ${url.protocol}// is not known: use postgres:// or s3://`,
  );
}

function postgres(text: string, stack: string): Backend {
  const url = new URL(text.replace(/^[a-z]+:/, 'postgres:'));
  const schema = url.searchParams.get('schema') ?? stack;
  url.searchParams.delete('schema');
  return { type: 'pg', config: {}, environment: { PG_CONN_STR: url.href, PG_SCHEMA_NAME: schema } };
}

function s3(url: URL, stack: string): Backend {
  const path = decodeURIComponent(url.pathname).replace(/^\/+|\/+$/g, '');
  const key = path.endsWith('.tfstate')
    ? path
    : [path, `${stack}.tfstate`].filter((part) => part !== '').join('/');
  const { searchParams: parameters } = url;
  const region = parameters.get('region');
  const endpoint = parameters.get('endpoint');
  return {
    type: 's3',
    config: {
      bucket: url.hostname,
      key,
      use_lockfile: true,
      ...(parameters.get('path_style') === 'true' ? { use_path_style: true } : {}),
      // Stores that are not Amazon's know neither its account nor its metadata service.
      ...(endpoint === null
        ? {}
        : {
            skip_credentials_validation: true,
            skip_requesting_account_id: true,
            skip_metadata_api_check: true,
            skip_region_validation: true,
            skip_s3_checksum: true,
          }),
    },
    environment: {
      ...(region === null ? {} : { AWS_REGION: region }),
      ...(endpoint === null ? {} : { AWS_ENDPOINT_URL_S3: endpoint }),
      ...(url.username === ''
        ? {}
        : {
            AWS_ACCESS_KEY_ID: decodeURIComponent(url.username),
            AWS_SECRET_ACCESS_KEY: decodeURIComponent(url.password),
          }),
    },
  };
}
