import { randomBytes } from 'node:crypto';
import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseJson, stringifyJson, type Json } from '../../src/contract/json.js';
import { bridgeAddress } from './bridge-address.js';

/** `interrupt` is a SIGINT that reached the tool, told by `interrupt-counter`; its name is the tool's `OUTSIDE_STACK`. */
export type OutsideOperation = 'create' | 'read' | 'update' | 'delete' | 'find' | 'interrupt';

/** One line of the journal: an operation that began, or how it ended. */
export interface OutsideCall {
  readonly op: OutsideOperation;
  readonly name: string;
  readonly id?: string;
  readonly event: 'begin' | 'done' | 'failed' | 'cancelled' | 'not-found';
  readonly time: string;
}

export interface OutsideThing {
  readonly id: string;
  readonly name: string;
  readonly revision: number;
  readonly properties: Readonly<Record<string, Json>>;
}

/** How one operation misbehaves; `commit` changes the world first, `{env:NAME}` in `fail` is a variable's value. */
export interface OutsideBehaviour {
  seconds?: number;
  fail?: string;
  hang?: boolean;
  ignore_cancel?: boolean;
  commit?: boolean;
}

/** An operation that waits at its very beginning. */
export interface Held {
  /** Resolves when the provider has asked to begin. */
  readonly reached: Promise<void>;
  release(): void;
}

export interface OutsideWorld {
  /** Environment of a tool on this machine. */
  readonly environment: { readonly OUTSIDE_URL: string };
  /** Environment of a tool in a container with a network. */
  readonly containerEnvironment: { readonly OUTSIDE_URL: string };
  /** For a container without a network: the world's socket takes the place of the engine's that a run can be granted. */
  readonly withoutNetwork: {
    readonly environment: { readonly OUTSIDE_URL: string };
    readonly dockerSocket: { readonly path: string; readonly groupId: number };
  };
  readonly journal: readonly OutsideCall[];
  things(): OutsideThing[];
  thing(name: string): OutsideThing | undefined;
  /** Names of the things whose name begins with that of the stack, sorted; a thing that was made twice is there twice. */
  namesOf(stackId: string): string[];
  /** Makes or changes a thing behind the tool's back, its revision stays; returns its id. A new thing has `newId`, or a random one. */
  change(name: string, properties: Readonly<Record<string, Json>>, newId?: string): string;
  /** Removes a thing behind the tool's back. */
  remove(name: string): void;
  /** Calls in the journal, by default those that ended well. */
  count(op: OutsideOperation, name?: string, event?: OutsideCall['event']): number;
  /** Misbehaviour of an operation on all things of that name, until `undefined` takes it away. */
  behave(name: string, op: OutsideOperation, behaviour: OutsideBehaviour | undefined): void;
  /** Holds the next such operation until it is released. */
  hold(name: string, op: OutsideOperation): Held;
  /** The first call that matches, also one of the past. */
  waitFor(matches: (call: OutsideCall) => boolean): Promise<OutsideCall>;
  close(): Promise<void>;
}

