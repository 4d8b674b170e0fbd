/** Which images a Dockerfile needs from elsewhere. */

/**
 * Lists what `FROM` and `COPY --from` name, stages of the file itself left out. Names with build arguments in them are left to
 * the builder, which alone knows their values.
 */
export function baseImagesOf(dockerfile: string): string[] {
  const stages = new Set<string>(['scratch']);
  const found = new Set<string>();
  for (const line of dockerfile.replace(/\\\r?\n/g, ' ').split(/\r?\n/)) {
    const from = /^\s*FROM\s+(?:--\S+\s+)*(\S+)(?:\s+AS\s+(\S+))?/i.exec(line);
    const name = from?.[1] ?? /^\s*COPY\s+(?:--\S+\s+)*?--from=(\S+)/i.exec(line)?.[1];
    const isStage = name !== undefined && (stages.has(name.toLowerCase()) || /^\d+$/.test(name));
    if (name !== undefined && !isStage && !name.includes('$')) found.add(name);
    if (from?.[2] !== undefined) stages.add(from[2].toLowerCase());
  }
  return [...found];
}
