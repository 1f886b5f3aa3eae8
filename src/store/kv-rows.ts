import { and, eq, gt, lte, Param, sql } from 'drizzle-orm';
import type { Database, KvRows } from './database.ts';
import { guarded } from './failures.ts';

/** Single statements that both dialects run alike; prepared once, since every request uses some of them. */
export function createKvRows({ query: q, tables: { kv } }: Pick<Database, 'query' | 'tables'>): KvRows {
  const hole = sql.placeholder;
  /** A time in a condition: without its column a placeholder would not be encoded. */
  const time = (name: string) => new Param(hole(name), kv.expiresAt);
  const here = and(eq(kv.space, hole('space')), eq(kv.key, hole('key')));
  const live = gt(kv.expiresAt, time('now'));
  const over = lte(kv.expiresAt, time('now'));
  const row = { space: hole('space'), key: hole('key'), value: hole('value'), expiresAt: hole('expiresAt') };
  const fresh = { value: sql`excluded.value`, expiresAt: sql`excluded.expires_at` };
  const target = [kv.space, kv.key];

  const select = q.select({ value: kv.value }).from(kv).where(and(here, live)).prepare('kv_get');
  const peek = q.select({ value: kv.value }).from(kv).where(here).prepare('kv_peek');
  const upsert = q.insert(kv).values(row).onConflictDoUpdate({ target, set: fresh }).prepare('kv_set');
  const claim = q.insert(kv).values(row).onConflictDoUpdate({ target, set: fresh, setWhere: over }).returning({ key: kv.key }).prepare('kv_add');
  const remove = q.delete(kv).where(here).prepare('kv_delete');
  const pop = q.delete(kv).where(and(here, live)).returning({ value: kv.value }).prepare('kv_take');
  const count = q
    .insert(kv)
    .values({ ...row, value: '1' })
    .onConflictDoUpdate({
      target,
      set: {
        value: sql`case when ${over} then '1' else cast(cast(${kv.value} as integer) + 1 as text) end`,
        expiresAt: sql`case when ${over} then excluded.expires_at else ${kv.expiresAt} end`,
      },
    })
    .returning({ value: kv.value, expiresAt: kv.expiresAt })
    .prepare('kv_increment');
  // The value is the moment until which all permits that were taken are paid for (GCRA): one more costs an interval, and only so much may be owed.
  const number = (name: string) => sql`cast(${hole(name)} as bigint)`;
  const owed = sql`cast(${kv.value} as bigint)`;
  const permit = q
    .insert(kv)
    .values({ ...row, value: hole('first') })
    .onConflictDoUpdate({
      target,
      set: {
        value: sql`cast((case when ${owed} < ${number('moment')} then ${number('moment')} else ${owed} end) + ${number('interval')} as text)`,
        expiresAt: sql`excluded.expires_at`,
      },
      setWhere: sql`${owed} <= ${number('moment')} + ${number('tolerance')}`,
    })
    .returning({ value: kv.value })
    .prepare('kv_spend');
  // The outer condition is checked again on the locked row: what was set anew meanwhile stays.
  const oldest = sql`(select ${kv.space}, ${kv.key} from ${kv} where ${over} order by ${kv.expiresAt} limit ${hole('limit')})`;
  const sweep = q
    .delete(kv)
    .where(and(sql`(${kv.space}, ${kv.key}) in ${oldest}`, over))
    .returning({ key: kv.key })
    .prepare('kv_purge');

  return guarded<KvRows>({
    get: async (at, now) => (await select.execute({ ...at, now }))[0]?.value ?? null,
    set: async (at, value, expiresAt) => void (await upsert.execute({ ...at, value, expiresAt })),
    add: async (at, value, life) => (await claim.execute({ ...at, value, ...life })).length === 1,
    take: async (at, now) => (await pop.execute({ ...at, now }))[0]?.value ?? null,
    delete: async (at) => void (await remove.execute({ ...at })),
    increment: async (at, life) => {
      const [counted] = await count.execute({ ...at, ...life });
      return { count: Number(counted!.value), expiresAt: counted!.expiresAt };
    },
    spend: async (at, { now, intervalMs, burst }) => {
      const [moment, tolerance] = [now.getTime(), intervalMs * (burst - 1)];
      // A row may be swept when nothing is owed any more, whatever was asked for.
      const expiresAt = new Date(moment + intervalMs * (burst + 1));
      const asked = { ...at, first: String(moment + intervalMs), moment, interval: intervalMs, tolerance, expiresAt };
      if ((await permit.execute(asked)).length === 1) return 0;
      const paid = Number((await peek.execute({ ...at }))[0]?.value ?? 0);
      return Math.max(1, paid - tolerance - moment);
    },
    purge: async (now, limit) => (await sweep.execute({ now, limit })).length,
  });
}
