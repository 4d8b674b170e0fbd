/** Where in the module's sources an error arose, from what language hosts and programs print. */
import { isAbsolute, posix } from 'node:path';

export interface ProgramPlace {
  /** Relative to the module's directory. */
  readonly file: string;
  readonly line?: number;
}

/** Each finds file and line; the module's own frame is the nearest to the error, the rest is the SDK's. */
const FORMS: readonly { readonly pattern: RegExp; readonly nearest: 'first' | 'last' }[] = [
  // Python prints the innermost frame last.
  { pattern: /^ *File "([^"\n]+)", line (\d+)/gm, nearest: 'last' },
  // Node: `at name (file:///module/index.js:2:3)`, `/module/index.js:2`, and the compiler's `index.ts(2,3): error`.
  { pattern: /(?:file:\/\/)?(\/[^\s():]+):(\d+)(?::\d+)?\b/g, nearest: 'first' },
  { pattern: /^([^\s():]+\.[cm]?tsx?)[(:](\d+)[,:]\d+\)?/gm, nearest: 'first' },
  // YAML.
  { pattern: /^ *on (\S+) line (\d+):/gm, nearest: 'first' },
  // A program that could not even be read: Node's host prints no line.
  { pattern: /^Running program '([^'\n]+)'()/gm, nearest: 'first' },
];

/** The place that a message names in the module; undefined when it names none. */
export function programPlace(message: string, moduleDirectory: string): ProgramPlace | undefined {
  for (const { pattern, nearest } of FORMS) {
    const places = [...message.matchAll(pattern)].flatMap(([, path = '', line = '']) => {
      const file = isAbsolute(path) ? posix.relative(moduleDirectory, path) : path;
      const own = file !== '' && !file.startsWith('../') && !file.includes('node_modules/');
      return own ? [{ file, ...(line === '' ? {} : { line: Number(line) }) }] : [];
    });
    const place = places.at(nearest === 'first' ? 0 : -1);
    if (place !== undefined) return place;
  }
  return undefined;
}
