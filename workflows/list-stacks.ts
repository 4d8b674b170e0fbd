/** `listStacks`: the stacks of a store for clients that hold no key of it. */
import * as z from 'zod';
import type { StackPage } from '../src/client/types.js';
import { stackIdSchema } from '../src/contract/operation.js';
import { applicationFailure, failureOf } from './failures.js';
import { defined } from './operation.js';
import { light } from './policies.js';
import { validate } from './validate.js';

const requestSchema = z.strictObject({
  prefix: stackIdSchema.optional(),
  from: stackIdSchema.optional(),
});

/** Answers a part of the list, in the order of the ids. */
export async function listStacks(raw: unknown): Promise<StackPage> {
  const request = validate(requestSchema, raw, 'listStacks');
  try {
    return await light.listStacks(defined(request));
  } catch (error) {
    throw applicationFailure(failureOf(error, 'read'));
  }
}
