/** A base image of one static shell, for builds that must not need a registry. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { packArchive } from '../../src/docker/archive.js';
import type { Engine } from '../../src/docker/engine.js';

const run = promisify(execFile);

/** Two words of a shell are enough: `-c SCRIPT`, where lines are `out TEXT`, `err TEXT`, `sleep S`, `write PATH TEXT` or `exit N`. */
const SHELL = `package main
import ("fmt";"os";"strconv";"strings";"time")
func main() {
  if len(os.Args) < 3 { os.Exit(2) }
  for _, line := range strings.Split(os.Args[2], ";") {
    words := strings.Fields(line)
    if len(words) == 0 { continue }
    switch words[0] {
    case "out": fmt.Println(strings.Join(words[1:], " "))
    case "err": fmt.Fprintln(os.Stderr, strings.Join(words[1:], " "))
    case "sleep": s, _ := strconv.Atoi(words[1]); time.Sleep(time.Duration(s) * time.Second)
    case "write": if err := os.WriteFile(words[1], []byte(strings.Join(words[2:], " ")), 0644); err != nil { panic(err) }
    case "exit": n, _ := strconv.Atoi(words[1]); os.Exit(n)
    default: fmt.Println("unknown", line); os.Exit(127)
    }
  }
}
`;

/** Gives the reference of the base image, made once per engine. */
export async function tinyBase(engine: Engine): Promise<string> {
  const digest = createHash('sha256').update(SHELL).digest('hex').slice(0, 12);
  const reference = `cldctl-test/tiny:${digest}`;
  const present = await engine.docker
    .getImage(reference)
    .inspect()
    .catch(() => undefined);
  if (present !== undefined) return reference;
  const folder = await mkdtemp(join(tmpdir(), 'tiny-'));
  try {
    await writeFile(join(folder, 'main.go'), SHELL);
    await run('go', ['build', '-o', join(folder, 'sh'), join(folder, 'main.go')], {
      env: { ...process.env, CGO_ENABLED: '0', GOTOOLCHAIN: 'local', GO111MODULE: 'off' },
    });
    const body = await packArchive([
      { name: 'bin/sh', bytes: await readFile(join(folder, 'sh')), mode: 0o755, uid: 0, gid: 0 },
    ]);
    const [repo, tag] = reference.split(':');
    const stream = await engine.docker.importImage(Readable.from([body]), { repo, tag });
    for await (const _ of stream) void _;
    return reference;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
