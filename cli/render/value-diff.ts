/** The difference of two masked values as lines, attribute by attribute, in the notation of `tofu plan`. */
import { isLosslessNumber, type Json } from '../../src/contract/json.js';
import { alignLists } from './align-lists.js';
import { isList, isObject, jsonEqual } from './json-equal.js';
import { printable } from './printable.js';
import type { Style } from './style.js';

/** What became of one value. */
export type Mark = ' ' | '+' | '-' | '~';

/** What a difference is rendered with. */
export interface DiffContext {
  readonly style: Style;
  /** Paths whose change forces a replacement, as the contract writes them. */
  readonly forcing: ReadonlySet<string>;
  /** Name of what is unchanged but shown all the same, at the top level only. */
  readonly alwaysShown: ReadonlySet<string>;
  /** Leave out empty lists and maps: they say nothing where a whole object comes or goes. */
  readonly omitEmpty?: boolean;
  /** Show what is unchanged too, at every level. */
  readonly showAll?: boolean;
}

type Value = Json | undefined;

const ARROW = ' -> ';
const MULTI_LINE = 2;

/** Lines for the members of an object, without its braces; both sides may be absent. */
export function diffMembers(
  before: Value,
  after: Value,
  context: DiffContext,
  path: string,
  indent: string,
): string[] {
  const left = isObject(before) ? before : {};
  const right = isObject(after) ? after : {};
  const names = [...new Set([...Object.keys(left), ...Object.keys(right)])].sort();
  const shown: string[] = [];
  let hidden = 0;
  for (const name of names) {
    const mark = markOf(left[name], right[name]);
    if (isNothing(left[name], context) && isNothing(right[name], context)) continue;
    const wanted =
      mark !== ' ' || context.showAll === true || (path === '' && context.alwaysShown.has(name));
    if (wanted) shown.push(name);
    else hidden += 1;
  }
  const width = Math.max(0, ...shown.map((name) => labelOf(name).length));
  const lines = shown.flatMap((name) =>
    diffValue(
      { text: `${labelOf(name).padEnd(width)} = `, end: '' },
      left[name],
      right[name],
      context,
      memberPath(path, name),
      indent,
    ),
  );
  if (hidden > 0)
    lines.push(
      `${indent}  ${context.style.dim(`# (${hidden} unchanged attribute${hidden === 1 ? '' : 's'} hidden)`)}`,
    );
  return lines;
}

