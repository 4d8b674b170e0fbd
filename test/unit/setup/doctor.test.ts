import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadConfig } from '../../../src/config.js';
import { diagnose, type Finding } from '../../../src/setup/doctor.js';
import { newRecord, updateRecord } from '../../../src/stack/record.js';
import { openStore, type Store } from '../../../src/store/open-store.js';

describe('doctor', () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'doctor-'));
  });
  afterEach(() => rm(directory, { recursive: true }));

  const examine = async (
    environment: Record<string, string> = {},
  ): Promise<Map<string, Finding>> => {
    const config = loadConfig({
      HOME: directory,
      DOCKER_HOST: 'unix:///no/such.sock',
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      CLDCTL_ROUTE: 'source',
      ...environment,
    });
    const findings = new Map<string, Finding>();
    for await (const finding of diagnose(config)) findings.set(finding.subject, finding);
    return findings;
  };

  it('names what is missing and how to get it, and goes on', async () => {
    const findings = await examine();
    expect(findings.get('Docker engine')).toMatchObject({ status: 'missing' });
    expect(findings.get('Docker engine')?.found).toContain('/no/such.sock');
    expect(findings.get('Temporal server')).toMatchObject({ status: 'optional' });
    expect(findings.get('Temporal server')?.found).toContain('127.0.0.1:1');
    expect(findings.get('Node.js')).toMatchObject({ status: 'ok', found: process.versions.node });
    expect(findings.get('disk')?.found).toMatch(/GB free for/);
    for (const finding of findings.values())
      if (finding.status !== 'ok') expect(finding.remedy).toMatch(/\w/);
  });

  it('tells tools of the cache that nobody has used for a month', async () => {
    const path = join(directory, 'tools', 'tofu-1.0.0-0123456789ab');
    await mkdir(join(path, 'bin'), { recursive: true });
    await writeFile(join(path, 'bin', 'tofu'), Buffer.alloc(1_234_567));
    await writeFile(join(path, 'LICENSE'), Buffer.alloc(1000));
    await utimes(path, new Date('2020-01-02'), new Date('2020-01-02'));
    const findings = await examine({ CLDCTL_CACHE_DIR: join(directory, 'tools') });
    expect(findings.get('left in cache')).toEqual({
      subject: 'left in cache',
      status: 'left-over',
      found: `${path}: 1.3 MB, last used 2020-01-02`,
      bytes: 1_235_567,
      remedy: `rm -r ${path}`,
    });
  });

  it('says that a store can’t be written', async () => {
    const file = join(directory, 'file');
    await writeFile(file, '');
    const store = pathToFileURL(join(file, 'store')).href;
    const findings = await examine({ CLDCTL_STORE: store });
    expect(findings.get('store')).toMatchObject({ status: 'missing' });
  });

  describe('without Temporal and engine', () => {
    let url: string;
    let store: Store;
    beforeEach(async () => {
      url = pathToFileURL(join(directory, 'store')).href;
      store = await openStore({ store: url, allowCreate: true });
    });
    afterEach(() => store.close());

    it('counts what is past its times, and says why it can’t tell what of it is left over', async () => {
      await store.objects.put('logs/my-stack/1', Buffer.from('a line'));
      const old = new Date('2020-01-02');
      await utimes(join(directory, 'store/logs/my-stack/1'), old, old);
      const findings = await examine({ CLDCTL_STORE: url });
      const left = findings.get('left in store');
      expect(left).toMatchObject({ status: 'unknown' });
      expect(left?.found).toMatch(
        /^1 logs past their times, .*only Temporal knows \(.*ECONNREFUSED/,
      );
      expect(left?.remedy).toContain('127.0.0.1:1');
    });

    it('names a damaged object', async () => {
      await updateRecord(store, 'my-stack', () => newRecord('my-stack', '2020-01-02T00:00:00Z'));
      const records = join(directory, 'store/records/my-stack');
      for (const record of await readdir(records)) await writeFile(join(records, record), 'other');
      const findings = await examine({ CLDCTL_STORE: url });
      expect(findings.get('damaged object')).toMatchObject({ status: 'missing' });
      expect(findings.get('damaged object')?.found).toContain('records/my-stack');
    });

    it('never says that nothing is left on an engine that it did not see', async () => {
      const findings = await examine({ CLDCTL_STORE: url });
      expect(findings.get('left-overs')).toMatchObject({ status: 'unknown' });
      expect(findings.get('left-overs')?.found).toMatch(/on the engine: .*no\/such\.sock/);
    });
  });

  describe('with a registry', () => {
    let server: Server;
    let address: string;
    beforeEach(async () => {
      server = createServer((_, response) => response.writeHead(200).end('{}'));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterEach(() => server.close());

    it('says that modules can be pushed there', async () => {
      const findings = await examine({ CLDCTL_REGISTRY: `${address}/modules` });
      expect(findings.get('registry')).toEqual({
        subject: 'registry',
        status: 'ok',
        found: `${address}/modules`,
      });
    });

    it('says that parts come from public images when their registry answers', async () => {
      const image = `${address}/debian:slim`;
      const findings = await examine({ CLDCTL_ROUTE: 'auto', CLDCTL_DEBIAN_IMAGE: image });
      expect(findings.get('source of parts')).toMatchObject({
        status: 'ok',
        found: `public images (${address})`,
      });
    });
  });

  it('names the mirrors to set when public images are wanted and not in reach', async () => {
    const image = '127.0.0.1:1/debian:slim';
    const findings = await examine({ CLDCTL_ROUTE: 'public', CLDCTL_DEBIAN_IMAGE: image });
    expect(findings.get('source of parts')).toMatchObject({ status: 'missing' });
    expect(findings.get('source of parts')?.remedy).toContain('CLDCTL_');
  });
});