/** Starts an outside world in this process, for providers on this machine and in containers on the default bridge. */
export async function startOutsideWorld(): Promise<OutsideWorld> {
  const things = new Map<string, OutsideThing>();
  const journal: OutsideCall[] = [];
  const behaviours = new Map<string, OutsideBehaviour>();
  const gates = new Map<string, { reach(): void; released: Promise<void> }>();
  const watchers = new Set<(call: OutsideCall) => void>();

  const record = (call: Omit<OutsideCall, 'time'>): void => {
    const line = { ...call, time: new Date().toISOString() };
    journal.push(line);
    for (const watcher of [...watchers]) watcher(line);
  };
  const byName = (name: string): OutsideThing | undefined =>
    [...things.values()].find((thing) => thing.name === name);

  const answer = async (method: string, path: string, body: Json): Promise<Json | undefined> => {
    const [, kind, key = ''] = path.split('/').map(decodeURIComponent);
    if (kind === 'begin') {
      const call = body as { op: OutsideOperation; name: string; id?: string };
      record({ ...call, event: 'begin' });
      const name = `${call.op} ${call.name}`;
      const gate = gates.get(name);
      gates.delete(name);
      gate?.reach();
      await gate?.released;
      return (behaviours.get(name) ?? null) as Json;
    }
    if (kind === 'end') return (record(body as unknown as OutsideCall), null);
    if (kind === 'find') return byName(key) as unknown as Json | undefined;
    if (method === 'PUT') return (things.set(key, body as unknown as OutsideThing), null);
    if (method === 'DELETE') return (things.delete(key), null);
    return things.get(key) as unknown as Json | undefined;
  };

  const serve = (request: IncomingMessage, response: ServerResponse): void => {
    void readBody(request)
      .then((body) => answer(request.method ?? 'GET', request.url ?? '/', body))
      .then(
        (result) =>
          response
            .writeHead(result === undefined ? 404 : 200)
            .end(result ? stringifyJson(result) : ''),
        (error: unknown) => response.writeHead(500).end(String(error)),
      );
  };
  const server = createServer(serve);
  const socketDirectory = mkdtempSync(join(tmpdir(), 'outside-'));
  const socketPath = join(socketDirectory, 'world.sock');
  const socketServer = createServer(serve);
  await new Promise<void>((resolve, reject) => {
    socketServer.once('error', reject).listen(socketPath, resolve);
  });
  // The container's user is in no group of this machine.
  chmodSync(socketPath, 0o666);
  const bridge = await bridgeAddress();
  // Linux: the bridge's own address serves this machine and its containers, and nobody else.
  const onBridge = bridge !== undefined && (await listens(server, bridge));
  if (!onBridge) await listens(server, '127.0.0.1');
  const { port } = server.address() as AddressInfo;
  const url = (host: string): { OUTSIDE_URL: string } => ({
    OUTSIDE_URL: `http://${host}:${port}`,
  });

  return {
    environment: url(onBridge ? bridge : '127.0.0.1'),
    containerEnvironment: url(onBridge ? bridge : 'host.docker.internal'),
    withoutNetwork: {
      environment: { OUTSIDE_URL: 'unix:///var/run/docker.sock' },
      dockerSocket: { path: socketPath, groupId: statSync(socketPath).gid },
    },
    journal,
    things: () => [...things.values()],
    thing: byName,
    namesOf: (stackId) =>
      [...things.values()]
        .map(({ name }) => name)
        .filter((name) => name.startsWith(`${stackId}-`))
        .sort(),
    change(name, properties, newId) {
      const old = byName(name);
      const id = old?.id ?? newId ?? `${name}-${randomBytes(4).toString('hex')}`;
      const merged = { ...old?.properties, ...properties };
      things.set(id, { id, name, revision: old?.revision ?? 1, properties: merged });
      return id;
    },
    remove(name) {
      const thing = byName(name);
      if (thing !== undefined) things.delete(thing.id);
    },
    count: (op, name, event = 'done') =>
      journal.filter(
        (call) => call.op === op && call.event === event && (name ?? call.name) === call.name,
      ).length,
    behave(name, op, behaviour) {
      if (behaviour === undefined) behaviours.delete(`${op} ${name}`);
      else behaviours.set(`${op} ${name}`, behaviour);
    },
    hold(name, op) {
      let release = (): void => undefined;
      let reach = (): void => undefined;
      const released = new Promise<void>((resolve) => (release = resolve));
      const reached = new Promise<void>((resolve) => (reach = resolve));
      gates.set(`${op} ${name}`, { reach: () => reach(), released });
      return { reached, release: () => release() };
    },
    waitFor(matches) {
      const past = journal.find(matches);
      if (past !== undefined) return Promise.resolve(past);
      return new Promise((resolve) => {
        const watcher = (call: OutsideCall): void => {
          if (!matches(call)) return;
          watchers.delete(watcher);
          resolve(call);
        };
        watchers.add(watcher);
      });
    },
    async close() {
      for (const each of [server, socketServer]) {
        each.closeAllConnections();
        await new Promise((resolve) => each.close(resolve));
      }
      rmSync(socketDirectory, { recursive: true, force: true });
    },
  };
}

/** False when the address is not one of this machine (Docker Desktop, a remote engine). */
function listens(server: Server, host: string): Promise<boolean> {
  return new Promise((resolve) => {
    server.once('error', () => resolve(false));
    server.listen(0, host, () => resolve(true));
  });
}

async function readBody(request: IncomingMessage): Promise<Json> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return chunks.length === 0 ? null : parseJson(Buffer.concat(chunks).toString());
}
