/** A state URL of a request as a backend of the CLI. */
import { FailureError } from '../../failure-error.js';

/** Where the CLI keeps state, with what must not be in a URL that it prints. */
export interface Backend {
  readonly url: string;
  readonly environment: Readonly<Record<string, string>>;
}

/**
 * `postgres://user:password@host/db` (its `schema` parameter means OpenTofu's; Pulumi keeps all stacks in one table) or
 * `s3://bucket/prefix` with `region`, `endpoint` and `path_style` as parameters. Throws `InvalidInput` for anything else; the message
 * doesn't repeat the URL.
 */
export function stateBackend(stateUrl: string): Backend {
  if (!URL.canParse(stateUrl)) throw new FailureError('InvalidInput', 'state.url is not a URL');
  const url = new URL(stateUrl);
  if (/^(pg|postgres|postgresql):$/.test(url.protocol)) return postgres(stateUrl);
  if (url.protocol === 's3:') return s3(url);
  throw new FailureError(
    'InvalidInput',
    `state.url: ${url.protocol}// is not known: use postgres:// or s3://`,
  );
}

function postgres(stateUrl: string): Backend {
  const url = new URL(stateUrl.replace(/^[a-z]+:/, 'postgres:'));
  url.searchParams.delete('schema');
  return { url: url.href, environment: {} };
}

function s3(url: URL): Backend {
  // Without a region in the URL the driver sends an empty one, which servers refuse.
  const query = new URLSearchParams({ region: url.searchParams.get('region') ?? 'us-east-1' });
  if (url.searchParams.get('path_style') === 'true') query.set('s3ForcePathStyle', 'true');
  const endpoint = url.searchParams.get('endpoint');
  if (endpoint !== null) {
    query.set('endpoint', endpoint.replace(/^https?:\/\//, ''));
    if (endpoint.startsWith('http://')) query.set('disableSSL', 'true');
  }
  return {
    url: `s3://${url.host}${url.pathname.replace(/\/+$/, '')}?${query.toString()}`,
    environment:
      url.username === ''
        ? {}
        : {
            AWS_ACCESS_KEY_ID: decodeURIComponent(url.username),
            AWS_SECRET_ACCESS_KEY: decodeURIComponent(url.password),
          },
  };
}
