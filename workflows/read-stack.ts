/** `readStack`: a stack's record for clients that hold no store key. */
import { readStackSchema, type StackView } from '../src/contract/stack.js';
import { failureOf, applicationFailure } from './failures.js';
import { light } from './policies.js';
import { validate } from './validate.js';

/** Answers what the record says, without sensitive values; fails `StackNotFound`. */
export async function readStack(raw: unknown): Promise<StackView> {
  const { stackId } = validate(readStackSchema, raw, 'readStack');
  try {
    return await light.readStack({ stackId });
  } catch (error) {
    throw applicationFailure(failureOf(error, 'read'));
  }
}
