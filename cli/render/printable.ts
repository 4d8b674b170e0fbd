/** Text of a module made safe for a terminal: control characters become visible escapes. */

const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/** Escapes control and bidirectional characters as `\u001b`; tab and line end stay when `keep` names them. */
export function printable(text: string, keep = ''): string {
  return text.replace(CONTROL, (character) =>
    keep.includes(character)
      ? character
      : `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
