/**
 * Every error that the facts name, driven through a whole gateway: what becomes of the learner's delivery, whether others are held up, what the learner and the
 * operator see, and that in the end everything is there once. The table in docs/learning-platforms.md is made of what is seen here (UPDATE_DOCS=1 writes it).
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, describe, expect, it } from '@jest/globals';
import { PLACE } from '../../../src/store/outbox.ts';
import { eventually } from '../gateway.ts';
import { learner } from '../modes/operator.ts';
import { FAULTS, type Fault } from './fault-table.ts';
import { type School, startSchool } from './school.ts';

const PAGE = 'docs/learning-platforms.md';
const BEGIN = '<!-- faults -->';
const END = '<!-- /faults -->';
const ALL = ['A cohort', 'Staff', 'closing', 'listening'];

/** What is seen of one delivery when the fault has done its work. */
type Outcome = 'delivered' | 'ordered' | 'noted' | 'task' | 'again' | 'lane' | 'halted' | 'dead';
const WORDS: Record<Outcome, string> = {
  delivered: 'delivered all the same',
  ordered: 'taken as ordered; looked at again after a minute, and not ordered twice',
  noted: 'the rest is delivered; what is missing is noted, and given when it is there',
  task: 'the rest is delivered; this becomes a task for an admin',
  again: 'tried again for this person, after growing pauses; others go on',
  lane: 'everybody waits in their turn, nobody’s attempts are used up; tried again after growing pauses, or when the platform said',
  halted: 'nothing more is delivered until somebody mends it; everybody waits in their turn',
  dead: 'a dead letter at once, with its reason; others go on',
};
type Seen = 'enters' | 'waits' | 'refused';
const SEES: Record<Seen, string> = {
  enters: 'enters',
  waits: '“Preparing your courses”, and enters when it is over',
  refused: 'a page that says no, with a reference',
};
const HEAD = ['what happens', 'what the platform answers', 'what we do', 'code', 'what the learner sees'];
const rows: string[][] = [];

/** Columns as wide as their widest cell: as the formatter wants them. */
function tableOf(cells: string[][]): string {
  const widths = HEAD.map((_, i) => Math.max(...cells.map((row) => row[i]!.length)));
  const line = (row: string[]) => `| ${row.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  const [head, ...rest] = cells;
  return [line(head!), line(widths.map((width) => '-'.repeat(width))), ...rest.map(line)].join('\n');
}

describe('a fault of a learning platform', () => {
  let school: School;
  let ahead = 0;
  const now = () => new Date(Date.now() + ahead);
  afterEach(() => school?.close());

  const lane = { tenantId: 'acme', platform: 'school' };
  const store = () => school.operator.gateway.house.store;
  const userOf = async (email: string) => (await store().people.find('acme', email))!.id;

  async function observe(userId: string): Promise<{ outcome: Outcome; code: string | null; reason: string | null } | null> {
    const [row, platform, { given }] = await Promise.all([
      store().outbox.one({ ...lane, userId }),
      store().platforms.get(lane),
      store().ledger.of({ ...lane, userId }),
    ]);
    const told = (outcome: Outcome) => ({ outcome, code: row?.failedCode ?? null, reason: row?.failedReason ?? null });
    const has = (state: string) => given.some((one) => one.state === state);
    if (row?.place === PLACE.dead) return told('dead');
    if (row && platform?.haltedCode) return told('halted');
    if (row?.place === PLACE.lookAfter) return told('ordered');
    if (row?.failedCode) return told(row.attempts > 0 ? 'again' : 'lane');
    if (row) return null;
    return told(has('unknown') ? 'noted' : has('give-by-hand') || has('take-by-hand') ? 'task' : 'delivered');
  }

  const usable = (email: string): string[] => {
    const user = school.platform.school.userByEmail(email);
    const { courses, groups } = user ? school.platform.school.usable(user.id) : { courses: [], groups: [] };
    return [...courses, ...groups].toSorted();
  };

  it.each(FAULTS.map((fault): [string, Fault] => [fault.name, fault]))(
    '%s',
    async (_, fault) => {
      ahead = 0;
      school = await startSchool({ now, ...fault.options, sample: { now, ...fault.options?.sample } });
      const email = fault.email ?? 'ada@acme.example';
      const person = { ...learner('ada', ['Sales']), email };
      const stopAt = (url: string) => url.includes('since=');
      const comes = (groups: string[]) => school.operator.signsIn({ ...person, groups }, stopAt);
      if (fault.when === 'removal') {
        await comes(['Sales']);
        await school.delivered();
      }
      const end = await fault.begin(school, 'ada');
      const { page } = await comes(fault.when === 'removal' ? [] : ['Sales']);
      const seen: Seen = stopAt(page.url) ? 'waits' : new URL(page.url).origin === school.platform.url ? 'enters' : 'refused';
      if (seen === 'refused') expect(page.body).toMatch(/Reference <code>/);
      else expect(page.status).toBe(200);
      const userId = await userOf(email);
      const { outcome, code, reason } = await eventually(() => observe(userId), 30_000);

      // What an operator reads names nobody and opens nothing.
      for (const secret of [email, 'ada Acme', userId, school.platform.apiKey, school.platform.accessToken])
        expect(reason ?? '').not.toContain(secret);

      // Over. Who waits is delivered by itself; what somebody had to mend is tried again by hand.
      end();
      if (fault.retry) await school.operator.post('/deliveries/retry', { platform: 'school' });
      ahead += outcome === 'lane' || outcome === 'halted' ? 120_000 : 3_700_000;
      if (fault.ends?.length !== 0 || fault.when === 'removal') await eventually(async () => (await store().outbox.waiting()) === 0 || null, 30_000);
      const ends = fault.when === 'removal' ? (fault.ends ?? []) : (fault.ends ?? ALL);
      await eventually(async () => JSON.stringify(usable(email)) === JSON.stringify(ends) || null, 20_000).catch(() =>
        expect(usable(email)).toEqual(ends),
      );
      expect([...school.platform.school.users.values()].filter((user) => user.email === email)).toHaveLength(1);
      const { enrolments } = school.platform.school;
      expect(new Set(enrolments.map((one) => `${one.userId} ${one.courseId}`)).size).toBe(enrolments.length);

      rows.push([fault.name, fault.answers, WORDS[outcome], code === null ? '' : `\`${code}\``, SEES[seen]]);
    },
    90_000,
  );
});

afterAll(() => {
  if (rows.length < FAULTS.length) return; // a part was run, or something failed: that is told elsewhere
  const table = tableOf([HEAD, ...rows]);
  const text = readFileSync(PAGE, 'utf8');
  const [before, after] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
  expect(before < after && text.includes(BEGIN)).toBe(true);
  const made = `${text.slice(0, before)}\n\n${table}\n\n${text.slice(after)}`;
  if (process.env['UPDATE_DOCS'] === '1') writeFileSync(PAGE, made);
  else expect(text).toBe(made);
});
