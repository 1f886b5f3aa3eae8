/** Whoever comes, waits, fails or leaves at a platform, and what that means for everybody else's turn there. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from '@jest/globals';
import { effects } from '../../../fixtures/sample-platform/faults.ts';
import { deliveriesOf } from '../../../src/app.ts';
import { FULL } from '../../../src/flows/platform-upkeep.ts';
import { provision } from '../../../src/flows/provision.ts';
import { sweepTenant } from '../../../src/flows/sweep.ts';
import { PLACE } from '../../../src/store/outbox.ts';
import { eventually } from '../gateway.ts';
import { learner } from '../modes/operator.ts';
import { company } from '../scim/world.ts';
import { scimWorld, standingClock } from './fault-worlds.ts';
import { type School, type SchoolOptions, startSchool, tenantParts } from './school.ts';

const WIDE = { sample: { limits: { perMinute: null } }, platformOver: { limits: { perMinute: 6000, concurrent: 4 } } };
const mail = (id: string) => `${id}@acme.example`;
/** Requests for one person, found by their e-mail. */
const about = (id: string) => new RegExp(encodeURIComponent(mail(id)));

describe('everybody’s turn at a platform', () => {
  let ahead = 0;
  const now = () => new Date(Date.now() + ahead);
  const closing: (() => Promise<void>)[] = [];
  afterEach(async () => {
    for (const close of closing.splice(0).reverse()) await close();
    ahead = 0;
  });

  async function open(options: SchoolOptions = {}) {
    const school = await startSchool({ now, ...WIDE, ...options });
    closing.push(() => school.close());
    const { operator, platform } = school;
    const { store } = operator.gateway.house;
    const keyOf = async (id: string) => ({ tenantId: 'acme', platform: 'school', userId: (await store.people.find('acme', mail(id)))!.id });
    const preparing = (url: string) => url.includes('since=');
    return {
      ...{ school, operator, platform, store, keyOf, log: operator.gateway.log },
      rowOf: async (id: string) => store.outbox.one(await keyOf(id)),
      has: (id: string) => platform.school.userByEmail(mail(id)) ?? null,
      comes: (id: string, groups = ['Sales']) => operator.signsIn(learner(id, groups), preparing),
      async write(over: object) {
        const [connection] = operator.gateway.house.tenants.get('acme')!.tenant.connections as { issuer: string }[];
        const file = { ...company(), provisioning: { initialMode: 'jit' }, groups: {}, ...tenantParts(platform, WIDE.platformOver), ...over };
        for (const one of file.connections) one.issuer = connection!.issuer;
        operator.gateway.folder.write('acme.yaml', file);
        return operator.gateway.running.gateway.reload();
      },
    };
  }
  const signedInAs = async ({ platform }: School, visitor: Awaited<ReturnType<School['operator']['signsIn']>>['visitor']) =>
    (await visitor.browser.get(platform.url)).body;

  it('nobody enters as somebody else whose e-mail they have now: the school is told first', async () => {
    const world = await open();
    const { platform, operator, school } = world;
    const chief = platform.school.addUser({ email: mail('chief'), firstName: 'The', lastName: 'Chief', roles: [] });
    const { page } = await world.comes('ada');
    expect(new URL(page.url).origin).toBe(platform.url);
    // The school cannot change her e-mail just now, and then will not: the address is another account's.
    const well = platform.faults.add({ method: 'PUT', path: /\/users\//, effect: effects.serverError() });
    const renamed = { ...learner('ada', ['Sales']), email: mail('chief') };
    const { visitor, page: waits } = await operator.signsIn(renamed, (url) => url.includes('since='));
    expect(waits.url).toContain('since=');
    expect(await signedInAs(school, visitor)).not.toContain('Chief');
    // Whether anybody still knows that she is to be told does not matter.
    const { revision } = operator.gateway.house.tenants.get('acme')!;
    expect(await world.store.outbox.drop({ tenantId: 'acme', platform: 'school' }, { revision, limit: 10 })).toBe(1);
    const forgotten = await operator.signsIn(renamed, (url) => url.includes('since='));
    expect(await signedInAs(school, forgotten.visitor)).not.toContain('Chief');
    well();
    ahead += 10_000;
    const refused = await eventually(async () => {
      const { page: seen } = await operator.signsIn(renamed, (url) => url.includes('since='));
      return seen.url.includes('since=') ? null : seen;
    }, 20_000);
    expect(refused.status).toBe(403);
    // Not after somebody looked, either.
    await operator.post('/deliveries/replay', { platform: 'school', user: mail('chief') });
    expect((await operator.get<{ deliveries: object[] }>('/deliveries')).body.deliveries).toHaveLength(1);
    const again = await operator.signsIn(renamed, (url) => url.includes('since='));
    expect(new URL(again.page.url).origin).not.toBe(platform.url);
    expect(await signedInAs(school, again.visitor)).not.toContain('Chief');
    expect(platform.school.users.get(chief.id)).toMatchObject({ firstName: 'The', externalId: null });
  });

  it('one person for whom the platform seems to be away holds up nobody else, and keeps their own attempts', async () => {
    const world = await open();
    const { platform, operator, store } = world;
    for (const id of ['ada', 'bob']) platform.faults.add({ path: about(id), effect: effects.cut() });
    for (const id of ['ada', 'bob', 'cyd', 'dan', 'eve']) await operator.arrives(id, ['Sales']);
    await eventually(async () => {
      ahead += 1000;
      return (world.has('cyd') && world.has('dan') && world.has('eve')) || null;
    }, 30_000);
    await operator.arrives('fay', ['Sales']);
    await eventually(async () => {
      ahead += 1000;
      return world.has('fay') && ((await world.rowOf('ada'))?.attempts ?? 0) > 0 ? true : null;
    }, 30_000);
    expect([world.has('ada'), world.has('bob')]).toEqual([null, null]);
    platform.faults.clear();
    await eventually(async () => {
      ahead += 10_000;
      return (world.has('ada') && world.has('bob')) || null;
    }, 30_000);
    expect((await store.platforms.standing({ tenantId: 'acme', platform: 'school' }))?.haltedAt).toBeNull();
  });

  it('while it is away many are asked about in turn, and the first who came is served first', async () => {
    const world = await open({ platformOver: { limits: { perMinute: 6000, concurrent: 1 } } });
    const { platform, operator } = world;
    platform.faults.down();
    const ids = Array.from({ length: 12 }, (_, i) => `p${String(i).padStart(2, '0')}`);
    for (const id of ids) await operator.arrives(id, ['Staff']);
    for (let i = 0; i < 15; i++) {
      ahead += 30_000;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    platform.faults.up();
    await eventually(async () => {
      ahead += 10_000;
      return platform.school.users.size === ids.length || null;
    }, 30_000);
    expect([...platform.school.users.values()].map(({ email }) => email)).toEqual(ids.map(mail));
    for (const id of ids) expect((await world.rowOf(id))?.attempts ?? 0).toBe(0);
  });

  it('many who come at once all arrive, within the platform’s limits, and nobody says that it is away', async () => {
    const world = await open({ platformOver: { limits: { perMinute: 3000, concurrent: 2 } } });
    world.platform.faults.add({ effect: effects.slow(20) });
    const ids = Array.from({ length: 40 }, (_, i) => `p${i}`);
    const came = await Promise.all(ids.map((id) => world.comes(id, ['Staff'])));
    for (const { visitor } of came) expect(await visitor.meStatus()).toBe(200);
    await world.school.delivered();
    expect(ids.filter((id) => world.has(id) === null)).toEqual([]);
    expect(world.log.filter(({ msg }) => /is away/.test(String(msg)))).toEqual([]);
  });

  it('what others succeed in does not hasten whom it fails: their pauses grow', async () => {
    const world = await open();
    const { platform, operator, store } = world;
    platform.faults.add({ method: 'GET', path: about('ada'), effect: effects.serverError() });
    await operator.arrives('ada', ['Staff']);
    await eventually(async () => ((await world.rowOf('ada'))?.attempts ?? 0) > 0 || null);
    for (let i = 0; i < 10; i++) {
      await operator.arrives(`p${i}`, ['Staff']);
      await eventually(async () => world.has(`p${i}`));
    }
    const { attempts, place, dueAt } = (await world.rowOf('ada'))!;
    expect({ attempts: attempts < 7, place }).toEqual({ attempts: true, place: PLACE.signIn });
    // An operator who knows better is heard.
    platform.faults.clear();
    ahead = 0;
    expect((await operator.post('/deliveries/retry', { platform: 'school' })).status).toBe(200);
    expect((await store.outbox.one(await world.keyOf('ada')))?.dueAt.getTime() ?? 0).toBeLessThanOrEqual(dueAt.getTime());
    await eventually(async () => world.has('ada'));
  });

  it('whoever looks again and again uses up no attempts, and the platform is asked when it said', async () => {
    const world = await open();
    const { platform, operator } = world;
    platform.faults.add({ method: 'POST', path: /\/users$/, effect: effects.serverError() });
    const { visitor } = await world.comes('ada');
    const first = await eventually(async () => {
      const row = await world.rowOf('ada');
      return row && !row.claimedBy && row.attempts > 0 ? row : null;
    });
    const calls = platform.calls.length;
    for (let i = 0; i < 5; i++) {
      const page = await visitor.browser.get(`${operator.gateway.baseUrl}/t/acme/go`);
      expect(page.url).toContain('since=');
    }
    const { attempts } = (await world.rowOf('ada'))!;
    // Five looks take seven seconds: it was due a few times meanwhile by itself.
    expect(attempts).toBeLessThanOrEqual(first.attempts + 3);
    expect(platform.calls.length).toBeLessThanOrEqual(calls + 8);
  });

  it('a dead letter is tried once more when the person comes, but not more often than once a minute', async () => {
    const world = await open();
    const { platform, operator } = world;
    platform.school.addUser({ email: mail('ada'), firstName: 'An', lastName: 'Admin', roles: ['site_admin'] });
    const { visitor, page } = await world.comes('ada');
    expect(page.status).toBe(403);
    const calls = platform.calls.length;
    const go = () => visitor.browser.get(`${operator.gateway.baseUrl}/t/acme/go`);
    for (let i = 0; i < 5; i++) expect((await go()).status).toBe(403);
    expect(platform.calls.length).toBe(calls);
    ahead += 61_000;
    expect((await go()).status).toBe(403);
    expect(platform.calls.length).toBeGreaterThan(calls);
  });

  it('an operator’s word ends a pause at once, however long it would be', async () => {
    const world = await open();
    const { platform, operator } = world;
    const inAnHour = String(Math.floor(now().getTime() / 1000) + 3600);
    const well = platform.faults.add({ effect: effects.tooMany(inAnHour) });
    await operator.arrives('ada', ['Staff']);
    await eventually(async () => (await world.rowOf('ada'))?.failedCode ?? null);
    well();
    const calls = platform.calls.length;
    await new Promise((resolve) => setTimeout(resolve, 1500));
    expect(platform.calls.length).toBe(calls);
    await operator.post('/deliveries/retry', { platform: 'school' });
    await eventually(async () => world.has('ada'), 10_000);
  });

  it('a secret that was put right where secrets are kept is read without anybody’s word', async () => {
    const world = await open();
    const { platform, operator } = world;
    const key = platform.apiKey;
    platform.apiKey = 'a'.repeat(32);
    await operator.arrives('ada', ['Staff']);
    await eventually(async () => (await world.store.platforms.standing({ tenantId: 'acme', platform: 'school' }))?.haltedCode ?? null);
    expect(platform.apiKey).not.toBe(key);
    operator.gateway.folder.write('secrets/school-key', platform.apiKey);
    await eventually(async () => {
      ahead += 30_000;
      return world.has('ada');
    }, 20_000);
    await world.school.delivered();
    expect((await world.store.platforms.standing({ tenantId: 'acme', platform: 'school' }))?.haltedCode).toBeNull();
  });

  it('a target that the tenant file names otherwise reaches whoever holds it, and not beyond the limit without an operator', async () => {
    const limits = (atLeast: number) => ({ initialMode: 'jit', limits: { removals: { share: '0%', atLeast } } });
    const world = await open({ over: { provisioning: limits(2) } });
    const { platform, operator } = world;
    const groups = (id: string) => platform.school.usable(world.has(id)!.id).groups.toSorted();
    for (const id of ['ada', 'bob']) await operator.arrives(id, ['Staff']);
    await world.school.delivered();
    expect([groups('ada'), groups('bob')]).toEqual([['Staff'], ['Staff']]);
    const offers = company().catalogue as { groups: { slug: string; title: string }[] };
    const renamed = { ...offers, groups: offers.groups.map((one) => (one.slug === 'staff' ? { ...one, ref: 'A cohort' } : one)) };
    const over = { catalogue: renamed, provisioning: limits(1) };
    const [refused] = await world.write(over);
    expect(refused).toMatchObject({ outcome: 'over-limit', problems: [expect.stringMatching(/group:staff .*school.* 2 people .*--allow-removals/)] });
    expect([groups('ada'), groups('bob')]).toEqual([['Staff'], ['Staff']]);
    const [applied] = await world.write({ ...over, provisioning: limits(2) });
    expect(applied).toMatchObject({ outcome: 'updated', problems: [] });
    await eventually(async () => (groups('ada').join() === 'A cohort' && groups('bob').join() === 'A cohort') || null, 20_000);
  });

  it('a group that the tenant file calls otherwise is left and joined at an application that knows groups by their names', async () => {
    const world = await scimWorld(standingClock());
    closing.push(() => world.close());
    const { gateway, arrives } = world.operator;
    await arrives('ada', ['Sales']);
    await eventually(async () => (world.has(mail('ada')).length === 3 ? true : null), 20_000);
    expect(world.has(mail('ada'))).toEqual(['A cohort', 'Sales', 'Staff']);
    const file = JSON.parse(readFileSync(join(gateway.folder.path, 'tenants', 'acme.yaml'), 'utf8')) as { catalogue: { groups: object[] } };
    const groups = file.catalogue.groups.map((one) => ((one as { slug: string }).slug === 'staff' ? { ...one, ref: 'Crew' } : one));
    gateway.folder.write('acme.yaml', { ...file, catalogue: { ...file.catalogue, groups } });
    expect(await gateway.running.gateway.reload()).toMatchObject([{ outcome: 'updated', problems: [] }]);
    await eventually(async () => (world.has(mail('ada')).includes('Crew') ? true : null), 20_000);
    await eventually(async () => (await gateway.house.store.outbox.waiting('acme')) === 0 || null);
    expect(world.has(mail('ada'))).toEqual(['A cohort', 'Crew', 'Sales']);
    await arrives('ada', []);
    await eventually(async () => (world.has(mail('ada')).length === 0 ? true : null), 20_000);
  });

  it('a platform that is switched off has nobody waiting for it, and one that is halted keeps nobody from publishing', async () => {
    const world = await open();
    const { store, operator } = world;
    const lane = { tenantId: 'acme', platform: 'school' };
    world.platform.faults.down();
    const fill = async (n: number) => {
      for (let i = 0; i < n; i += 1000)
        await store.outbox.enqueue(
          Array.from({ length: 1000 }, (_, at) => ({ ...lane, userId: `u${i + at}`, id: `i${i + at}`, place: PLACE.change, look: false })),
          new Date(now().getTime() + 9_000_000),
        );
    };
    await fill(FULL);
    const rules = [{ id: 'staff', when: { group: 'Staff' }, enrol: ['group:staff'] }];
    await store.platforms.halt(lane, { code: 'auth', reason: 'the key is not taken' }, now());
    expect(await world.write({ rules })).toMatchObject([{ outcome: 'updated', publication: { state: 'done' } }]);
    expect(await world.write({ rules, platforms: [], handOffs: [] })).toMatchObject([{ problems: [] }]);
    await eventually(async () => (await store.outbox.waiting('acme')) === 0 || null, 20_000);
    expect((await operator.get<{ platforms: object[] }>('/platforms')).body.platforms).toEqual([]);
  });

  it('nobody enters another school on the word of the one before', async () => {
    const world = await open();
    const { platform, operator, store } = world;
    const { page } = await world.comes('ada');
    expect(new URL(page.url).origin).toBe(platform.url);
    await world.school.delivered();
    await store.platforms.moved({ tenantId: 'acme', platform: 'school' }, 'thinkific of before', now());
    await store.platforms.advance({ tenantId: 'acme', platform: 'school' }, { from: '', to: null }, now());
    const refused = await world.comes('ada');
    expect(refused.page.status).toBe(503);
    expect(refused.page.body).toMatch(/Reference <code>/);
    const { house } = operator.gateway;
    await deliveriesOf(house).restart(house.tenants.get('acme')!, 'school', 'test');
    await eventually(async () => (new URL((await world.comes('ada')).page.url).origin === platform.url ? true : null), 20_000);
  });

  it('a publication goes on beside a platform that is away, and not beside one that is busy', async () => {
    const world = await open();
    const { store, platform, operator } = world;
    const lane = { tenantId: 'acme', platform: 'school' };
    const rows = Array.from({ length: FULL }, (_, i) => ({ ...lane, userId: `u${i}`, id: `i${i}`, place: PLACE.change, look: false }));
    const soon = new Date(now().getTime() + 9_000_000);
    for (let i = 0; i < FULL; i += 1000) await store.outbox.enqueue(rows.slice(i, i + 1000), soon);
    const rules = (id: string) => [{ id, when: { group: 'Staff' }, enrol: ['group:staff'] }];
    const publish = world.write({ rules: rules('one') });
    await new Promise((resolve) => setTimeout(resolve, 1000));
    platform.faults.down();
    await operator.arrives('ada', ['Staff']);
    expect(await publish).toMatchObject([{ outcome: 'updated', publication: { state: 'done' } }]);
    expect((await store.platforms.standing(lane))?.awayAt).toBeInstanceOf(Date);
    platform.faults.up();
    await eventually(async () => {
      ahead += 5000;
      return world.has('ada');
    }, 20_000);
    await eventually(async () => ((await store.platforms.standing(lane))?.awayAt === null ? true : null));
  });

  it('no account is made anew for somebody who has left', async () => {
    const world = await open();
    const { platform, operator, store } = world;
    await operator.arrives('ada', ['Sales']);
    await world.school.delivered();
    platform.school.removeUser(world.has('ada')!.id);
    await operator.signsIn({ ...learner('ada', []), disabled: true });
    await world.school.delivered();
    expect(world.has('ada')).toBeNull();
    const { account, given } = await store.ledger.of(await world.keyOf('ada'));
    expect({ account: account?.accountId ?? null, given }).toEqual({ account: null, given: [] });
  });

  it('nobody is erased before the platform has heard that they left', async () => {
    const world = await open({ over: { provisioning: { initialMode: 'jit', retention: 30, limits: { removals: { share: '100%', atLeast: 10 } } } } });
    const { platform, operator, store } = world;
    const { flow, vault, resolveTxt, log, tenants } = operator.gateway.house;
    const deps = { ...flow, store, vault, resolveTxt, log, kv: operator.gateway.running.gateway.kv };
    const sweep = () => sweepTenant(deps, tenants.get('acme')!, { allowRemovals: false, actor: 'test' });
    const userId = await operator.arrives('ada', ['Sales']);
    await world.school.delivered();
    platform.faults.down();
    const gone = { kind: 'edit' as const, status: 'deleted' as const };
    await provision(flow, { live: tenants.get('acme')!, intent: gone, lookup: { by: 'user', userId }, actor: 'cli', reference: null });
    ahead += 31 * 86_400_000;
    expect(await sweep()).toMatchObject({ erased: 0, kept: 1 });
    expect(world.log.map(({ msg }) => msg)).toContainEqual(expect.stringMatching(/has still to hear that they left/));
    platform.faults.up();
    await eventually(async () => {
      ahead += 60_000;
      return (await store.outbox.waiting('acme')) === 0 || null;
    }, 20_000);
    expect(platform.school.usable(world.has('ada')!.id)).toEqual({ courses: [], bundles: [], groups: [] });
    expect(await sweep()).toMatchObject({ erased: 1, kept: 0 });
    expect(await store.people.state('acme', userId)).toBeNull();
  });
});
