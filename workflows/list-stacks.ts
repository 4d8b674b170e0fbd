/** `listStacks`: the stacks of a store for clients that hold no key of it. */
import { listStacksSchema, type StackPage } from '../src/contract/stack.js';
import { applicationFailure, failureOf } from './failures.js';
import { defined } from './operation.js';
import { light } from './policies.js';
import { validate } from './validate.js';

/** Answers a part of the list, in the order of the ids. */
export async function listStacks(raw: unknown): Promise<StackPage> {
  const request = validate(listStacksSchema, raw, 'listStacks');
  try {
    return await light.listStacks(defined(request));
  } catch (error) {
    throw applicationFailure(failureOf(error, 'read'));
  }
}
