/** Digests as people type them. */

/** The first 16 hex digits: enough to name a plan, and short enough for every page that shows it. */
export function shortDigest(digest: string): string {
  return digest.replace(/^sha256:/, '').slice(0, 16);
}
