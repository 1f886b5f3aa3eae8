/** tasks: what a platform cannot do by itself, and an admin does there by hand. They are rows of the ledger: what is not needed any more is no task any more. */
import { Refusal } from '../core/refusal.ts';
import type { PlatformGiven } from '../store/ledger.ts';
import type { Store } from '../store/store.ts';
import { lineOf } from './line.ts';

export interface TasksDeps {
  store: Pick<Store, 'ledger' | 'people' | 'journal'>;
  now: () => Date;
  newId: () => string;
}

export interface Task {
  id: string;
  platform: string;
  do: 'add' | 'remove';
  user: { id: string; userName: string; email: string };
  kind: PlatformGiven['kind'];
  /** What it is called at the platform. */
  name: string;
  resource: string;
  since: Date;
}

export type Tasks = ReturnType<typeof createTasks>;

export function createTasks({ store: { ledger, people, journal }, ...deps }: TasksDeps) {
  return {
    /** The oldest first. */
    async list(tenantId: string, { after, limit }: { after: string | null; limit: number }): Promise<{ tasks: Task[]; next: string | null }> {
      const rows = await ledger.tasks(tenantId, {
        after: after === null ? null : { ...keyOf(tenantId, after), name: '', state: 'given', targets: null },
        limit,
      });
      const users = new Map((await people.many(tenantId, [...new Set(rows.map(({ userId }) => userId))])).map(({ user }) => [user.id, user]));
      const tasks = rows.map((row): Task => {
        const { userName = '', email = '' } = users.get(row.userId) ?? {};
        return {
          ...{ id: idOf(row), platform: row.platform, kind: row.kind, name: row.name, resource: row.id, since: row.since },
          do: row.state === 'give-by-hand' ? 'add' : 'remove',
          user: { id: row.userId, userName, email },
        };
      });
      return { tasks, next: rows.length === limit ? idOf(rows.at(-1)!) : null };
    },

    /** It has been done there. Throws `Refusal` `not-found` where it is no task any more. */
    async done(tenantId: string, id: string, { actor, comment }: { actor: string; comment: string | null }): Promise<void> {
      const key = keyOf(tenantId, id);
      const task = await ledger.task(key);
      // One that was asked for anew since is another task, and perhaps the contrary.
      if (!task || task.since.getTime() !== key.since.getTime() || !(await ledger.tick(task, deps.now()))) throw gone();
      const { platform, userId, kind, id: resource, state } = task;
      const detail = { platform, kind, resource, did: state === 'give-by-hand' ? 'add' : 'remove', ...(comment !== null && { comment }) };
      const line = { tenantId, actor, cause: 'delivery', code: 'done-by-hand', resource: { type: 'User', id: userId }, detail };
      await journal.append(lineOf(deps, line));
    },
  };
}

/** Of a `Date`. */
const LAST_MOMENT = 8.64e15;

const gone = () => new Refusal('not-found', 'task/unknown', 'there is no such task, or not any more');

const idOf = ({ platform, userId, kind, id, since }: PlatformGiven): string =>
  Buffer.from(JSON.stringify([platform, userId, kind, id, since.getTime()])).toString('base64url');

function keyOf(tenantId: string, id: string): Pick<PlatformGiven, 'tenantId' | 'platform' | 'userId' | 'kind' | 'id' | 'since'> {
  try {
    const parts = JSON.parse(Buffer.from(id, 'base64url').toString('utf8')) as [string, string, PlatformGiven['kind'], string, number];
    const [platform, userId, kind, resource, since] = parts;
    const texts = [platform, userId, kind, resource].every((part) => typeof part === 'string' && !/[\p{Cc}\p{Surrogate}]/u.test(part));
    if (parts.length === 5 && texts && Number.isSafeInteger(since) && Math.abs(since) <= LAST_MOMENT)
      return { tenantId, platform, userId, kind, id: resource, since: new Date(since) };
  } catch {
    // as below
  }
  throw gone();
}
