/** A mapping is edited: seen first, published just so, held where it takes too much, and told apart from the file in the repository. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { workbenchOf } from '../../../src/app.ts';
import { applyTenant, planTenants, takeIn } from '../../../src/flows/apply-tenants.ts';
import { describeWith } from '../../services.ts';
import { postgres, sqliteFile } from '../../store/backends.ts';
import { RULES } from '../modes/operator.ts';
import { type Bench, startBench } from './bench.ts';

const SALES = RULES[0]!;
const BOARD = RULES[1]!;
const moves = (gain: number, lose: number, keep: number, held = 0) => ({ gain, lose, keep, held });
const names = (count: number) => Array.from({ length: count }, (_, i) => `p${String(i).padStart(2, '0')}`);

for (const backend of [sqliteFile, postgres])
  describeWith(backend.needs, `a rule that is re-pointed, on ${backend.name}`, () => {
    let bench: Bench;
    beforeAll(async () => {
      bench = await startBench(backend);
      for (const [i, name] of names(24).entries()) await bench.arrive(name, i < 6 ? ['Sales', 'Board'] : i < 8 ? ['Sales'] : ['Staff']);
    });
    afterAll(() => bench?.operator.close());

    it('takes the old enrolment from just those, gives the new one, and moves nothing else', async () => {
      const { operator } = bench;
      const document = bench.document([{ ...SALES, enrol: ['bundle:selling'] }, BOARD]);
      const before = await bench.everybody();
      const plan = await bench.plan(document);
      expect(plan).toMatchObject({
        mappingVersion: 2,
        rules: {
          added: [],
          removed: [],
          changed: [{ rule: 'sales', targets: { added: ['bundle:selling'], removed: ['bundle:sales'] }, condition: false }],
        },
        people: { all: 24, changed: 8, gaining: 8, losing: 8, held: 0 },
        overLimit: false,
        byTarget: { 'bundle:sales': moves(0, 8, 0), 'bundle:selling': moves(8, 0, 0), 'collection:board': moves(0, 0, 6) },
        byRule: { sales: moves(0, 0, 8), board: moves(0, 0, 6) },
      });
      expect(await bench.everybody()).toEqual(before);
      const page = await operator.post<{ people: { userName: string; gained: string[]; lost: string[] }[]; next: string | null }>(
        '/mapping/plan/people',
        {
          document,
          target: 'bundle:selling',
          limit: 5,
        },
      );
      expect(page.body.people).toHaveLength(5);
      expect(page.body.people[0]).toMatchObject({ gained: ['bundle:selling'], lost: ['bundle:sales'] });
      const rest = await operator.post<typeof page.body>('/mapping/plan/people', { document, target: 'bundle:selling', after: page.body.next });
      expect([rest.body.people.length, rest.body.next]).toEqual([3, null]);
      const publication = await bench.published(document, { comment: 'the new course' });
      expect(publication).toMatchObject({
        mappingVersion: 2,
        brake: null,
        done: 24,
        changed: 8,
        gaining: 8,
        losing: 8,
        holding: 0,
        comment: 'the new course',
      });
      const expected = Object.fromEntries(
        Object.entries(before).map(([name, targets]) => [name, targets.map((one) => (one === 'bundle:sales' ? 'bundle:selling' : one)).sort()]),
      );
      expect(await bench.everybody()).toEqual(expected);
      // What an enrolment came and went by is told.
      const { body } = await operator.get<{
        explanations: { target: string; enrolled: boolean; history: { what: string; reason: string; mappingVersion: number }[] }[];
      }>(`/users/${bench.ids.get('p00')}/explain?target=bundle:sales`);
      expect(body.explanations[0]).toMatchObject({
        enrolled: false,
        history: [
          { what: 'went', reason: 'rule-no-longer-matches', mappingVersion: 2 },
          { what: 'came', reason: 'rule-matched', mappingVersion: 1 },
        ],
      });
    });

    it('and back again by a plan like any other', async () => {
      const { operator } = bench;
      const back = await operator.post<{ document: string; plan: { digest: string; people: object } }>('/mapping/roll-back', { version: 1 });
      expect(back.body.plan).toMatchObject({ people: { gaining: 8, losing: 8 } });
      const { digest } = back.body.plan;
      const published = await operator.post<{ revision: number }>('/mapping/publish', { document: back.body.document, digest, comment: 'back' });
      await bench.done(published.body);
      expect(await bench.has('p00')).toEqual(['bundle:sales', 'collection:board']);
      const versions = await operator.get<{ versions: { version: number; current: boolean; comment: string | null }[] }>('/mapping/versions');
      expect(versions.body.versions).toMatchObject([
        { version: 3, current: true, comment: 'back' },
        { version: 2, current: false, comment: 'the new course' },
        { version: 1, current: false },
      ]);
      expect((await operator.get('/mapping/diff?from=1&to=3')).body).toEqual({ added: [], removed: [], changed: [] });
      expect((await operator.get('/mapping/diff')).body).toMatchObject({ changed: [{ rule: 'sales', targets: { added: ['bundle:sales'] } }] });
    });
  });

describe('a rule that is deleted for 40 % of the people', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench();
    for (const [i, name] of names(40).entries()) await bench.arrive(name, i < 16 ? ['Sales'] : ['Staff']);
  });
  afterAll(() => bench?.operator.close());

  it('is held for them while what is added goes on; sign-ins take nothing; an operator releases it with a reason', async () => {
    const { operator } = bench;
    const document = bench.document([{ id: 'staff', when: { group: 'Staff' }, enrol: ['group:staff'] }, BOARD]);
    const plan = await bench.plan(document);
    expect(plan).toMatchObject({ overLimit: true, people: { gaining: 24, losing: 16 }, deliveries: [{ platform: 'local', calls: 24 }] });
    const publication = await bench.published(document);
    expect(publication).toMatchObject({ brake: 'limit', losing: 0, holding: 16, gaining: 24 });
    expect([await bench.has('p00'), await bench.has('p39')]).toEqual([['bundle:sales'], ['group:staff']]);
    const held = await operator.get<{ people: number; held: object[] }>('/held?limit=100');
    expect(held.body).toMatchObject({ people: 16, held: Array(16).fill({ cause: 'limit', target: 'bundle:sales', rule: 'sales' }) });
    await bench.arrive('p01', ['Sales']);
    expect(await bench.has('p01')).toEqual(['bundle:sales']);
    // The publication is over: what a sign-in takes away now is nobody's to hold, but what is held stays so.
    await bench.arrive('p39', []);
    expect(await bench.has('p39')).toEqual([]);
    expect((await operator.post('/held/release', { users: 'all', reason: '' })).status).toBe(400);
    expect((await operator.post('/held/release', { users: [bench.ids.get('p00')], reason: 'the course is over' })).body).toEqual({ people: 1 });
    expect((await operator.post('/held/drop', { users: [bench.ids.get('p01')], reason: 'she goes on' })).body).toEqual({ people: 1 });
    expect((await operator.post('/held/release', { users: 'all', reason: 'the course is over' })).body).toEqual({ people: 14 });
    expect([await bench.has('p00'), await bench.has('p01'), await bench.has('p15')]).toEqual([[], ['bundle:sales'], []]);
  });
});

describe('what does not fit', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench();
    for (const name of names(6)) await bench.arrive(name, ['Sales']);
  });
  afterAll(() => bench?.operator.close());

  it('a claim of groups that is renamed by mistake takes nothing, and is told to the operator who plans it', async () => {
    const { operator } = bench;
    const { gateway } = operator;
    const { connections } = JSON.parse(bench.document([])) as { connections: object[] };
    const document = bench.document(RULES, { connections: [{ ...connections[0], claims: { groups: 'grups' } }] });
    const plan = await workbenchOf(gateway.house, 'whole').plan('acme', document);
    expect(plan.people).toMatchObject({ gaining: 0, losing: 0 });
    expect(plan.suspicions).toContainEqual(
      expect.stringMatching(/^connection "oidc" would read groups from "grups", which none of its 6 people has ever sent/),
    );
    const before = bench.document(RULES);
    gateway.folder.write('acme.yaml', JSON.parse(document) as object);
    expect(await gateway.running.gateway.reload()).toMatchObject([{ outcome: 'updated' }]);
    expect(await bench.has('p00')).toEqual(['bundle:sales']);
    expect((await operator.get('/held')).body).toMatchObject({ people: 0 });
    gateway.folder.write('acme.yaml', JSON.parse(before) as object);
    await gateway.running.gateway.reload();
  });

  it('whoever edits a mapping through the API edits nothing else: not where sign-ins come from, and no file or variable of the machine', async () => {
    const { operator } = bench;
    const before = await operator.gateway.snapshot();
    const { connections } = JSON.parse(bench.document([])) as { connections: object[] };
    const others: [string, object][] = [
      ['connections', { connections: [{ ...connections[0], issuer: 'https://evil.example', clientSecret: 'env:MATRICULA_SECRET' }] }],
      ['connections', { connections: [{ id: 'x', name: 'X', protocol: 'saml', metadata: { file: '/etc/passwd' } }] }],
      ['provisioning', { provisioning: { limits: { removals: { share: '100%' } } } }],
      ['domains', { domains: ['victim.example'] }],
      ['returnTo', { returnTo: ['https://evil.example/'] }],
    ];
    for (const [part, over] of others)
      for (const [path, more] of [
        ['/mapping/plan', {}],
        ['/mapping/plan/people', {}],
        ['/mapping/publish', { digest: 'x'.repeat(64) }],
      ] as const) {
        const answer = await operator.post<{ detail: string; problems?: string[] }>(path, { document: bench.document(RULES, over), ...more });
        expect(answer).toMatchObject({ status: 400, body: { detail: expect.stringContaining(`an operator changes ${part} in the tenant file`) } });
        expect(answer.body.problems).toBeUndefined();
      }
    expect(await operator.gateway.snapshot()).toBe(before);
  });

  it('a group that nobody has had is named, with the one that is meant; and groups that no rule looks at', async () => {
    await bench.arrive('p00', ['Sales', 'Marketing', '0b8f1d2e-1111-2222-3333-444455556666']);
    const { suspicions } = await bench.plan(bench.document([{ id: 'sales', when: { group: 'Slaes' }, enrol: ['bundle:sales'] }]));
    expect(suspicions).toContainEqual(
      expect.stringMatching(/^nobody has ever had the group "Slaes", which rule "sales" on line \d+ names; did you mean "Sales" \(6 people\)\?$/),
    );
    expect(suspicions).toContainEqual('6 people have the group "Sales", and no rule looks at it');
    expect(suspicions).toContainEqual('1 people have the group "Marketing", and no rule looks at it');
    expect(suspicions).toContainEqual(
      expect.stringMatching(
        /^1 people have the group id "0b8f1d2e-.*", which has no name here and no rule: bind a name to it under groups: aliases:$/,
      ),
    );
  });

  it('a document with errors is not planned and not published; every problem has its place', async () => {
    const { operator } = bench;
    const before = await operator.gateway.snapshot();
    const { rules: _, ...whole } = JSON.parse(bench.document([])) as { rules: object };
    const document = `${JSON.stringify(whole).slice(0, -1)}, "rules": [
  { id: a, when: { group: Sales }, enrol: [bundel:x] },
  { id: b, wen: {}, enrol: [bundle:x] }]}`;
    for (const path of ['/mapping/plan', '/mapping/publish']) {
      const answer = await operator.post<{ code: string; problems: string[] }>(path, {
        document,
        ...(path.endsWith('publish') && { digest: 'x'.repeat(64) }),
      });
      expect(answer).toMatchObject({ status: 400, body: { code: 'request-malformed' } });
      expect(answer.body.problems).toContainEqual(expect.stringMatching(/^acme\.yaml:2:\d+ .*bundel/));
      expect(answer.body.problems).toContainEqual(expect.stringMatching(/^acme\.yaml:3:\d+ /));
    }
    expect(await operator.gateway.snapshot()).toBe(before);
  });

  it('a document whose own tests fail is not published', async () => {
    const tests = [{ name: 'sales people', given: { groups: ['Sales'] }, expect: { enrol: [] } }];
    const { status, body } = await bench.operator.post<{ problems: string[] }>('/mapping/plan', { document: bench.document(RULES, { tests }) });
    expect([status, body.problems]).toEqual([400, [expect.stringContaining('test "sales people" fails: bundle:sales comes from rule "sales"')]]);
  });
});

describe('a plan', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench();
    for (const name of names(6)) await bench.arrive(name, ['Sales']);
  });
  afterAll(() => bench?.operator.close());
  const asked = (document: string, digest: string) =>
    bench.operator.post<{ code: string; detail: string; revision: number }>('/mapping/publish', { document, digest });

  it('is refused where people have changed so that it would do something else, and holds where they have not', async () => {
    const document = bench.document([{ ...SALES, enrol: ['bundle:selling'] }]);
    const { digest } = await bench.plan(document);
    await bench.arrive('late', ['Sales']);
    const before = await bench.everybody();
    expect(await asked(document, digest)).toMatchObject({ status: 412, body: { code: 'version-mismatch' } });
    expect(await bench.everybody()).toEqual(before);
    const again = await bench.plan(document);
    // Somebody whom it does not concern comes in between.
    await bench.arrive('other', ['Staff']);
    const done = await asked(document, again.digest);
    expect(done.status).toBe(200);
    await bench.done(done.body);
    expect(await bench.has('late')).toEqual(['bundle:selling']);
    expect(await asked(document, again.digest)).toMatchObject({ status: 412, body: { detail: expect.stringContaining('a plan is used once') } });
  });

  it('is refused for another document, and where it is cut short', async () => {
    const [one, other] = [bench.document([SALES]), bench.document([BOARD])];
    const { digest } = await bench.plan(one);
    expect((await asked(other, digest)).status).toBe(412);
    expect((await asked(one, digest.slice(0, 15))).status).toBe(400);
    expect((await asked(one, digest.slice(0, 16))).status).toBe(200);
  });

  it('is stopped by an operator: who is not done stays as they are until they sign in, or until the next one', async () => {
    const { operator } = bench;
    // A walk over seven people is soon over: it is stopped before the worker looks, if need be in another go.
    let [stopped, target] = [0, ''];
    for (let i = 0; stopped === 0 && i < 20; i++) {
      target = i % 2 === 0 ? 'bundle:filed' : 'bundle:first';
      const { revision } = await bench.publish(bench.document([{ ...SALES, enrol: [target] }]));
      const answer = await operator.post<{ state: string }>(`/mapping/publications/${revision}/cancel`);
      if (answer.status === 200) [stopped] = [revision];
      else await bench.done({ revision });
    }
    expect((await operator.post(`/mapping/publications/${stopped}/cancel`)).status).toBe(409);
    expect((await operator.post('/mapping/publications/9999/cancel')).status).toBe(404);
    // The document is in force: whoever signs in now is concluded under it.
    await bench.arrive('p02', ['Sales']);
    expect(await bench.has('p02')).toEqual([target]);
    expect(await bench.published(bench.document([{ ...SALES, enrol: ['bundle:edited'] }]))).toMatchObject({ state: 'done' });
    expect([await bench.has('p02'), await bench.has('p03')]).toEqual([['bundle:edited'], ['bundle:edited']]);
  });

  it('that is published while a walk goes on takes its place', async () => {
    const first = await bench.publish(bench.document([{ ...SALES, enrol: ['bundle:first'] }]));
    const second = await bench.published(bench.document([{ ...SALES, enrol: ['bundle:second'] }]));
    const { body } = await bench.operator.get<{ publications: { revision: number; state: string }[] }>('/mapping/publications');
    expect(body.publications.find(({ revision }) => revision === first.revision)?.state).toMatch(/^(superseded|done)$/);
    expect([second.state, await bench.has('p03')]).toEqual(['done', ['bundle:second']]);
  });
});

describe('a file in the repository and an edit made here', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench();
    for (const name of names(3)) await bench.arrive(name, ['Sales']);
  });
  afterAll(() => bench?.operator.close());

  it('are told apart: the file goes over the edit only where somebody insists', async () => {
    const { gateway } = bench.operator;
    const reload = async () => (await gateway.running.gateway.reload())[0];
    const edit = bench.document([{ ...SALES, enrol: ['bundle:edited'] }]);
    await bench.published(edit);
    // The file has not changed since it was taken in: the edit stays.
    expect(await reload()).toMatchObject({ outcome: 'unchanged' });
    expect(await bench.has('p00')).toEqual(['bundle:edited']);
    // Both were changed: nothing happens, and it is said.
    gateway.folder.write('acme.yaml', JSON.parse(bench.document([{ ...SALES, enrol: ['bundle:filed'] }])) as object);
    expect(await reload()).toMatchObject({ outcome: 'edited', problems: [expect.stringContaining('matricula map show')] });
    expect(await bench.has('p00')).toEqual(['bundle:edited']);
    // Taken over into the file, it is the file's again, and the next change of the file counts.
    gateway.folder.write('acme.yaml', edit);
    expect(await reload()).toMatchObject({ outcome: 'unchanged' });
    gateway.folder.write('acme.yaml', JSON.parse(bench.document([{ ...SALES, enrol: ['bundle:filed'] }])) as object);
    expect(await reload()).toMatchObject({ outcome: 'updated' });
    expect(await bench.has('p00')).toEqual(['bundle:filed']);
  });
});

describe('who has what, and what somebody would get', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench();
    await bench.arrive('ada', ['Sales']);
    await bench.arrive('ben', ['Board']);
  });
  afterAll(() => bench?.operator.close());
  const who = async (query: string) =>
    (await bench.operator.get<{ people: { userName: string }[] }>(`/mapping/who?${query}`)).body.people.map(({ userName }) => userName);

  it('by rule, target and group', async () => {
    expect([await who('rule=sales'), await who('target=collection:board'), await who('group=Sales'), await who('rule=none')]).toEqual([
      ['ada@acme.example'],
      ['ben@acme.example'],
      ['ada@acme.example'],
      [],
    ]);
  });

  it('explains why not: the first condition that failed, and what it saw', async () => {
    const { body } = await bench.operator.get<{ explanations: object[]; waiting: object[] }>(
      `/users/${bench.ids.get('ben')}/explain?target=bundle:sales`,
    );
    expect(body.explanations).toMatchObject([{ enrolled: false, rules: [{ rule: { id: 'sales' }, firstFailed: { saw: ['Board'] } }], history: [] }]);
  });

  it('with claims that nobody has come with yet', async () => {
    expect((await bench.operator.post('/mapping/explain', { groups: ['Board', 'Sales'], email: 'x@acme.example' })).body).toMatchObject({
      connection: 'oidc',
      role: 'learner',
      targets: [
        { target: 'bundle:sales', rule: 'sales' },
        { target: 'collection:board', rule: 'board' },
      ],
    });
    expect((await bench.operator.post('/mapping/explain', { connection: 'nowhere' })).status).toBe(400);
  });
});

for (const backend of [sqliteFile, postgres])
  describeWith(backend.needs, `limits and odd requests, on ${backend.name}`, () => {
    let bench: Bench;
    beforeAll(async () => {
      const rules = [...RULES, { id: 'office', when: { group: 'Office' }, enrol: ['group:staff'], role: 'admin' }];
      bench = await startBench(backend, { rules });
      for (const [i, name] of names(100).entries()) await bench.arrive(name, i < 11 ? ['Sales'] : i < 23 ? ['Office'] : ['Other']);
    });
    afterAll(() => bench?.operator.close());
    const office = { id: 'office', when: { group: 'Office' }, enrol: ['group:staff'] };

    it('a plan that says held is not published as lost, whoever comes in between', async () => {
      const document = bench.document([BOARD, { ...office, role: 'admin' }]);
      const plan = await bench.plan(document);
      expect(plan).toMatchObject({ overLimit: true, people: { losing: 11 } });
      for (let i = 0; i < 11; i++) await bench.arrive(`late${i}`, ['Other']);
      const published = await bench.operator.post('/mapping/publish', { document, digest: plan.digest });
      expect(published.status).toBe(412);
      expect(await bench.has('p00')).toEqual(['bundle:sales']);
    });

    it('a role that would be lowered is taken away, too: beyond the limit it is held', async () => {
      const { operator } = bench;
      const document = bench.document([...RULES, office]);
      expect(await bench.plan(document)).toMatchObject({ overLimit: true, people: { losing: 12 } });
      expect(await bench.published(document)).toMatchObject({ brake: 'limit', losing: 0 });
      const state = await operator.gateway.house.store.people.state('acme', bench.ids.get('p12')!);
      expect(state).toMatchObject({ user: { role: 'admin' }, held: [{ what: 'role', cause: 'limit', value: 'learner' }] });
      await bench.published(bench.document([...RULES, { ...office, role: 'admin' }]));
      expect((await operator.get('/held')).body).toMatchObject({ people: 0 });
    });

    it('going beyond the limit wants a reason, and the journal has it', async () => {
      const { operator } = bench;
      const document = bench.document([BOARD]);
      const { digest } = await bench.plan(document);
      const asked = { document, digest, allowRemovals: true };
      expect(await operator.post('/mapping/publish', asked)).toMatchObject({ status: 400, body: { detail: expect.stringContaining('say why') } });
      const published = await operator.post<{ revision: number }>('/mapping/publish', { ...asked, comment: 'the year is over' });
      await bench.done(published.body);
      expect(await bench.has('p00')).toEqual([]);
      const lines = await operator.gateway.house.store.journal.list('acme', { limit: 200 });
      expect(lines.find(({ cause, detail }) => cause === 'apply' && detail['allowRemovals'])?.detail).toMatchObject({
        overLimit: true,
        comment: 'the year is over',
      });
    });

    it.each([
      ['post', '/mapping/roll-back', { version: 3_000_000_000 }, 400],
      ['post', '/mapping/roll-back', { version: 999 }, 404],
      ['get', '/mapping/who?rule=sales&after=%00', null, 400],
      ['get', '/mapping/versions/0', null, 404],
      ['get', '/mapping/versions/x', null, 404],
      ['post', '/mapping/plan/people', { document: 'name: x', after: 'a\u0000' }, 400],
      ['post', '/mapping/publish', { document: 'name: x', digest: 'x'.repeat(64), comment: 'a\u0000' }, 400],
      ['post', '/mapping/publish', { document: 'name: x', digest: 'x'.repeat(64), comment: '\ud800' }, 400],
      ['post', '/mapping/explain', { groups: ['\u0000'], claims: { __proto__: ['x'] } }, 200],
    ] as const)('%s %s %j is answered with %i', async (method, path, body, status) => {
      const answer = method === 'get' ? await bench.operator.get(path) : await bench.operator.post(path, body ?? {});
      expect(answer.status).toBe(status);
    });
  });

describe('the tenant folder', () => {
  let bench: Bench;
  beforeAll(async () => {
    bench = await startBench(undefined, { provisioning: { initialMode: 'jit', limits: { removals: { share: '10%', atLeast: 2 } } } });
    for (const name of names(6)) await bench.arrive(name, ['Sales']);
  });
  afterAll(() => bench?.operator.close());

  it('a file does not lift the limit under which it is taken in', async () => {
    const { gateway } = bench.operator;
    const lifted = { provisioning: { initialMode: 'jit', limits: { removals: { share: '100%', atLeast: 100 } } } };
    gateway.folder.write('acme.yaml', JSON.parse(bench.document([BOARD], lifted)) as object);
    expect(await gateway.running.gateway.reload()).toMatchObject([{ outcome: 'updated', publication: { brake: 'limit', holding: 6 } }]);
    expect(await bench.has('p00')).toEqual(['bundle:sales']);
  });

  it('an edit that comes while a file is looked at is not taken for the file', async () => {
    const { flow, store } = bench.operator.gateway.house;
    const files = await bench.operator.gateway.house.files();
    const [planned] = await planTenants(flow, files);
    expect(planned).toMatchObject({ kind: 'unchanged' });
    await bench.published(bench.document([{ ...SALES, enrol: ['bundle:edited'] }]));
    await applyTenant(flow, planned!, { actor: 'test', allowRemovals: false });
    expect(await store.tenants.get('acme')).toMatchObject({ origin: 'edit' });
    expect(await takeIn(flow, files[0]!, { actor: 'test', allowRemovals: false })).toMatchObject({ outcome: 'unchanged' });
    expect(await bench.has('p00')).toContain('bundle:edited');
  });
});
