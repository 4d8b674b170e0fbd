/** Which images a Dockerfile needs from elsewhere, and the same Dockerfile with others in their place. */

const SPACE = String.raw`(?:[ \t]|\\\r?\n)+`;
/** What comes before a name, the name, and the stage that `FROM` begins. */
const NAMED = new RegExp(
  String.raw`^([ \t]*(?:FROM(?:${SPACE}--\S+)*${SPACE}|COPY(?:${SPACE}--\S+)*?${SPACE}--from=))([^\s\\-]\S*)(?:${SPACE}AS${SPACE}(\S+))?`,
  'gim',
);

/**
 * Lists what `FROM` and `COPY --from` name, stages of the file itself left out. Names with build arguments in them are left to
 * the builder, which alone knows their values.
 */
export function baseImagesOf(dockerfile: string): string[] {
  const stages = new Set<string>(['scratch']);
  const found = new Set<string>();
  for (const [, , name = '', stage] of dockerfile.matchAll(NAMED)) {
    const isStage = stages.has(name.toLowerCase()) || /^\d+$/.test(name);
    if (!isStage && !name.includes('$')) found.add(name);
    if (stage !== undefined) stages.add(stage.toLowerCase());
  }
  return [...found];
}

/** The Dockerfile with `references` in the place of the images that `baseImagesOf` lists. */
export function withBaseImages(
  dockerfile: string,
  references: ReadonlyMap<string, string>,
): string {
  const names = new Set(baseImagesOf(dockerfile));
  return dockerfile.replace(NAMED, (whole: string, before: string, name: string) => {
    const reference = names.has(name) ? references.get(name) : undefined;
    return reference === undefined
      ? whole
      : before + reference + whole.slice(before.length + name.length);
  });
}
