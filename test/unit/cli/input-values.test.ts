import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandContext } from '../../../cli/command-context.js';
import { parseInput, readInputs } from '../../../cli/input-values.js';
import { parseMapping } from '../../../cli/commands/import.js';
import { stringifyJson } from '../../../src/contract/json.js';

let directory = '';
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'cldctl-inputs-'));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const contextWith = (stdin = ''): CommandContext =>
  ({ cwd: directory, readStdin: () => Promise.resolve(stdin) }) as unknown as CommandContext;

describe('inputs on the command line', () => {
  it.each([
    ['name=my-db', 'my-db'],
    ['version=16', '16'],
    ['flag=true', 'true'],
    ['empty=', ''],
    ['text=a=b:=c', 'a=b:=c'],
    ['text=line\nline', 'line\nline'],
  ])('%s is a string', (text, value) => {
    expect(parseInput(text)[1]).toBe(value);
  });

  it.each([
    ['n:=3', 3],
    ['b:=false', false],
    ['l:=["a",1]', ['a', 1]],
    ['o:={"$secret":"db"}', { $secret: 'db' }],
    ['z:=null', null],
  ])('%s is JSON', (text, value) => {
    expect(parseInput(text)[1]).toEqual(value);
  });

  it('keeps every digit of a number', () => {
    expect(stringifyJson(parseInput('n:=9007199254740993')[1])).toBe('9007199254740993');
  });

  it.each(['name', '=x', '1a=x', 'x:={'])('refuses %s and says how to write it', (text) => {
    expect(() => parseInput(text)).toThrow(/--input/);
  });

  it('puts flags over a file, and reads standard input', async () => {
    writeFileSync(join(directory, 'inputs.json'), '{"name":"file","n":1}');
    expect(
      await readInputs({ inputs: 'inputs.json', input: ['name=flag'] }, contextWith()),
    ).toEqual({ name: 'flag', n: 1 });
    expect(await readInputs({ inputs: '-' }, contextWith('{"a":2}'))).toEqual({ a: 2 });
    expect(await readInputs({}, contextWith())).toBeUndefined();
  });

  it.each([
    ['none.json', undefined, /can't be read/],
    ['list.json', '[1]', /not a JSON object/],
    ['broken.json', '{', /not JSON/],
  ])('refuses %s', async (name, content, message) => {
    if (content !== undefined) writeFileSync(join(directory, name), content);
    await expect(readInputs({ inputs: name }, contextWith())).rejects.toThrow(message);
  });
});

describe('import mappings', () => {
  it.each([
    ['docker_volume.data=my-data', { address: 'docker_volume.data', id: 'my-data' }],
    ['a.b["x=y"]=id=1', { address: 'a.b["x=y"]', id: 'id=1' }],
    ['a.b["x,y"]=1', { address: 'a.b["x,y"]', id: '1' }],
    [
      'aws:s3/bucket:Bucket,logs=my-logs',
      { type: 'aws:s3/bucket:Bucket', name: 'logs', id: 'my-logs' },
    ],
  ])('reads %s', (text, mapping) => {
    expect(parseMapping(text)).toEqual(mapping);
  });

  it.each(['a.b', '=x', 'a.b='])('refuses %s', (text) => {
    expect(() => parseMapping(text)).toThrow(/ADDRESS=ID/);
  });
});
