import Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { command } from '../support/command.js';
import { ARROW_UP, ENTER, onTerminal } from '../support/terminal-session.js';

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

  it('asks on a terminal, and does what is approved there', async () => {
    const asked = /(?:apply|destroy) demo-[0-9a-f]{6}: approve plan ([0-9a-f]{16})\?\n[^]*?select/;
    const { exitCode, screen } = await onTerminal(['demo'], asked, `${ARROW_UP}${ENTER}`);
    expect(exitCode, screen).toBe(0);
    expect(screen).not.toContain('by itself');
    expect(screen).toMatch(/select version\(\) +→ +PostgreSQL \d+\./);
    expect(screen).toMatch(/Done: destroy demo-/);
  }, 300_000);

  it('does nothing that is not approved', async () => {
    const asked = /apply demo-[0-9a-f]{6}: approve plan ([0-9a-f]{16})\?\n[^]*?select/;
    const { exitCode, screen } = await onTerminal(['demo'], asked, ENTER);
    expect(exitCode, screen).toBe(3);
    expect(screen).toMatch(/Rejected: apply demo-/);
    const stack = /Rejected: apply demo-([0-9a-f]{6})/.exec(screen)?.[1] ?? 'no name';
    expect(await named(stack)).toEqual([]);
  }, 300_000);
});
