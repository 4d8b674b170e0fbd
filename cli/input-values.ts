/** Inputs from the command line and from a file. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { isObject } from './render/json-equal.js';
import { parseJson, type Json } from '../src/contract/json.js';
import { CodedError } from '../src/errors.js';
import type { CommandContext } from './command-context.js';

const NAME = /^([A-Za-z_][\w.-]*)(:?=)([\s\S]*)$/;

/**
 * One `--input`: `name=text` is a string, whatever it looks like; `name:=json` is any JSON value.
 * Throws `InvalidInput`.
 */
export function parseInput(text: string): [name: string, value: Json] {
  const match = NAME.exec(text);
  if (match === null)
    throw new CodedError(
      'InvalidInput',
      `--input ${JSON.stringify(text)} is neither name=text nor name:=json; write --input 'name=my-db' or --input 'replicas:=3'`,
    );
  const [, name = '', operator, value = ''] = match;
  if (operator === '=') return [name, value];
  try {
    return [name, parseJson(value)];
  } catch (error) {
    throw new CodedError(
      'InvalidInput',
      `--input ${name}:= is not followed by JSON (${messageOf(error)}); for a string write --input '${name}=…'`,
    );
  }
}

/** The inputs of `--inputs FILE` (a JSON object; `-` is stdin) with those of `--input` over them; undefined when neither is given. */
export async function readInputs(
  flags: { readonly input?: readonly string[]; readonly inputs?: string },
  context: CommandContext,
): Promise<Record<string, Json> | undefined> {
  if (flags.input === undefined && flags.inputs === undefined) return undefined;
  const base =
    flags.inputs === undefined ? {} : await readJsonObject(flags.inputs, '--inputs', context);
  return { ...base, ...Object.fromEntries((flags.input ?? []).map(parseInput)) };
}

/** A JSON object from a file or from stdin (`-`). Throws `InvalidInput` naming the flag. */
export async function readJsonObject(
  path: string,
  flag: string,
  context: CommandContext,
): Promise<Record<string, Json>> {
  const where = path === '-' ? 'standard input' : path;
  let text: string;
  try {
    text =
      path === '-' ? await context.readStdin() : await readFile(resolve(context.cwd, path), 'utf8');
  } catch (error) {
    throw new CodedError('InvalidInput', `${flag}: ${where} can't be read (${messageOf(error)})`);
  }
  let value: Json;
  try {
    value = parseJson(text);
  } catch (error) {
    throw new CodedError('InvalidInput', `${flag}: ${where} is not JSON (${messageOf(error)})`);
  }
  if (!isObject(value))
    throw new CodedError('InvalidInput', `${flag}: ${where} is not a JSON object`);
  return value;
}

function messageOf(error: unknown): string {
  return error instanceof Error ? (error.message.split('\n')[0] ?? '') : String(error);
}
