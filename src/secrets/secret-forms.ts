/** The forms in which a secret value may turn up in text. */

/** Shorter values are not looked for: they would blind ordinary text. */
export const SHORTEST_SECRET = 4;
/** Parts of a value (lines, base64 windows) shorter than this are not looked for. */
const SHORTEST_PART = 8;
/** Values that are secret to nobody. */
const PLAIN: ReadonlySet<string> = new Set(['true', 'false', 'null', 'none', 'undefined']);

/** All texts that give a secret away: as it is, escaped, encoded, and line by line. */
export function secretForms(value: string): string[] {
  if (value.length < SHORTEST_SECRET || PLAIN.has(value.toLowerCase())) return [];
  const forms = new Set([...textForms(value), ...base64Forms(value)]);
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  if (lines.length > 1) {
    for (const line of lines) {
      if (line.length < SHORTEST_PART) continue;
      for (const form of [...textForms(line), ...base64Forms(line)]) forms.add(form);
    }
  }
  return [...forms].filter((form) => form.length >= SHORTEST_SECRET);
}

function textForms(value: string): string[] {
  const json = JSON.stringify(value).slice(1, -1);
  const forms = [
    value,
    json,
    // JSON inside JSON.
    JSON.stringify(json).slice(1, -1),
    // Go's encoder escapes these three as well.
    json.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`),
    json.replace(
      /[\u007f-\uffff]/g,
      (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  ];
  let component: string;
  try {
    component = encodeURIComponent(value);
  } catch {
    // Half of a surrogate pair has no URL form.
    return forms;
  }
  const strict = component.replace(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  );
  for (const url of [component, strict, encodeURI(value)]) {
    forms.push(
      url,
      url.replace(/%20/g, '+'),
      url.replace(/%[0-9A-F]{2}/g, (code) => code.toLowerCase()),
    );
  }
  return forms;
}

/**
 * Base64 of a text that contains the value: the digits that the value alone determines, at each of the three
 * alignments, in both alphabets.
 */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8');
  return [0, 1, 2].flatMap((offset) => {
    const digits = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const first = Math.ceil((offset * 8) / 6);
    const last = Math.floor(((offset + bytes.length) * 8) / 6);
    const own = digits.slice(first, last);
    if (own.length < SHORTEST_PART) return [];
    return [own, own.replace(/\+/g, '-').replace(/\//g, '_')];
  });
}
