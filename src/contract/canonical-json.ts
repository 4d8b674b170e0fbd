/** The one text form of a JSON value, so that equal values have equal digests. */
import { isLosslessNumber, type Json } from './json.js';

/**
 * Canonical JSON: members sorted by code point, no white space, strings as they are (no Unicode normalisation),
 * numbers without exponent or superfluous zeros and never rounded: `1.10`, `11e-1` and `1.1` are one text.
 * Throws `TypeError` for what JSON can't hold.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw new TypeError(`${value} has no JSON form`);
    return canonicalNumber(String(value));
  }
  if (typeof value !== 'object') throw new TypeError(`a ${typeof value} has no JSON form`);
  if (isLosslessNumber(value)) return canonicalNumber(value.toString());
  if (Array.isArray(value))
    return `[${value.map((item) => canonicalJson(item as Json)).join(',')}]`;
  const members = value as { readonly [name: string]: Json };
  const text = Object.keys(members)
    .filter((name) => members[name] !== undefined)
    .sort(byCodePoint)
    .map((name) => `${JSON.stringify(name)}:${canonicalJson(members[name] as Json)}`);
  return `{${text.join(',')}}`;
}

/** Orders strings by code point; JavaScript's own order compares UTF-16 units and differs beyond U+FFFF. */
export function byCodePoint(a: string, b: string): number {
  const shared = Math.min(a.length, b.length);
  for (let index = 0; index < shared; index += 1) {
    const x = a.charCodeAt(index);
    const y = b.charCodeAt(index);
    if (x === y) continue;
    return isSurrogate(x) === isSurrogate(y) ? x - y : isSurrogate(x) ? 1 : -1;
  }
  return a.length - b.length;
}

function isSurrogate(unit: number): boolean {
  return unit >= 0xd800 && unit <= 0xdfff;
}

/** Digits beyond this are written with an exponent: `1e400` must not become 400 zeros, nor `1e999999999` exhaust memory. */
const PLAIN_DIGITS = 40;

function canonicalNumber(text: string): string {
  const match = /^(-?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text);
  if (!match) throw new TypeError(`${text} is not a JSON number`);
  const [, sign = '', whole = '', fraction = '', exponent = '0'] = match;
  const digits = (whole + fraction).replace(/^0+/, '');
  const significant = digits.replace(/0+$/, '');
  if (significant === '') return '0';
  // The value is 0.significant times ten to the power of `point`.
  const point =
    BigInt(exponent) + BigInt(whole.length) - BigInt((whole + fraction).length - digits.length);
  const size = BigInt(significant.length);
  if (point > BigInt(PLAIN_DIGITS) || point < -BigInt(PLAIN_DIGITS)) {
    return `${sign}0.${significant}e${point}`;
  }
  if (point <= 0n) return `${sign}0.${'0'.repeat(Number(-point))}${significant}`;
  if (point >= size) return sign + significant + '0'.repeat(Number(point - size));
  return `${sign}${significant.slice(0, Number(point))}.${significant.slice(Number(point))}`;
}
