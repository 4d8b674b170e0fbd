/** Questions at the terminal: is exactly this plan approved, is that what is wanted? */
import { confirm, select } from '@inquirer/prompts';
import type { PlanView } from '../src/contract/operation.js';
import type { CommandContext } from './command-context.js';
import { shortDigest } from './short-digest.js';

type Answer = 'approve' | 'reject' | 'later';

const DESCRIPTION: Record<Answer, string> = {
  approve: 'exactly this plan is carried out',
  reject: 'nothing is done',
  later: 'leave it waiting for someone else',
};

/** Asks on a terminal; the last of `answers` is the default. Rejects with the signal's reason on Ctrl-C. */
export async function askForDecision<Offered extends Answer>(
  plan: Pick<PlanView, 'planDigest' | 'stackId' | 'operation'>,
  answers: readonly [Offered, ...Offered[]],
  { terminal, signal }: CommandContext,
): Promise<Offered> {
  const digest = terminal.style.bold(shortDigest(plan.planDigest));
  return asking(terminal, () =>
    select<Offered>(
      {
        message: `${plan.operation} ${plan.stackId}: approve plan ${digest}?`,
        choices: answers.map((answer) => ({
          name: answer,
          value: answer,
          description: DESCRIPTION[answer],
        })),
        default: answers.at(-1),
      },
      { signal, output: process.stderr },
    ),
  );
}

/** Asks on a terminal for a yes; a bare Enter is a no. Rejects with the signal's reason on Ctrl-C. */
export async function askForYes(
  message: string,
  { terminal, signal }: CommandContext,
): Promise<boolean> {
  return asking(terminal, () =>
    confirm({ message, default: false }, { signal, output: process.stderr }),
  );
}

async function asking<T>(
  terminal: CommandContext['terminal'],
  prompt: () => Promise<T>,
): Promise<T> {
  const resume = terminal.progress.pause();
  try {
    return await prompt();
  } catch (error) {
    // The prompt takes Ctrl-C from the terminal before it can become a signal.
    if (error instanceof Error && /^(Exit|Abort)PromptError$/.test(error.name))
      throw new DOMException('stopped at the question', 'AbortError');
    throw error;
  } finally {
    resume();
  }
}
