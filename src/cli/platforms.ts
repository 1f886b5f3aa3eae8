/** `matricula platform`, `delivery`, `task`, `drift`: learning platforms, what waits for them and what is to be done by hand. Their words are in platform-commands.ts. */
import { type House, operatePlatformsOf } from '../app.ts';
import type { DriftShown, LetterShown, PersonDrifted, PlatformShown } from '../flows/operate-platforms.ts';
import type { LiveTenant } from '../flows/tenants.ts';
import { EXIT, Exit, type Output, plain, table } from './output.ts';

const actor = 'cli';

export async function platformList(house: House, { tenant }: LiveTenant, out: Output): Promise<void> {
  const { platforms } = await operatePlatformsOf(house).list(tenant.id);
  out.result({ platforms }, platforms.map(told).join('\n') || 'the tenant has no learning platform');
}

function told({ platform, name, kind, enabled, waiting, dead, oldest, halted, catalogueAt, filling, unknown, next }: PlatformShown): string {
  const waits = oldest === null ? 'nobody waits' : `${waiting} waiting, the oldest since ${oldest.toISOString()}`;
  return [
    `${platform}  ${plain(name)} (${kind})${enabled ? '' : ', switched off'}: ${waits}, ${count(dead, 'dead letter')}`,
    ...(halted ? [`  halted since ${halted.since.toISOString()} (${halted.code}): ${plain(halted.reason)}`] : []),
    ...(filling ? ['  who was here before it is still being put into the outbox'] : []),
    ...(catalogueAt ? [`  its catalogue was read at ${catalogueAt.toISOString()}`] : []),
    ...unknown.map((one) => `  it has no ${one.target}, which ${one.people === 1 ? '1 person has' : `${one.people} people have`} here`),
    ...next.map((what) => `  → ${what}`),
  ].join('\n');
}

const count = (n: number, what: string): string => `${n} ${what}${n === 1 ? '' : 's'}`;
const people = (n: number): string => (n === 1 ? '1 person' : `${n} people`);

export async function platformRefresh(
  house: House,
  { tenant }: LiveTenant,
  asked: { platform: string; allowRemovals: boolean },
  out: Output,
): Promise<void> {
  const done = await operatePlatformsOf(house).refresh({ tenantId: tenant.id, actor, ...asked });
  const { entries, changed, held } = done;
  const lines = [
    `${entries} entries, ${changed.length === 0 ? 'no target means anything else than before' : `changed: ${changed.join(', ')}`}`,
    ...(held > 0
      ? [`${people(held)} would lose something, more than the limits allow: the catalogue as it was stays in force; to go beyond: --allow-removals`]
      : []),
  ];
  out.result(done, lines.join('\n'));
  if (held > 0) throw new Exit(EXIT.refused);
}

export async function platformRestart(
  house: House,
  { tenant }: LiveTenant,
  { platform, confirm }: { platform: string; confirm: string | null },
  out: Output,
): Promise<void> {
  const done = await operatePlatformsOf(house).restart({ tenantId: tenant.id, actor, platform, confirm });
  const { accounts, waiting, dead } = done;
  const means = [
    `The ledger of ${platform} ${done.done ? 'is' : 'would be'} forgotten: ${count(accounts, 'account')}, and all that was given to them.`,
    `${waiting} waiting and ${count(dead, 'dead letter')} ${done.done ? 'are' : 'would be'} dropped; everybody is delivered anew, to where the tenant file leads now.`,
    'What was given at the old place stays there, and nobody takes it away any more. What people have at the new place already counts as put there by hand.',
  ];
  const how = ['', 'Nothing has been done. To do it:', `  matricula platform restart ${tenant.id} ${platform} --confirm ${platform}`];
  out.result(done, [...means, ...(done.done ? [] : how)].join('\n'));
  if (!done.done) throw new Exit(EXIT.refused);
}

interface Page {
  after: string | null;
  limit: number;
}

export async function deliveryList(
  house: House,
  { tenant }: LiveTenant,
  asked: Page & { platform?: string; dead: boolean },
  out: Output,
): Promise<void> {
  const { dead, ...page } = asked;
  const listed = await operatePlatformsOf(house).letters(tenant.id, { ...page, ...(dead && { state: 'dead' as const }) });
  const rows = listed.deliveries.map((one: LetterShown) => [
    ...[one.platform, one.userId, plain(one.userName), one.state, one.since.toISOString(), String(one.attempts)],
    one.reason === null ? '' : `${one.code}: ${plain(one.reason)}`,
  ]);
  const shown = table(['platform', 'user', 'userName', 'state', 'since', 'attempts', 'last failure'], rows);
  out.result(listed, rows.length === 0 ? 'nothing waits' : `${shown}${more(listed.next)}`);
}

