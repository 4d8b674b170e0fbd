import Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { command } from '../support/command.js';

const docker = new Docker();
const named = async (part: string): Promise<string[]> => {
  const containers = await docker.listContainers({ all: true });
  const { Volumes: volumes } = await docker.listVolumes();
  return [
    ...containers.flatMap(({ Names }) => Names),
    ...(volumes ?? []).map(({ Name }) => Name),
  ].filter((name) => name.includes(part));
};

describe('the demo', () => {
  it('deploys a PostgreSQL server, asks it, changes nothing twice, and leaves nothing behind', async () => {
    const { exitCode, stdout, stderr } = await command(['demo'], {});
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/# docker_container\.server will be created/);
    expect(stdout).toMatch(
      /The demo approves plan [0-9a-f]{16} by itself \(no terminal to ask on\)/,
    );
    expect(stdout).toMatch(/select version\(\) +→ +PostgreSQL \d+\./);
    expect(stdout).toContain('No changes.');
    expect(stdout).toMatch(
      /http:\/\/127\.0\.0\.1:\d+\/namespaces\/default\/workflows\/.*\/user-metadata/,
    );
    expect(stdout).toMatch(/# docker_container\.server will be destroyed/);
    expect(stdout).toMatch(/The whole way took/);
    const database = /"(my-database-[0-9a-f]{6})"/.exec(stdout)?.[1] ?? 'no name';
    expect(database).not.toBe('no name');
    expect(await named(database)).toEqual([]);
    expect(await named(`-${database.replace('my-database', 'demo')}`)).toEqual([]);
  }, 300_000);
});
