/** Releasing what a run that is gone left locked. */
import { join } from 'node:path';
import { stackArguments } from './command-line.js';
import { lastLine } from './failure.js';
import type { Session } from './session.js';

/** The CLI releases all locks of a stack and can't name one: to be asked only when no other is held. What came of it is a notice. */
export async function releaseLocks(session: Session, id: string): Promise<void> {
  const { context, cli, name, notices } = session;
  const end = await cli({
    step: 'unlock',
    argv: ['pulumi', 'cancel', '--yes', ...stackArguments(name.full)],
    cwd: context.moduleDirectory,
    captureTo: join(context.paths.temporary, 'unlock.txt'),
  });
  notices.push(
    end.exitCode === 0
      ? `lock ${id} was released`
      : `lock ${id} was not released: ${lastLine(end.failed.standardError)}`,
  );
}
