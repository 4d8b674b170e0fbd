import { execFileSync } from 'node:child_process';
import { createServer } from 'node:http';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { Client } from 'pg';
import { beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '../../src/config.js';
import { freePort } from '../../src/setup/free-port.js';
import { prepareLocalSystem, type LocalSystem } from '../../src/setup/prepare-local-system.js';
import { startRegistry } from '../../src/setup/registry.js';
import { setupSettings } from '../../src/setup/setup-settings.js';
import { startTemporalServer } from '../../src/setup/temporal-server.js';
import { SEARCH_ATTRIBUTES } from '../../src/temporal/search-attributes.js';
import { testEngine, uniqueName } from '../support/test-engine.js';

const settings = setupSettings(loadConfig(process.env));
const signal = new AbortController().signal;
const report = (): void => undefined;

describe('servers of a local system', () => {
  let system: LocalSystem<'temporal' | 'registry' | 'postgres-image'>;
  beforeAll(async () => {
    const need = ['temporal', 'registry', 'postgres-image'] as const;
    system = await prepareLocalSystem({ need, ...settings, signal, report });
  }, 900_000);

  it('Temporal serves its namespace, our search attributes and its web UI, and keeps its data in a file', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'temporal-'));
    const databaseFile = join(directory, 'temporal.db');
    const server = await startTemporalServer({ binary: system.temporal, databaseFile });
    try {
      const connection = await Connection.connect({ address: server.address });
      const known = await connection.operatorService.listSearchAttributes({ namespace: 'default' });
      expect(Object.keys(known.customAttributes ?? {})).toEqual(
        expect.arrayContaining(SEARCH_ATTRIBUTES.map(({ name }) => name)),
      );
      await connection.close();
      expect((await fetch(server.uiUrl)).status).toBe(200);
    } finally {
      await server.stop();
    }
    expect(existsSync(databaseFile)).toBe(true);
    await expect(fetch(server.uiUrl)).rejects.toThrow();
    await rm(directory, { recursive: true });
  });

  it('a Temporal server that can’t start says why', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'temporal-'));
    const binary = join(directory, 'temporal');
    await writeFile(binary, '#!/bin/sh\necho no room left >&2\nexit 3\n');
    await chmod(binary, 0o755);
    await expect(startTemporalServer({ binary })).rejects.toMatchObject({
      code: 'TemporalUnavailable',
      message: expect.stringContaining('no room left') as string,
    });
    await rm(directory, { recursive: true });
  });

  it('a registry with a password lets its user in and nobody else', async () => {
    // htpasswd -nbBC 5 user secret
    const htpasswd = 'user:$2y$05$1zQPDbaKMxkBXHK1XIBzquUTSZHImfRbvijZ6tL93W/MPSVUuRglq';
    const registry = await startRegistry({ program: system.registry, htpasswd });
    try {
      const ask = async (headers: Record<string, string>): Promise<number> =>
        (await fetch(`http://${registry.address}/v2/`, { headers })).status;
      const basic = (login: string) => ({
        authorization: `Basic ${Buffer.from(login).toString('base64')}`,
      });
      expect(await ask({})).toBe(401);
      expect(await ask(basic('user:wrong'))).toBe(401);
      expect(await ask(basic('user:secret'))).toBe(200);
    } finally {
      await registry.stop();
    }
  });

  it('PostgreSQL takes user, password and database from POSTGRES_*, and answers with the version it names', async () => {
    const { docker } = await testEngine();
    const port = await freePort();
    const container = await docker.createContainer({
      name: uniqueName('postgres'),
      Image: system['postgres-image'].reference,
      Env: ['POSTGRES_USER=app', 'POSTGRES_PASSWORD=p%w d', 'POSTGRES_DB=my-db'],
      HostConfig: {
        PortBindings: { '5432/tcp': [{ HostIp: '127.0.0.1', HostPort: String(port) }] },
      },
    });
    try {
      await container.start();
      const connect = async (password: string): Promise<string> => {
        const client = new Client({
          host: '127.0.0.1',
          port,
          user: 'app',
          database: 'my-db',
          password,
        });
        try {
          await client.connect();
          const { rows } = await client.query<{ version: string }>('select version()');
          return rows[0]?.version ?? '';
        } finally {
          await client.end().catch(() => undefined);
        }
      };
      await expect
        .poll(() => connect('p%w d').catch(String), { timeout: 30_000 })
        .toMatch(new RegExp(`^PostgreSQL ${system['postgres-image'].majorVersion}\\.`));
      await expect(connect('wrong')).rejects.toThrow(/password authentication failed/);
    } finally {
      await container.remove({ force: true, v: true });
    }
  });
});

describe('Temporal’s command on the public route', () => {
  it('is downloaded once, from a configurable address', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'download-'));
    await writeFile(join(directory, 'temporal'), '#!/bin/sh\necho temporal version 1.5.1\n');
    await chmod(join(directory, 'temporal'), 0o755);
    execFileSync('tar', ['-czf', 'temporal.tar.gz', 'temporal'], { cwd: directory });
    const archive = await readFile(join(directory, 'temporal.tar.gz'));
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end(archive);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const images = {
      temporalDownload: `http://127.0.0.1:${(server.address() as AddressInfo).port}/cli`,
    };
    const options = {
      need: ['temporal'] as const,
      cacheDirectory: join(directory, 'cache'),
      images,
    };
    const prepare = () => prepareLocalSystem({ ...options, route: 'public', signal, report });
    try {
      const { temporal } = await prepare();
      expect(execFileSync(temporal, { encoding: 'utf8' })).toBe('temporal version 1.5.1\n');
      expect(await prepare()).toEqual({ temporal });
      expect(asked).toEqual([
        expect.stringMatching(/^\/cli\/v1\.5\.1\?platform=linux&arch=(amd64|arm64)&/),
      ]);
    } finally {
      server.close();
      await rm(directory, { recursive: true });
    }
  });
});
