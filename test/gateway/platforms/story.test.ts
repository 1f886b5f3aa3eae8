/** What a learner and an administrator of the school see, from the company's sign-in to the course: nothing in between stands in for code of ours. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import { provision } from '../../../src/flows/provision.ts';
import { describeWith } from '../../services.ts';
import { postgres, sqliteFile } from '../../store/backends.ts';
import { learner } from '../modes/operator.ts';
import { type School, startSchool } from './school.ts';

for (const backend of [sqliteFile, postgres])
  describeWith(backend.needs, `a learner of a school, on ${backend.name}`, () => {
    let school: School;
    /** Milliseconds that the gateway's clock, and the school's, are ahead. */
    let ahead = 0;
    beforeAll(async () => {
      school = await startSchool({
        backend,
        now: () => new Date(Date.now() + ahead),
        sample: { limits: { perMinute: null } },
        platformOver: { limits: { perMinute: 1000, concurrent: 4 } },
      });
    });
    afterAll(() => school?.close());
    const sorted = ({ courses, bundles, groups }: { courses: string[]; bundles: string[]; groups: string[] }) => ({
      courses: courses.toSorted(),
      bundles: bundles.toSorted(),
      groups: groups.toSorted(),
    });
    const usable = (email: string) => sorted(school.platform.school.usable(school.platform.school.userByEmail(email)!.id));

    it('signs in at the company and is in the school, signed in, with the courses and groups of the rules, in at most five calls', async () => {
      school.calls();
      const { page, visitor } = await school.operator.signsIn(learner('ada', ['Sales']));
      expect([page.status, new URL(page.url).origin]).toEqual([200, school.platform.url]);
      expect(page.body).toContain('ada Acme');
      expect(page.body).toContain('Listening');
      expect(usable('ada@acme.example')).toEqual({ courses: ['closing', 'listening'], bundles: ['sales'], groups: ['A cohort', 'Staff'] });
      const calls = school.calls();
      expect(calls.length).toBeLessThanOrEqual(5);
      expect(calls).toContain('POST /users');
      const { user } = await visitor.me();
      expect(school.platform.school.userByExternalId(user.id)).toMatchObject({ email: 'ada@acme.example', firstName: 'ada', lastName: 'Acme' });
    });

    it('signs in again: the school is asked nothing', async () => {
      school.calls();
      const { page } = await school.operator.signsIn(learner('ada', ['Sales']));
      expect([page.status, new URL(page.url).origin]).toEqual([200, school.platform.url]);
      expect(school.calls()).toEqual([]);
      expect(await school.operator.gateway.house.store.outbox.waiting()).toBe(0);
    });

    it('leaves the group: exactly what it gave ends there; what somebody put there by hand is untouched', async () => {
      const { school: data } = school.platform;
      const ada = data.userByEmail('ada@acme.example')!;
      data.enrol(ada.id, data.course('privacy').id);
      data.joinGroup(ada.id, data.group('Put by hand').id);
      const bundle = () => [...data.enrolments.values()].filter(({ userId }) => userId === ada.id);
      expect(bundle().filter(({ expiryDate }) => expiryDate === null)).toHaveLength(3);
      const { page } = await school.operator.signsIn(learner('ada', ['Staff']));
      expect(page.status).toBe(200);
      await school.delivered();
      expect(usable('ada@acme.example')).toEqual({ courses: ['privacy'], bundles: [], groups: ['Put by hand', 'Staff'] });
      // Ended, not erased: what was learnt is there when the course comes back.
      expect(bundle().filter(({ expiryDate }) => expiryDate !== null && expiryDate <= new Date())).toHaveLength(2);
    });

    it('comes back to the group: the courses are there again, each once', async () => {
      await school.operator.signsIn(learner('ada', ['Sales', 'Board']));
      await school.delivered();
      expect(usable('ada@acme.example')).toEqual({
        courses: ['closing', 'listening', 'privacy', 'strategy'],
        bundles: ['sales'],
        groups: ['A cohort', 'Put by hand', 'Staff'],
      });
      const { school: data } = school.platform;
      const ada = data.userByEmail('ada@acme.example')!;
      const courses = [...data.enrolments.values()].filter(({ userId }) => userId === ada.id).map(({ courseId }) => courseId);
      expect(new Set(courses).size).toBe(courses.length);
    });

    it('leaves the bundle and keeps the collection: the course that both hold stays', async () => {
      await school.operator.signsIn(learner('ada', ['Board']));
      await school.delivered();
      expect(usable('ada@acme.example').courses).toEqual(['closing', 'privacy', 'strategy']);
    });

    it('of whom an administrator’s account has the e-mail is refused with a reference, and the account is as it was', async () => {
      const { school: data } = school.platform;
      const owner = data.addUser({ email: 'owner@acme.example', firstName: 'The', lastName: 'Owner', roles: ['site_admin'] });
      const before = structuredClone(data.users.get(owner.id));
      const { page } = await school.operator.signsIn(learner('owner', ['Sales']));
      expect(page.status).toBe(403);
      expect(page.body).toMatch(/Reference <code>/);
      expect(data.users.get(owner.id)).toEqual(before);
      expect(data.usable(owner.id)).toEqual({ courses: [], bundles: [], groups: [] });
      const { body } = await school.operator.get<{ deliveries: { state: string; code: string }[] }>('/deliveries?state=dead');
      expect(body.deliveries).toMatchObject([{ state: 'dead', code: 'privileged' }]);
      // Still no; and when the role has been taken away there, a sign-in after a minute is enough.
      expect((await school.operator.signsIn(learner('owner', ['Sales']))).page.status).toBe(403);
      owner.roles.splice(0);
      ahead += 61_000;
      expect(new URL((await school.operator.signsIn(learner('owner', ['Sales']))).page.url).origin).toBe(school.platform.url);
      expect(usable('owner@acme.example').bundles).toEqual(['sales']);
    });

    it('who is locked at the company enters no more, and what we gave has ended there', async () => {
      const { house } = school.operator.gateway;
      const { visitor } = await school.operator.signsIn(learner('grace', ['Sales']));
      const { user } = await visitor.me();
      expect(usable('grace@acme.example').courses).toEqual(['closing', 'listening']);
      const live = house.tenants.get('acme')!;
      const intent = { kind: 'edit' as const, grant: [], revoke: [], status: 'suspended' as const };
      await provision(house.flow, { live, intent, lookup: { by: 'user', userId: user.id }, actor: 'test', reference: null });
      await school.delivered();
      expect(usable('grace@acme.example')).toEqual({ courses: [], bundles: [], groups: [] });
      const page = await visitor.browser.get(`${school.operator.gateway.baseUrl}/t/acme/go`);
      expect([page.status, new URL(page.url).pathname]).toEqual([403, '/t/acme/go']);
    });

    it('a collection that gets a course gives it to who has the collection', async () => {
      const { school: data } = school.platform;
      data.collection('board').productIds.push(data.course('privacy').productId);
      await school.operator.signsIn(learner('hedy', ['Board']));
      expect(usable('hedy@acme.example').courses).toEqual(['closing', 'strategy']);
      const refreshed = await school.operator.post<{ changed: string[] }>('/platforms/school/refresh');
      expect(refreshed.body.changed).toEqual(['collection:board']);
      await school.delivered();
      expect(usable('hedy@acme.example').courses).toEqual(['closing', 'privacy', 'strategy']);
    });

    it('nothing of it is in the log: no key, no token, no address that signs anybody in', async () => {
      const text = JSON.stringify(school.operator.gateway.log);
      expect(text).not.toContain(school.platform.apiKey);
      expect(text).not.toContain(school.platform.accessToken);
      expect(text).not.toMatch(/jwt=|eyJ[A-Za-z0-9_-]{10}/);
    });
  });
