/** What an operator does about learning platforms, through the API: the platforms themselves say whether it was done. Each test goes on from the one before. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { effects } from '../../../fixtures/sample-platform/faults.ts';
import { describeWith } from '../../services.ts';
import { postgres, sqliteFile } from '../../store/backends.ts';
import { eventually } from '../gateway.ts';
import { startTwoPlatforms, type TwoPlatforms } from './two-platforms.ts';

interface Status {
  platform: string;
  waiting: number;
  dead: number;
  halted: { code: string; reason: string } | null;
  unknown: { target: string; people: number }[];
  next: string[];
}
interface Finding {
  check: string;
  ok: boolean;
  message: string;
  next?: string;
}
interface Task {
  id: string;
  platform: string;
  do: string;
  name: string;
  user: { userName: string };
}
interface Drift {
  platform: string;
  readable: boolean;
  failure: string | null;
  looked: number;
  differing: number;
  mended: number;
  people: { userName: string; missing: string[]; lingering: string[] }[];
  names: Record<string, string>;
}
interface Problem {
  code: string;
  detail: string;
}

for (const backend of [sqliteFile, postgres])
  describeWith(backend.needs, `an operator of learning platforms, on ${backend.name}`, () => {
    let w: TwoPlatforms;
    let ada: string;
    beforeAll(async () => {
      w = await startTwoPlatforms({ backend });
      ada = await w.operator.arrives('ada', ['Sales']);
      await w.delivered();
    });
    afterAll(() => w?.close());
    const statusOf = async (platform: string): Promise<Status> => {
      const { body } = await w.operator.get<{ platforms: Status[] }>('/platforms');
      return body.platforms.find((one) => one.platform === platform)!;
    };
    const drift = async (body: object) => w.operator.post<{ drift: Drift[] }>('/drift', body);

    it('sees each platform, with nothing to do where all is well', async () => {
      const { status, body } = await w.operator.get<{ platforms: Status[] }>('/platforms');
      expect(status).toBe(200);
      expect(body.platforms).toMatchObject([
        { platform: 'school', kind: 'thinkific', waiting: 0, dead: 0, halted: null, unknown: [], next: [] },
        { platform: 'app', kind: 'webhook', waiting: 0, dead: 0, halted: null, unknown: [], next: [] },
      ]);
    });

    it('has a platform asked whether it would do what the rules say', async () => {
      const { body } = await w.operator.post<{ findings: Finding[] }>('/platforms/school/check');
      expect(body.findings.filter(({ ok }) => !ok)).toEqual([]);
      expect(body.findings.filter(({ check }) => check === 'target').map(({ message }) => message)).toEqual([
        'bundle:sales: Sales',
        'collection:board: Strategy, Closing',
        'group:cohort: A cohort',
        'group:staff: Staff',
      ]);
      w.school.plan.api = false;
      const refused = await w.operator.post<{ findings: Finding[] }>('/platforms/school/check');
      w.school.plan.api = true;
      expect(refused.status).toBe(200);
      expect(refused.body.findings.find(({ check }) => check === 'plan')).toMatchObject({ ok: false, next: expect.stringMatching(/API access/) });
    });

    it('learns which target the platform has lost, who has it, and what to do; what it gave stays', async () => {
      w.school.school.group('A cohort').name = 'Another name';
      const lost = await w.operator.post('/platforms/school/refresh');
      expect(lost).toMatchObject({ status: 200, body: { changed: ['group:cohort'], held: 0 } });
      await w.delivered();
      const status = await statusOf('school');
      expect(status.unknown).toEqual([{ target: 'group:cohort', people: 1 }]);
      expect(status.next.join()).toMatch(/group:cohort.*ref:.*matricula platform refresh acme school/);
      expect(w.usable('ada@acme.example')).toContain('Another name');
      const { body } = await w.operator.get<{ explanations: { target: string; platforms: object[] }[] }>(`/users/${ada}/explain?target=group:cohort`);
      expect(body.explanations).toMatchObject([
        { target: 'group:cohort', platforms: expect.arrayContaining([{ platform: 'school', state: 'unknown' }]) },
      ]);
      w.school.school.group('Another name').name = 'A cohort';
      await w.operator.post('/platforms/school/refresh');
      await w.delivered();
      expect((await statusOf('school')).unknown).toEqual([]);
    });

    it('is told in the platform’s own terms what it answers badly', async () => {
      const ask = () => w.operator.post<Problem>('/platforms/school/refresh');
      w.school.faults.down();
      expect(await ask()).toMatchObject({ status: 502, body: { code: 'provider-unreachable', detail: expect.stringMatching(/^school: \S/) } });
      w.school.faults.up();
      const remove = w.school.faults.add({ effect: effects.unauthorised() });
      expect(await ask()).toMatchObject({ status: 503, body: { code: 'connection-unusable', detail: expect.stringMatching(/^school: \S/) } });
      remove();
      expect(await ask()).toMatchObject({ status: 200, body: { changed: [] } });
    });

    it('finds a dead letter with its reason, mends the cause, and has it tried again', async () => {
      const owner = w.school.school.addUser({ email: 'owner@acme.example', firstName: 'The', lastName: 'Owner', roles: ['site_admin'] });
      const id = await w.operator.arrives('owner', ['Staff']);
      await w.delivered();
      const dead = await w.operator.get<{ deliveries: object[]; next: string | null }>('/deliveries?state=dead');
      expect(dead.body).toMatchObject({
        deliveries: [{ platform: 'school', userId: id, userName: 'owner@acme.example', state: 'dead', code: 'privileged' }],
        next: null,
      });
      expect((await w.operator.get('/deliveries?state=waiting')).body).toEqual({ deliveries: [], next: null });
      expect(await statusOf('school')).toMatchObject({ dead: 1, next: [expect.stringMatching(/matricula delivery retry acme --platform school/)] });
      const explained = await w.operator.get<{ waiting: object[] }>(`/users/${id}/explain`);
      expect(explained.body.waiting).toMatchObject([{ platform: 'school', state: 'dead', failedReason: expect.any(String) }]);
      w.school.school.users.get(owner.id)!.roles.length = 0;
      const nobody = await w.operator.post('/deliveries/retry', { platform: 'school', user: 'ada@acme.example' });
      expect(nobody).toMatchObject({ status: 200, body: { retried: 0 } });
      expect(await w.operator.post('/deliveries/retry', { platform: 'school', user: 'owner@acme.example' })).toMatchObject({ body: { retried: 1 } });
      await w.delivered();
      expect((await w.operator.get('/deliveries?state=dead')).body).toEqual({ deliveries: [], next: null });
      expect(w.usable('owner@acme.example')).toEqual(['Staff']);
    });

    it('pages through what waits while the application is away, and nothing is lost', async () => {
      await w.app.down();
      const ids: string[] = [];
      for (const name of ['bob', 'cem', 'dee']) ids.push(await w.operator.arrives(name, ['Staff']));
      await eventually(async () => (await statusOf('app')).waiting === 3 || null);
      const seen: string[] = [];
      for (let after = ''; ; ) {
        const { body } = await w.operator.get<{ deliveries: { userId: string }[]; next: string | null }>(`/deliveries?platform=app&limit=1${after}`);
        seen.push(...body.deliveries.map(({ userId }) => userId));
        if (body.next === null) break;
        after = `&after=${body.next}`;
      }
      expect(seen.toSorted()).toEqual(ids.toSorted());
      await w.app.up();
      await w.delivered();
      expect(ids.map((id) => w.app.learners.get(id)?.targets)).toEqual([['group:staff'], ['group:staff'], ['group:staff']]);
    });

    it('sees what somebody has to do by hand, and ticks it off once', async () => {
      await w.operator.arrives('ada', []);
      await w.delivered();
      expect(w.usable('ada@acme.example')).toEqual(['A cohort', 'Staff']);
      const first = await w.operator.get<{ tasks: Task[]; next: string }>('/tasks?limit=1');
      const second = await w.operator.get<{ tasks: Task[]; next: string | null }>(`/tasks?limit=1&after=${first.body.next}`);
      const tasks = [...first.body.tasks, ...second.body.tasks];
      expect(tasks.map((one) => [one.platform, one.do, one.name, one.user.userName]).toSorted()).toEqual([
        ['school', 'remove', 'A cohort', 'ada@acme.example'],
        ['school', 'remove', 'Staff', 'ada@acme.example'],
      ]);
      const staff = tasks.find(({ name }) => name === 'Staff')!;
      const account = w.school.school.userByEmail('ada@acme.example')!;
      w.school.school.leaveGroup(account.id, w.school.school.group('Staff').id);
      const done = () => w.operator.post<Problem>(`/tasks/${staff.id}/done`, { comment: 'in the school’s own pages' });
      expect(await done()).toMatchObject({ status: 200, body: { done: staff.id } });
      expect(await done()).toMatchObject({ status: 404, body: { code: 'not-found', detail: expect.stringMatching(/no such task/) } });
      const left = await w.operator.get<{ tasks: Task[] }>('/tasks');
      expect(left.body.tasks.map(({ name }) => name)).toEqual(['A cohort']);
      const { body } = await w.operator.get<{ entries: object[] }>(`/journal?resourceId=${ada}&limit=1`);
      expect(body.entries).toMatchObject([
        { code: 'done-by-hand', actor: expect.stringMatching(/^key:/), detail: { did: 'remove', comment: 'in the school’s own pages' } },
      ]);
    });

    it('sees what was changed at the platform behind our back, changes nothing by looking, and has it mended', async () => {
      const { school } = w.school;
      const bob = school.userByEmail('bob@acme.example')!;
      school.leaveGroup(bob.id, school.group('Staff').id);
      const looked = await drift({ platform: 'school' });
      expect(looked.status).toBe(200);
      const [found] = looked.body.drift;
      const key = `group:${school.group('Staff').id}`;
      expect(found).toMatchObject({ platform: 'school', readable: true, failure: null, differing: 1, mended: 0, names: { [key]: 'Staff' } });
      expect(found!.people).toMatchObject([{ userName: 'bob@acme.example', missing: [key], lingering: [] }]);
      expect(w.usable('bob@acme.example')).toEqual([]);
      expect((await drift({ platform: 'school', fix: true })).body.drift).toMatchObject([{ differing: 1, mended: 1 }]);
      await w.delivered();
      expect(w.usable('bob@acme.example')).toEqual(['Staff']);
      expect((await drift({ platform: 'school' })).body.drift).toMatchObject([{ differing: 0, people: [] }]);
    });

    it('compares each platform for itself: one that is away hides nothing of the others', async () => {
      w.school.faults.down();
      const both = await drift({});
      const alone = await w.operator.post<Problem>('/drift', { platform: 'school' });
      w.school.faults.up();
      expect(both).toMatchObject({
        status: 200,
        body: {
          drift: [
            { platform: 'school', failure: expect.stringMatching(/^school: \S/) },
            { platform: 'app', readable: false, failure: null },
          ],
        },
      });
      expect(alone).toMatchObject({ status: 502, body: { code: 'provider-unreachable' } });
    });

    it('tells the application everything anew, of one person or of all', async () => {
      const told = () =>
        w.app.received
          .splice(0)
          .map(({ body }) => body)
          .join();
      told();
      expect(await w.operator.post('/deliveries/replay', { platform: 'app', user: ada })).toMatchObject({ status: 200, body: { people: 1 } });
      await w.delivered();
      expect(told()).toContain(ada);
      expect(await w.operator.post('/deliveries/replay', { platform: 'app', all: true })).toMatchObject({ status: 200, body: { people: 5 } });
      await w.delivered();
      const all = told();
      for (const id of w.app.learners.keys()) expect(all).toContain(id);
    });

    it('is refused what cannot be, with the reason', async () => {
      const { post, get } = w.operator;
      expect(await post('/deliveries/replay', { platform: 'app' })).toMatchObject({
        status: 400,
        body: { detail: expect.stringMatching(/either a user, or all/) },
      });
      expect(await post('/deliveries/replay', { platform: 'app', user: ada, all: true })).toMatchObject({ status: 400 });
      expect(await post('/deliveries/retry', { platform: 'app', user: 'nobody@acme.example' })).toMatchObject({
        status: 404,
        body: { detail: 'no such user: give an id, a userName or an e-mail' },
      });
      for (const path of ['/platforms/none/check', '/platforms/none/refresh', '/platforms/No%20ne/refresh'])
        expect(await post(path)).toMatchObject({ status: 404, body: { detail: expect.stringMatching(/no such platform/) } });
      expect(await post('/drift', { platform: 'none' })).toMatchObject({ status: 404, body: { detail: expect.stringMatching(/school, app/) } });
      expect(await post('/platforms/app/refresh')).toMatchObject({ status: 400, body: { detail: expect.stringMatching(/no catalogue/) } });
      expect(await post('/tasks/bm9uc2Vuc2U/done')).toMatchObject({ status: 404 });
      expect(await get('/tasks?after=bm9uc2Vuc2U')).toMatchObject({ status: 404 });
      for (const path of ['/deliveries?state=lost', '/deliveries?platform=No', '/deliveries?limit=0', '/tasks?after=%00'])
        expect(await get(path)).toMatchObject({ status: 400, body: { code: 'request-malformed' } });
      expect(await post('/drift', { fix: 'yes' })).toMatchObject({ status: 400 });
    });

    it('reads of all of it in the description of the API', async () => {
      const { paths } = (await (await fetch(`${w.operator.gateway.baseUrl}/api/v1/openapi.json`)).json()) as { paths: Record<string, object> };
      for (const path of [
        '/platforms',
        '/platforms/{id}/check',
        '/platforms/{id}/refresh',
        '/deliveries',
        '/deliveries/retry',
        '/deliveries/replay',
        '/tasks',
        '/tasks/{id}/done',
        '/drift',
      ])
        expect(paths).toHaveProperty([`/tenants/{tenant}${path}`]);
      expect(w.operator.gateway.log.filter(({ level }) => level === 50)).toEqual([]);
    });
  });
