import { join } from 'node:path';
import type { Session } from './session.js';

/** Releases the lock with this id, if it is the one that is held; what came of it is a notice. */
export async function releaseLock(session: Session, id: string): Promise<void> {
  const { context, tofu, notices } = session;
  const end = await tofu({
    step: 'unlock',
    arguments: ['force-unlock', '-no-color', '-force', id],
    captureTo: join(context.paths.temporary, 'unlock.txt'),
  });
  const reason = end.errorText.replace(/\s+/g, ' ').trim().slice(0, 300);
  notices.push(
    end.exitCode === 0 ? `lock ${id} was released` : `lock ${id} was not released: ${reason}`,
  );
}
