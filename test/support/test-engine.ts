/** The Docker engine that tests use: the one of the environment; a missing one fails with what to do. */
import { randomBytes } from 'node:crypto';
import { connectEngine, type Engine } from '../../src/docker/engine.js';

/** Connects to the engine that `DOCKER_HOST`, the context or the default socket names. */
export function testEngine(): Promise<Engine> {
  return connectEngine({ environment: process.env });
}

/** A name that no other test has. */
export function uniqueName(purpose: string): string {
  return `cldctl-test-${purpose}-${randomBytes(5).toString('hex')}`;
}
