/** The counts a person reads at the end of a plan. */
export interface Counts {
  readonly add: number;
  readonly change: number;
  readonly destroy: number;
  readonly import: number;
  readonly forget: number;
}

/** Reads `Plan: 1 to import, 2 to add, 0 to change, 0 to destroy, 1 to forget.`; all zero when there is no such line. */
export function countsInText(text: string): Counts {
  const line = /^Plan: (.*)$/m.exec(text)?.[1] ?? '';
  const count = (word: string): number =>
    Number(new RegExp(`(\\d+) to ${word}`).exec(line)?.[1] ?? 0);
  return {
    add: count('add'),
    change: count('change'),
    destroy: count('destroy'),
    import: count('import'),
    forget: count('forget'),
  };
}
