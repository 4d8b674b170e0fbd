import { expect, test } from 'vitest';
import { visibilityQuery } from '../../../src/client/operation-summary.js';

test('a filter becomes a visibility query in which a quote stays a value', () => {
  expect(visibilityQuery({})).toBe("WorkflowType = 'stackOperation'");
  expect(
    visibilityQuery({
      stackId: "a' OR 1=1",
      phase: 'apply',
      status: 'timed-out',
      query: 'IacDrift = true',
    }),
  ).toBe(
    "WorkflowType = 'stackOperation' AND IacStack = 'a'' OR 1=1' AND IacPhase = 'apply' AND ExecutionStatus = 'TimedOut' AND (IacDrift = true)",
  );
});
