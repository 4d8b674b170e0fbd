/** The question at the terminal: is exactly this plan approved? */
import { select } from '@inquirer/prompts';
import type { PlanView } from '../src/contract/operation.js';
import type { CommandContext } from './command-context.js';
import { shortDigest } from './short-digest.js';

/** Asks on a terminal; `later` leaves the operation waiting. Rejects with the signal's reason on Ctrl-C. */
export async function askForDecision(
  plan: Pick<PlanView, 'planDigest' | 'stackId' | 'operation'>,
  { terminal, signal }: CommandContext,
): Promise<'approve' | 'reject' | 'later'> {
  const digest = terminal.style.bold(shortDigest(plan.planDigest));
  const resume = terminal.progress.pause();
  try {
    return await select(
      {
        message: `${plan.operation} ${plan.stackId}: approve plan ${digest}?`,
        choices: [
          {
            name: 'approve',
            value: 'approve' as const,
            description: 'exactly this plan is carried out',
          },
          { name: 'reject', value: 'reject' as const, description: 'nothing is done' },
          {
            name: 'later',
            value: 'later' as const,
            description: 'leave it waiting for someone else',
          },
        ],
        default: 'later',
      },
      { signal, output: process.stderr },
    );
  } catch (error) {
    // The prompt takes Ctrl-C from the terminal before it can become a signal.
    if (error instanceof Error && /^(Exit|Abort)PromptError$/.test(error.name))
      throw new DOMException('stopped at the question', 'AbortError');
    throw error;
  } finally {
    resume();
  }
}
