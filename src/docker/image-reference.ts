/** Names of images, taken apart as Docker reads them. */
import { CodedError } from '../errors.js';

export interface ImageReference {
  /** `registry.example.com:5000`, `docker.io`. */
  readonly host: string;
  /** Repository without host, e.g. `library/debian`. */
  readonly path: string;
  /** Host and repository as they were written. */
  readonly repository: string;
  readonly tag?: string;
  readonly digest?: string;
}

const COMPONENT = '[a-z0-9]+(?:(?:\\.|_|__|-+)[a-z0-9]+)*';
const PATH = new RegExp(`^${COMPONENT}(?:/${COMPONENT})*$`);
const HOST =
  /^(?:(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9])(?:\.(?:[A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9-]*[A-Za-z0-9]))*|\[[0-9a-fA-F:]+\])(?::\d+)?$/;
const TAG = /^\w[\w.-]{0,127}$/;
const DIGEST = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
const NAME_LIMIT = 255;

/** Parses `[host[:port]/]path[:tag][@digest]`. Throws `InvalidInput` that names what is wrong. */
export function parseReference(text: string): ImageReference {
  const invalid = (reason: string): CodedError =>
    new CodedError('InvalidInput', `"${text}" is not an image name: ${reason}`);
  const at = text.indexOf('@');
  const digest = at < 0 ? undefined : text.slice(at + 1);
  const named = at < 0 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(':');
  const tagged = colon > named.lastIndexOf('/');
  const repository = tagged ? named.slice(0, colon) : named;
  const tag = tagged ? named.slice(colon + 1) : undefined;
  if (digest !== undefined && !isDigest(digest)) throw invalid('its digest is malformed');
  if (tag !== undefined && !TAG.test(tag)) throw invalid('its tag is malformed');
  if (repository === '') throw invalid('it has no repository');
  const slash = repository.indexOf('/');
  const first = slash < 0 ? '' : repository.slice(0, slash);
  const isHost = /[.:A-Z]/.test(first) || first === 'localhost';
  const host = isHost ? first : 'docker.io';
  const rest = isHost ? repository.slice(slash + 1) : repository;
  if (!HOST.test(host)) throw invalid('its registry host is malformed');
  if (!PATH.test(rest)) {
    throw invalid(
      /[A-Z]/.test(rest) ? 'a repository is lower-case' : 'its repository is malformed',
    );
  }
  if (repository.length > NAME_LIMIT) throw invalid(`its name is longer than ${NAME_LIMIT}`);
  if (!isHost && slash < 0 && /^[0-9a-f]{64}$/.test(rest))
    throw invalid('it looks like an image id');
  return {
    host: host === 'index.docker.io' ? 'docker.io' : host,
    path: host === 'docker.io' && !rest.includes('/') ? `library/${rest}` : rest,
    repository,
    ...(tag === undefined ? {} : { tag }),
    ...(digest === undefined ? {} : { digest }),
  };
}

function isDigest(text: string): boolean {
  return text.startsWith('sha256:') ? /^sha256:[0-9a-f]{64}$/.test(text) : DIGEST.test(text);
}
