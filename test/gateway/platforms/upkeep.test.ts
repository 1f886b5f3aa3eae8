/** What a platform needs besides deliveries, and what becomes of everybody else meanwhile. */

import { afterEach, describe, expect, it } from '@jest/globals';
import { inArray } from 'drizzle-orm';
import { effects } from '../../../fixtures/sample-platform/faults.ts';
import { startSamplePlatform } from '../../../fixtures/sample-platform/sample-platform.ts';
import { FULL } from '../../../src/flows/platform-upkeep.ts';
import { PLACE } from '../../../src/store/outbox.ts';
import { eventually } from '../gateway.ts';
import { learner, startOperator } from '../modes/operator.ts';
import { company } from '../scim/world.ts';
import { SCHOOL, type School, secretsOf, startSchool, tenantParts } from './school.ts';

const DAY_MS = 86_400_000;
const unlimited = { limits: { perMinute: null } };

describe('a platform', () => {
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
  });
  const school = async (options: Parameters<typeof startSchool>[0] = {}): Promise<School> => {
    const made = await startSchool({ sample: unlimited, ...options });
    closing.push(() => made.close());
    return made;
  };
  const usable = ({ platform }: School, id: string) => {
    const { courses, groups } = platform.school.usable(platform.school.userByEmail(`${id}@acme.example`)!.id);
    return [...courses, ...groups].toSorted();
  };
  const SALES = ['A cohort', 'Staff', 'closing', 'listening'];

  it('that comes later is told of everybody who was here before it', async () => {
    const platform = await startSamplePlatform({ school: SCHOOL, ...unlimited });
    closing.push(() => platform.close());
    const parts = tenantParts(platform);
    const operator = await startOperator({ over: { rules: parts.rules }, files: secretsOf(platform) });
    closing.push(() => operator.close());
    for (const id of ['ada', 'bob', 'cyd']) await operator.arrives(id, ['Sales']);
    await operator.arrives('dan', []);
    const live = operator.gateway.house.tenants.get('acme')!.tenant;
    const file = { ...company(), provisioning: { initialMode: 'jit' }, groups: {}, ...parts };
    for (const connection of file.connections) connection.issuer = (live.connections[0] as { issuer: string }).issuer;
    operator.gateway.folder.write('acme.yaml', file);
    const [applied] = await operator.gateway.running.gateway.reload();
    expect(applied).toMatchObject({ problems: [] });
    await eventually(async () => platform.school.users.size === 3 || null, 20_000);
    await operator.gateway.settled();
    for (const { id } of platform.school.users.values()) expect(platform.school.usable(id).bundles).toEqual(['sales']);
    // Nobody who has nothing there is made an account.
    expect(platform.school.userByEmail('dan@acme.example')).toBeUndefined();
  });

  it('is looked at once a day: what went missing there is given again, what was put there by hand stays', async () => {
    let ahead = 0;
    const now = () => new Date(Date.now() + ahead);
    const one = await school({ now, sample: { ...unlimited, now } });
    const { school: data } = one.platform;
    await one.operator.arrives('ada', ['Sales']);
    await one.delivered();
    const ada = data.userByEmail('ada@acme.example')!;
    data.leaveGroup(ada.id, data.group('Staff').id);
    data.enrolment(ada.id, data.course('closing').id)!.expiryDate = new Date(now().getTime() - 1000);
    data.enrol(ada.id, data.course('privacy').id);
    data.bundleEnrolment(ada.id, data.bundle('sales').id)!.expiryDate = new Date(now().getTime() - 1000);
    expect(usable(one, 'ada')).toEqual(['A cohort', 'listening', 'privacy']);
    ahead += DAY_MS + 60_000;
    await eventually(async () => usable(one, 'ada').length === 5 || null, 20_000);
    expect(usable(one, 'ada')).toEqual(['A cohort', 'Staff', 'closing', 'listening', 'privacy']);
  });

  it('that is switched off for a while is told afterwards what happened meanwhile', async () => {
    const one = await school();
    const { operator } = one;
    const file = operator.gateway.house.tenants.get('acme')!.tenant;
    const issuer = (file.connections[0] as { issuer: string }).issuer;
    const write = async (enabled: boolean) => {
      const tenant = { ...company(), provisioning: { initialMode: 'jit' }, groups: {}, ...tenantParts(one.platform, { enabled }) };
      for (const connection of tenant.connections) connection.issuer = issuer;
      operator.gateway.folder.write('acme.yaml', tenant);
      expect(await operator.gateway.running.gateway.reload()).toMatchObject([{ problems: [] }]);
    };
    await operator.arrives('ada', ['Sales']);
    await one.delivered();
    await write(false);
    await operator.arrives('ada', []);
    await operator.arrives('bob', ['Sales']);
    expect(await operator.gateway.house.store.outbox.waiting()).toBe(0);
    await eventually(async () => (await operator.gateway.house.store.platforms.get({ tenantId: 'acme', platform: 'school' }))?.cursor === '' || null);
    expect(usable(one, 'ada')).toEqual(SALES);
    await write(true);
    await eventually(async () => one.platform.school.userByEmail('bob@acme.example') ?? null, 20_000);
    await one.delivered();
    expect([usable(one, 'ada'), usable(one, 'bob')]).toEqual([[], SALES]);
  });

  it('whose catalogue shrinks takes nothing from more people than the limit, until an operator says so', async () => {
    const provisioning = { initialMode: 'jit', limits: { removals: { share: '0%', atLeast: 1 } } };
    const one = await school({ over: { provisioning } });
    const { house } = one.operator.gateway;
    const live = () => house.tenants.get('acme')!;
    for (const id of ['ada', 'bob']) await one.operator.arrives(id, ['Board']);
    await one.delivered();
    const { school: data } = one.platform;
    data.collection('board').productIds.splice(0, 1);
    const ready = house.platforms.of(live().tenant, 'school')!;
    const signal = new AbortController().signal;
    expect(await house.catalogue.refresh(live(), ready, { signal, allowRemovals: false })).toMatchObject({
      held: 2,
      changed: ['collection:board'],
    });
    expect(await house.store.outbox.waiting()).toBe(0);
    expect([usable(one, 'ada'), usable(one, 'bob')]).toEqual([
      ['closing', 'strategy'],
      ['closing', 'strategy'],
    ]);
    expect(one.operator.gateway.log.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/the catalogue as it was stays in force/));
    expect(await house.catalogue.refresh(live(), ready, { signal, allowRemovals: true })).toMatchObject({ held: 0 });
    await one.delivered();
    expect([usable(one, 'ada'), usable(one, 'bob')]).toEqual([['closing'], ['closing']]);
  });

  it('that offers nothing any more, all at once, is not believed', async () => {
    const one = await school();
    await one.operator.arrives('ada', ['Sales', 'Board']);
    await one.delivered();
    const empty = JSON.stringify({
      items: [],
      meta: { pagination: { current_page: 1, next_page: null, prev_page: null, total_pages: 0, total_items: 0 } },
    });
    for (const path of [/\/products/, /\/collections/, /\/groups/, /\/courses/, /\/bundles/])
      one.platform.faults.add({ method: 'GET', path, effect: effects.answer(200, empty) });
    const { house } = one.operator.gateway;
    const live = house.tenants.get('acme')!;
    const ready = house.platforms.of(live.tenant, 'school')!;
    await expect(house.catalogue.refresh(live, ready, { signal: new AbortController().signal, allowRemovals: false })).rejects.toMatchObject({
      code: 'nonsense',
    });
    expect(await house.catalogue.known({ tenantId: 'acme', platform: 'school' })).not.toEqual([]);
  });

  it('that is slow makes a learner wait a moment, says that the courses are being prepared, and lets them in when they are', async () => {
    const one = await school();
    const remove = one.platform.faults.add({ method: 'POST', path: /\/users$/, effect: effects.slow(2500) });
    const { page } = await one.operator.signsIn(learner('eve', ['Sales']));
    remove();
    // The page goes on by itself: the small browser follows it as a real one does.
    expect([page.status, new URL(page.url).origin]).toEqual([200, one.platform.url]);
    expect(usable(one, 'eve')).toEqual(SALES);
  });

  it('with a long queue holds up publications, not sign-ins', async () => {
    const one = await school();
    const { house } = one.operator.gateway;
    await one.operator.arrives('ada', ['Sales']);
    await one.delivered();
    one.platform.faults.down();
    const nobody = (i: number) => ({
      tenantId: 'acme',
      platform: 'school',
      userId: `nobody-${i}`,
      id: `nobody-${i}`,
      place: PLACE.change,
      look: false,
    });
    for (let i = 0; i < FULL; i += 1000)
      await house.store.outbox.enqueue(
        Array.from({ length: 1000 }, (_, n) => nobody(i + n)),
        new Date(),
      );
    // Whom the platform has to be told of later.
    const { query, tables } = house.database;
    const later = new Date(Date.now() + DAY_MS);
    await query.update(tables.outbox).set({ dueAt: later });
    const { document } = (await house.store.tenants.get('acme'))!;
    const draft = JSON.stringify({
      ...JSON.parse(document),
      rules: [...tenantParts(one.platform).rules, { id: 'all', when: 'everyone', enrol: ['collection:board'] }],
    });
    const planned = await one.operator.post<{ digest: string }>('/mapping/plan', { document: draft });
    const published = await one.operator.post<{ revision: number }>('/mapping/publish', { document: draft, digest: planned.body.digest });
    expect(published.status).toBe(200);
    await new Promise((resolve) => setTimeout(resolve, 2500));
    const publication = async () => (await house.store.publications.list('acme', 1))[0]!;
    expect(await publication()).toMatchObject({ state: 'running' });
    // Whoever signs in meanwhile has what the new document gives, at once, and goes on.
    await one.operator.arrives('bob', ['Sales']);
    const bob = (await house.store.people.find('acme', 'bob@acme.example'))!;
    const state = (await house.store.people.state('acme', bob.id))!;
    expect(state.grants.map(({ target }) => target)).toContain('collection:board');
    const gone: string[] = [];
    one.platform.faults.up();
    // Delivered, as it were: there is nobody of these names.
    for (const { userId } of await query.select().from(tables.outbox)) if (userId.startsWith('nobody-')) gone.push(userId);
    for (let i = 0; i < gone.length; i += 500) await query.delete(tables.outbox).where(inArray(tables.outbox.userId, gone.slice(i, i + 500)));
    await query.update(tables.outbox).set({ dueAt: new Date() });
    await eventually(async () => (await publication()).state === 'done' || null, 90_000);
    await one.delivered();
    expect(usable(one, 'ada')).toEqual([...SALES, 'strategy'].toSorted());
  }, 120_000);
});
