/** Colours and glyphs of what people read; a plain style leaves text as it is. */
import picocolors from 'picocolors';

export interface Style {
  readonly colour: boolean;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
  readonly red: (text: string) => string;
  readonly green: (text: string) => string;
  readonly yellow: (text: string) => string;
  readonly cyan: (text: string) => string;
  readonly magenta: (text: string) => string;
}

/** Makes a style that writes ANSI colours, or one that writes none. */
export function createStyle(colour: boolean): Style {
  const { bold, dim, red, green, yellow, cyan, magenta } = picocolors.createColors(colour);
  return { colour, bold, dim, red, green, yellow, cyan, magenta };
}
