/** The life of a mutating run as a page, written from the tables that the code goes by. */
import {
  ATTEMPT_DECISIONS,
  ATTEMPT_TRANSITIONS,
  type AttemptDecision,
  type ContainerObservation,
} from '../../src/stack/attempt.js';

const OBSERVED: Readonly<Record<ContainerObservation, string>> = {
  missing: 'no container',
  created: 'created, never started',
  running: 'running',
  'exited-incomplete': 'ended with exit code 75: its input was cut off, nothing ran',
  exited: 'ended',
  dead: 'dead: the engine lost it',
  unknown: "the engine can't be asked",
};

const DECIDED: Readonly<Record<AttemptDecision, string>> = {
  create: 'create and start',
  start: 'start',
  adopt: 'follow',
  collect: 'collect the result',
  harvest: 'look into volume and state',
  'try-again': 'end as nothing, try again',
  'return-result': 'give the result',
  wait: 'wait for the engine',
};

/** The page `docs/run-life.md`. */
export function runLife(): string {
  const arrows = ATTEMPT_TRANSITIONS.map(
    ({ from, to, mark }) => `  ${from === 'absent' ? '[*]' : from} --> ${to}: ${mark}`,
  );
  const steps = ATTEMPT_TRANSITIONS.map(({ from, to, mark, requires }) => [
    from === 'absent' ? 'none' : from,
    to,
    mark,
    requires,
  ]);
  const statuses = Object.keys(ATTEMPT_DECISIONS) as (keyof typeof ATTEMPT_DECISIONS)[];
  const decisions = (Object.keys(OBSERVED) as ContainerObservation[]).map((observed) => [
    OBSERVED[observed],
    ...statuses.map((status) => DECIDED[ATTEMPT_DECISIONS[status][observed]]),
  ]);
  return `# The life of a mutating run

Written from \`src/stack/attempt.ts\`; do not edit. An _attempt_ is one try to carry out one approved plan in one container. Its marks are
objects in the store that are created once and never changed, so whoever comes after a crash reads how far it had come.

\`\`\`mermaid
stateDiagram-v2
${arrows.join('\n')}
  ended --> [*]: the record, in one write: result in, open run out
\`\`\`

${table(['from', 'to', 'what is written', 'only when'], steps)}
## Who may act

Only the holder of the stack's \`openRun\` acts: the activity \`execute\` of the operation that made it, on the Docker engine that the
attempt names; its next try after a worker died; \`settle\`, the first step of the stack's next operation; and \`kill\`, which ends the
container and nothing else. A second operation gets \`StackBusy\`.

## What is done with an attempt that is found

By its last mark, and by what the engine shows of its container:

${table(['container', ...statuses], decisions)}
A tool that may have run is never started again: where the table says _look into volume and state_, the run ends as done, not done,
done or partly done with a receipt, or \`OutcomeUnknown\` with all that is known ([how that is told](decisions/0019-lost-runs.md)).
After \`OutcomeUnknown\` the stack is marked, and no attempt is made that a person who knows of it has not approved.
`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((cell, column) =>
    Math.max(cell.length, 3, ...rows.map((row) => row[column]?.length ?? 0)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |\n`;
  return [
    line(head),
    line(widths.map((width) => '-'.repeat(width))),
    ...rows.map((row) => line(row)),
  ].join('');
}