const more = (next: string | null): string => (next === null ? '' : `\nmore: --after ${next}`);

interface Whom {
  platform: string;
  user?: string;
}

export async function deliveryRetry(house: House, { tenant }: LiveTenant, whom: Whom, out: Output): Promise<void> {
  const done = await operatePlatformsOf(house).retry({ tenantId: tenant.id, actor, ...whom });
  out.result(
    done,
    `${count(done.retried, 'dead letter')} ${done.retried === 1 ? 'waits' : 'wait'} again; a running gateway delivers within a minute`,
  );
}

export async function deliveryReplay(house: House, { tenant }: LiveTenant, whom: Whom & { all: boolean }, out: Output): Promise<void> {
  if (whom.all === (whom.user !== undefined)) throw new Exit(EXIT.usage, 'say --user or --all');
  const done = await operatePlatformsOf(house).replay({ tenantId: tenant.id, actor, ...whom });
  out.result(done, `${people(done.people)}: everything is told anew by a running gateway, after those who wait`);
}

export async function taskList(house: House, { tenant }: LiveTenant, page: Page, out: Output): Promise<void> {
  const listed = await operatePlatformsOf(house).tasks(tenant.id, page);
  const rows = listed.tasks.map((one) => [
    ...[one.platform, one.do === 'add' ? 'add to' : 'take out of', `${one.kind} ${plain(one.name)}`],
    ...[plain(one.user.email || one.user.userName), one.since.toISOString(), one.id],
  ]);
  const shown = table(['platform', 'do', 'what', 'whom', 'since', 'id'], rows);
  out.result(listed, rows.length === 0 ? 'nothing is to be done by hand' : `${shown}${more(listed.next)}`);
}

export async function taskDone(
  house: House,
  { tenant }: LiveTenant,
  { id, comment }: { id: string; comment: string | null },
  out: Output,
): Promise<void> {
  out.result(await operatePlatformsOf(house).taskDone({ tenantId: tenant.id, actor, id, comment }), 'done');
}

export interface DriftFlags {
  platform?: string;
  fix: boolean;
  allowRemovals: boolean;
  limit: number;
}

const TELL_EVERY = 500;

/** Ends as refused where something differs and was not mended, or could not be looked at. */
export async function drift(house: House, { tenant }: LiveTenant, flags: DriftFlags, out: Output): Promise<void> {
  const onProgress = (platform: string, looked: number) => {
    if (looked > 0 && looked % TELL_EVERY === 0) out.note(`  ${platform}: ${looked} looked at`);
  };
  const found = await operatePlatformsOf(house).drift({ tenantId: tenant.id, actor, ...flags, onProgress });
  out.result(found, found.drift.map((one) => drifted(one, flags).join('\n')).join('\n') || 'the tenant has no learning platform that is switched on');
  if (found.drift.some(({ differing, mended, failure }) => differing > mended || failure !== null)) throw new Exit(EXIT.refused);
}

function drifted({ platform, people: some, names, readable, failure, ...n }: DriftShown, { fix }: DriftFlags): string[] {
  if (failure !== null) return [`${platform}: could not be compared: ${plain(failure)}`];
  if (!readable) return [`${platform}: cannot be asked what it has; matricula delivery replay tells it everything anew`];
  const rest = n.differing - some.length;
  return [
    `${platform}: ${n.looked} looked at, ${n.differing} differ, ${n.waiting} wait for a delivery, ${n.losing} would lose something`,
    ...some.flatMap((one) => personDrifted(one, names)),
    ...(rest > 0 ? [`  and ${rest} more (--limit)`] : []),
    ...(n.overLimit ? ['  more would lose something than the limits allow: nothing was begun; to go beyond: --allow-removals'] : []),
    ...(n.mended > 0 ? [`  ${people(n.mended)} put into the outbox: a running gateway mends them, after those who wait`] : []),
    ...(n.differing > 0 && !fix && !n.overLimit ? ['  to mend it: --fix'] : []),
  ];
}

function personDrifted({ userId, userName, missing, lingering, gone, privileged }: PersonDrifted, names: Record<string, string>): string[] {
  const called = (keys: string[]) => keys.map((key) => `${key.slice(0, key.indexOf(':'))} ${plain(names[key] ?? key)}`).join(', ');
  return [
    `  ${plain(userName)} (${userId})`,
    ...(gone ? ['    the account is gone'] : []),
    ...(privileged ? ["    the account is an administrator's there: it is left alone"] : []),
    ...(missing.length > 0 ? [`    missing: ${called(missing)}`] : []),
    ...(lingering.length > 0 ? [`    lingering: ${called(lingering)}`] : []),
  ];
}
