/** Shorter values are not looked for: redacting `1` or `on` would make every line unreadable. */
export const SHORTEST = 4;
const LONGEST = 4096;
const PLAIN_WORDS = new Set(['true', 'false', 'null', 'none', 'default']);

/** The ways a secret value shows up in text: as it is, line by line, JSON-escaped, URL-encoded, and base64 at each alignment. */
export function secretForms(value: string): string[] {
  const forms = new Set<string>();
  for (const part of parts(value)) {
    const json = JSON.stringify(part).slice(1, -1);
    forms.add(part);
    forms.add(json);
    forms.add(goJson(json));
    forms.add(encodeURIComponentSafely(part));
    forms.add(encodeURIComponentSafely(part).replaceAll('%20', '+'));
  }
  if (value.length <= LONGEST) for (const form of base64Forms(value)) forms.add(form);
  return [...forms].filter((form) => form.length >= SHORTEST);
}

function parts(value: string): string[] {
  const lines = value.split(/\r?\n/).map((line) => line.trim());
  const all = lines.length === 1 ? [value] : [value, value.trimEnd(), ...lines];
  return all
    .map((part) => part.slice(0, LONGEST))
    .filter((part) => part.length >= SHORTEST && !PLAIN_WORDS.has(part.toLowerCase()));
}

/** Go's encoder also escapes these. */
function goJson(json: string): string {
  return json.replace(
    /[<>&]/g,
    (character) => `\\u00${character.charCodeAt(0).toString(16).padStart(2, '0')}`,
  );
}

function encodeURIComponentSafely(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}

/** What of a value's base64 doesn't depend on what is around it, when it starts at byte 0, 1 or 2 of a group. */
function base64Forms(value: string): string[] {
  const bytes = Buffer.from(value, 'utf8');
  if (bytes.length < 6) return [];
  const forms: string[] = [];
  for (const offset of [0, 1, 2]) {
    const encoded = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64');
    const start = offset === 0 ? 0 : offset + 1;
    const whole = Math.floor(((offset + bytes.length) * 8) / 6);
    const form = encoded.slice(start, whole);
    forms.push(form, form.replaceAll('+', '-').replaceAll('/', '_'));
  }
  return forms.filter((form) => form.length >= 8);
}