function isNothing(value: Value, context: DiffContext): boolean {
  if ((value ?? null) === null) return true;
  if (context.omitEmpty !== true) return false;
  return isList(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0;
}

interface Label {
  readonly text: string;
  readonly end: string;
}

/** Lines for one value that has a label (`name = `) or a place in a list. */
export function diffValue(
  label: Label,
  before: Value,
  after: Value,
  context: DiffContext,
  path: string,
  indent: string,
): string[] {
  const mark = markOf(before, after);
  const open = `${indent}${paintMark(mark, context.style)} ${printable(label.text)}`;
  const forced = context.forcing.has(path) ? context.style.red(' # forces replacement') : '';
  const hasBefore = (before ?? null) !== null && mark !== '+';
  const hasAfter = (after ?? null) !== null && mark !== '-';

  const toNull = label.end === '' ? context.style.dim(`${ARROW}null`) : '';

  const nested = nestedLines(before, after, context, path, indent);
  if (nested !== undefined) {
    const { opening, body, closing } = nested;
    const gone = mark === '-' ? toNull : '';
    if (body.length === 0) return [`${open}${opening}${closing}${gone}${label.end}${forced}`];
    return [`${open}${opening}${forced}`, ...body, `${indent}  ${closing}${gone}${label.end}`];
  }
  if (isMultiLine(before) || isMultiLine(after)) {
    const text = textDiff(before, after, context.style, `${indent}    `);
    if (text !== undefined)
      return [`${open}<<-EOT${forced}`, ...text, `${indent}  EOT${label.end}`];
  }
  const from = hasBefore ? scalar(before, context.style) : undefined;
  const to = hasAfter ? scalar(after, context.style) : undefined;
  const text =
    mark === ' ' || from === undefined
      ? (to ?? from ?? 'null')
      : to === undefined
        ? `${from}${toNull}`
        : from === to && isMask(before)
          ? `${to} ${context.style.dim('# changed')}`
          : `${from}${context.style.yellow(ARROW)}${to}`;
  return [`${open}${text}${label.end}${forced}`];
}

/** The mark of a change from one value to another; null counts as absent. */
export function markOf(before: Value, after: Value): Mark {
  if (jsonEqual(before, after)) return ' ';
  if ((before ?? null) === null) return '+';
  if ((after ?? null) === null) return '-';
  return '~';
}

/** A mark in its colour. */
export function paintMark(mark: string, style: Style): string {
  switch (mark) {
    case '+':
      return style.green(mark);
    case '-':
      return style.red(mark);
    case '~':
      return style.yellow(mark);
    case '-/+':
      return `${style.red('-')}/${style.green('+')}`;
    case '+/-':
      return `${style.green('+')}/${style.red('-')}`;
    case '<=':
      return style.cyan(mark);
    default:
      return mark;
  }
}

function nestedLines(
  before: Value,
  after: Value,
  context: DiffContext,
  path: string,
  indent: string,
): { opening: string; body: string[]; closing: string } | undefined {
  if (isMask(before) || isMask(after)) return undefined;
  const empty = (value: Value): boolean => (value ?? null) === null;
  const inner = `${indent}    `;
  if ((isObject(before) || empty(before)) && (isObject(after) || empty(after)))
    return empty(before) && empty(after)
      ? undefined
      : { opening: '{', body: diffMembers(before, after, context, path, inner), closing: '}' };
  if ((isList(before) || empty(before)) && (isList(after) || empty(after)))
    return {
      opening: '[',
      body: listLines(
        isList(before) ? before : [],
        isList(after) ? after : [],
        context,
        path,
        inner,
      ),
      closing: ']',
    };
  return undefined;
}

function listLines(
  before: readonly Json[],
  after: readonly Json[],
  context: DiffContext,
  path: string,
  indent: string,
): string[] {
  const lines: string[] = [];
  let hidden = 0;
  const flush = (): void => {
    if (hidden > 0)
      lines.push(
        `${indent}  ${context.style.dim(`# (${hidden} unchanged element${hidden === 1 ? '' : 's'} hidden)`)}`,
      );
    hidden = 0;
  };
  for (const pair of alignLists(before, after)) {
    const left = pair.before === undefined ? undefined : before[pair.before];
    const right = pair.after === undefined ? undefined : after[pair.after];
    const unchanged =
      pair.before !== undefined && pair.after !== undefined && jsonEqual(left, right);
    if (unchanged && context.showAll !== true) {
      hidden += 1;
      continue;
    }
    flush();
    const place = `${path}[${pair.after ?? pair.before ?? 0}]`;
    lines.push(...diffValue({ text: '', end: ',' }, left, right, context, place, indent));
  }
  flush();
  return lines;
}

function textDiff(before: Value, after: Value, style: Style, indent: string): string[] | undefined {
  const isText = (value: Value): boolean => (value ?? null) === null || typeof value === 'string';
  if (!isText(before) || !isText(after)) return undefined;
  const split = (value: Value): string[] => (typeof value === 'string' ? value.split('\n') : []);
  const left = split(before);
  const right = split(after);
  const bothEnd = left.at(-1) === '' && right.at(-1) === '';
  if (bothEnd || left.length === 0 || right.length === 0)
    for (const side of [left, right]) if (side.at(-1) === '') side.pop();
  return alignLists(left, right, { pairUp: false }).map((pair) => {
    const mark: Mark = pair.before === undefined ? '+' : pair.after === undefined ? '-' : ' ';
    const line = (pair.after === undefined ? left[pair.before ?? 0] : right[pair.after]) ?? '';
    return `${indent}${paintMark(mark, style)} ${printable(line, '\t')}`.trimEnd();
  });
}

/** One value without members, as text. */
function scalar(value: Value, style: Style): string {
  if (value === undefined || value === null) return style.dim('null');
  if (isObject(value) && '$sensitive' in value) return style.magenta('(sensitive value)');
  if (isObject(value) && '$unknown' in value) return style.cyan('(known after apply)');
  if (typeof value === 'string') return printable(JSON.stringify(value));
  if (isLosslessNumber(value)) return String(value);
  if (isObject(value) || isList(value)) return inline(value, style);
  return String(value);
}

function inline(value: Json, style: Style): string {
  if (isList(value)) return `[${value.map((item) => scalar(item, style)).join(', ')}]`;
  if (isObject(value) && !isMask(value))
    return `{${Object.entries(value)
      .map(([name, member]) => `${labelOf(name)} = ${scalar(member, style)}`)
      .join(', ')}}`;
  return scalar(value, style);
}

function isMask(value: Value): boolean {
  return isObject(value) && ('$sensitive' in value || '$unknown' in value);
}

function isMultiLine(value: Value): boolean {
  return typeof value === 'string' && value.split('\n').length > MULTI_LINE;
}

function labelOf(name: string): string {
  return /^[A-Za-z_][\w-]*$/.test(name) ? name : JSON.stringify(name);
}

function memberPath(path: string, name: string): string {
  if (!/^[A-Za-z_][\w-]*$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}
