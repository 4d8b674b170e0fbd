/** The step that gives an image its labels; none of their values may need escaping. */
export function labelStep(labels: Readonly<Record<string, string>>): string {
  return `LABEL ${Object.entries(labels)
    .map(([name, value]) => `${name}="${value}"`)
    .join(' ')}`;
}
