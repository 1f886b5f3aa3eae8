import { beforeAll, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { Group, UserState } from '../../src/core/model.ts';
import type { Comparison, SearchQuery, SearchValue, Where } from '../../src/core/search.ts';
import { creation, group, later, membership, NOW, person, write } from './makers.ts';
import type { World } from './suite.ts';
import { satisfies, type Values } from './where.ts';

const is = (attribute: string, op: Comparison, value: string): Where => ({ kind: 'compare', attribute, op, value });
const has = (attribute: string): Where => ({ kind: 'present', attribute });
const all = (...of: Where[]): Where => ({ kind: 'all', of });
const any = (...of: Where[]): Where => ({ kind: 'any', of });
const not = (of: Where): Where => ({ kind: 'not', of });
const one = (attribute: string, where: Where): Where => ({ kind: 'element', attribute, where });

const LAST = '\u{10ffff}';
const EVERYBODY = ['ada', 'bob', 'cyd', 'dee', 'eve', 'fay', 'gus'];

/** `attribute element value`, one per line. */
const VALUES: Record<string, string[]> = {
  ada: [
    'title 0 dr',
    'emails.value 0 ada@a.example',
    'emails.type 0 work',
    'emails.value 1 ada@home.example',
    'emails.type 1 home',
    'emails.primary 1 true',
  ],
  bob: ['title 0 100%', 'emails.value 0 bob@a.example', 'emails.type 0 work', 'profileurl 0 https://Ex/A'],
  cyd: ['title 0 a_b', 'profileurl 0 https://ex/a'],
  dee: ['title 0 ärger', 'emails.value 0 bob@home.example', 'emails.type 0 home', 'urn:x:2.0:user:department 0 r&d'],
  eve: ['emails.type 0 work', 'emails.value 1 work', 'urn:x:2.0:user:department 0 sales'],
  fay: [`title 0 dr${LAST}${LAST}${LAST}x`, 'emails.value 0 100', 'nickname 0 \uffee', 'urn:x:2.0:user:department 0 sales'],
  gus: [],
  // Nobody is found by these: of a tombstone, and of one whose deletion by the directory is held.
  ghost: ['title 0 dr', 'emails.value 0 ada@a.example', 'emails.type 0 work'],
  veiled: ['title 0 dr', 'emails.value 0 ada@a.example', 'emails.type 0 work'],
};
const GROUPS: Record<string, string[]> = { ada: ['sales', 'twice'], bob: ['sales'], dee: ['twice'], ghost: ['empty'], veiled: ['empty', 'sales'] };

const valuesOf = (id: string): SearchValue[] =>
  (VALUES[id] ?? []).map((line) => {
    const [attribute = '', element, ...value] = line.split(' ');
    return { attribute, element: Number(element), value: value.join(' ') };
  });

function stateOf(id: string, tenantId: string): UserState {
  const at = EVERYBODY.indexOf(id);
  const base = person(id, {
    tenantId,
    userName: `${id.toUpperCase()}@X`,
    userNameKey: id === 'fay' ? '😀fay' : id === 'gus' ? '\uffeegus' : `${id}@x`,
    externalId: ['ada', 'bob', 'dee'].includes(id) ? `X-${id}` : id === 'fay' ? 'x-ada' : null,
    status: id === 'cyd' ? 'suspended' : id === 'eve' ? 'locked' : id === 'ghost' ? 'deleted' : 'active',
    restoreKey: id === 'ghost' || id === 'veiled' ? `name:${id}` : null,
    createdAt: later(at),
    updatedAt: later(10 - at),
  });
  const sources = id === 'ada' ? (['directory', 'manual'] as const) : (['manual'] as const);
  const held = { tenantId, userId: id, what: 'status', target: '', source: '', rule: '', value: 'deleted', cause: 'hand-over', since: NOW } as const;
  return {
    ...base,
    memberships: (GROUPS[id] ?? []).flatMap((groupId) => sources.map((source) => membership(base.user, groupId, { source }))),
    held: id === 'veiled' ? [held] : [],
  };
}

/** The same said of a person as core/search says it: by attribute and element. */
const plain = ({ user, memberships }: UserState): Values => [
  ...valuesOf(user.id),
  { attribute: 'id', element: 0, value: user.id },
  { attribute: 'username', element: 0, value: user.userNameKey },
  ...(user.externalId === null ? [] : [{ attribute: 'externalid', element: 0, value: user.externalId }]),
  { attribute: 'active', element: 0, value: String(user.status === 'active') },
  { attribute: 'meta.created', element: 0, value: user.createdAt.toISOString() },
  { attribute: 'meta.lastmodified', element: 0, value: user.updatedAt.toISOString() },
  ...[...new Set(memberships.map(({ groupId }) => groupId))].flatMap((value, element) => [
    { attribute: 'groups.value', element, value },
    { attribute: 'groups.display', element, value: `group ${value}` },
  ]),
];

export function searchPromises(world: World): void {
  const tenantId = 'search';
  const query = (over: Partial<SearchQuery> = {}): SearchQuery => ({ where: null, sort: null, from: { offset: 0 }, limit: 50, count: true, ...over });
  const find = async (where: Where | null, over: Partial<SearchQuery> = {}) =>
    (await world.store.search.users(tenantId, query({ where, ...over }))).people.map(({ user }) => user.id);
  const findGroups = async (where: Where | null, over: Partial<SearchQuery> = {}) =>
    (await world.store.search.groups(tenantId, query({ where, ...over }))).groups.map(({ id }) => id);
  const sorted = (attribute: string, descending = false) => find(null, { sort: { attribute, descending } });

  beforeAll(async () => {
    for (const tenant of [tenantId, 'search-other']) {
      const groups: Group[] = [
        group('sales', { tenantId: tenant, displayName: 'Group SALES', externalId: 'G-1' }),
        group('twice', { tenantId: tenant, displayName: 'Group twice', createdAt: later(5) }),
        group('empty', { tenantId: tenant, displayName: 'Group empty' }),
      ];
      for (const one of groups) await world.store.groups.create(one, null);
      // Written out of order: what is found is in order of id all the same.
      for (const id of [...EVERYBODY, 'ghost', 'veiled'].reverse()) {
        if (tenant !== tenantId && id !== 'ada') continue;
        const plan = creation(`${tenant}-${id}`, stateOf(id, tenant));
        await world.store.apply.apply([write(plan, { deliveries: [], search: { gone: [], come: valuesOf(id) } })], NOW);
      }
    }
  });

  const TABLE: [string, Where, string[]][] = [
    ['of no conditions all are true', all(), EVERYBODY],
    ['of no alternatives none is true', any(), []],
    ['eq', is('title', 'eq', 'dr'), ['ada']],
    ['eq minds case: the asker folds', is('title', 'eq', 'Dr'), []],
    ['eq on a case-exact value', is('profileurl', 'eq', 'https://Ex/A'), ['bob']],
    ['ne is true where there is none', is('title', 'ne', 'dr'), ['bob', 'cyd', 'dee', 'eve', 'fay', 'gus']],
    ['ne is true where one value differs', is('emails.value', 'ne', 'ada@a.example'), EVERYBODY],
    ['not eq is not ne', not(is('emails.value', 'eq', 'ada@a.example')), ['bob', 'cyd', 'dee', 'eve', 'fay', 'gus']],
    ['not ne', not(is('emails.value', 'ne', 'bob@a.example')), ['bob']],
    ['% is a character: co', is('title', 'co', '%'), ['bob']],
    ['_ is a character: co', is('title', 'co', '_'), ['cyd']],
    ['% is a character: sw', is('title', 'sw', '1%'), []],
    ['_ is a character: ew', is('title', 'ew', 'a_b'), ['cyd']],
    ['co minds case', is('profileurl', 'co', 'ex'), ['cyd']],
    ['ew longer than the value', is('title', 'ew', 'xxdr'), []],
    ['ew counts characters', is('title', 'ew', 'rger'), ['dee']],
    ['sw begins, whatever follows', is('title', 'sw', 'dr'), ['ada', 'fay']],
    ['sw of the last character there is', is('title', 'sw', `dr${LAST}`), ['fay']],
    ['sw beyond ASCII', is('title', 'sw', 'ä'), ['dee']],
    ['gt orders by bytes', is('title', 'gt', 'dr'), ['dee', 'fay']],
    ['le', is('title', 'le', 'a_b'), ['bob', 'cyd']],
    ['userName by bytes, not by UTF-16', is('username', 'gt', '\uffee\uffff'), ['fay']],
    ['userName co', is('username', 'co', 'fay'), ['fay']],
    ['userName ne', is('username', 'ne', 'ada@x'), ['bob', 'cyd', 'dee', 'eve', 'fay', 'gus']],
    ['externalId minds case', is('externalid', 'eq', 'X-ada'), ['ada']],
    ['externalId sw minds case', is('externalid', 'sw', 'x'), ['fay']],
    ['no externalId is present nowhere', not(has('externalid')), ['cyd', 'eve', 'gus']],
    ['not over a column that is NULL', not(is('externalid', 'eq', 'X-ada')), ['bob', 'cyd', 'dee', 'eve', 'fay', 'gus']],
    ['not over the greater of a column that is NULL', not(is('externalid', 'gt', 'X-ada')), ['ada', 'cyd', 'eve', 'gus']],
    ['ne over a column that is NULL', is('externalid', 'ne', 'X-ada'), ['bob', 'cyd', 'dee', 'eve', 'fay', 'gus']],
    ['not ne over a column that is NULL', not(is('externalid', 'ne', 'X-ada')), ['ada']],
    ['active: the suspended and the locked are not', is('active', 'eq', 'false'), ['cyd', 'eve']],
    ['active', not(is('active', 'ne', 'true')), ['ada', 'bob', 'dee', 'fay', 'gus']],
    ['created', is('meta.created', 'le', later(1).toISOString()), ['ada', 'bob']],
    ['created eq', is('meta.created', 'eq', later(2).toISOString()), ['cyd']],
    ['modified', is('meta.lastmodified', 'gt', later(9).toISOString()), ['ada']],
    ['a group', is('groups.value', 'eq', 'sales'), ['ada', 'bob']],
    ['a group by name', is('groups.display', 'sw', 'group t'), ['ada', 'dee']],
    ['another group, or none', is('groups.value', 'ne', 'sales'), ['ada', 'cyd', 'dee', 'eve', 'fay', 'gus']],
    ['any group', has('groups.value'), ['ada', 'bob', 'dee']],
    ['one element of both', one('emails', all(is('emails.type', 'eq', 'work'), is('emails.value', 'co', 'home'))), []],
    ['two elements will do', all(is('emails.type', 'eq', 'work'), is('emails.value', 'co', 'home')), ['ada']],
    ['an element’s value is not another’s type', one('emails', all(is('emails.type', 'eq', 'work'), is('emails.value', 'eq', 'work'))), []],
    ['an element without', one('emails', not(has('emails.value'))), ['eve']],
    ['an element that is not', one('emails', all(is('emails.type', 'ne', 'work'), has('emails.value'))), ['ada', 'dee', 'eve', 'fay']],
    ['either in one element', one('emails', any(is('emails.primary', 'eq', 'true'), is('emails.value', 'eq', '100'))), ['ada', 'fay']],
    ['no element', not(one('emails', all())), ['cyd', 'gus']],
    ['one group of both', one('groups', all(is('groups.value', 'eq', 'twice'), is('groups.display', 'co', 'sales'))), []],
    ['an extension’s name with a dot', is('urn:x:2.0:user:department', 'eq', 'sales'), ['eve', 'fay']],
    ['a selective one and a common one', all(is('emails.type', 'eq', 'work'), is('emails.value', 'eq', 'bob@a.example')), ['bob']],
    ['two that exclude each other', all(is('username', 'eq', 'ada@x'), is('emails.value', 'eq', 'bob@a.example')), []],
    ['either of a column and a value', any(is('username', 'eq', 'gus@x'), is('externalid', 'eq', 'X-bob'), is('title', 'eq', 'a_b')), ['bob', 'cyd']],
    ['either, one of them of two', any(is('id', 'eq', 'gus'), all(is('title', 'sw', 'd'), is('emails.value', 'eq', '100'))), ['fay', 'gus']],
    ['both, one of them either', all(any(is('title', 'eq', 'dr'), is('title', 'eq', 'a_b')), is('active', 'eq', 'false')), ['cyd']],
    ['nobody has such an attribute', any(has('nothing'), is('nothing', 'eq', 'x')), []],
    ['what reads like SQL is text', is('title', 'eq', `' or '1' = '1`), []],
  ];
  it.each(TABLE)('%s', async (_, where, expected) => {
    expect(await find(where)).toEqual(expected);
    // Said twice: the table, and the plain evaluation that judges the random ones.
    expect(EVERYBODY.filter((id) => satisfies(where, plain(stateOf(id, tenantId))))).toEqual(expected);
    expect(await world.store.search.users(tenantId, query({ where, limit: 0 }))).toEqual({ people: [], total: expected.length });
  });

  it('any filter finds whom a plain evaluation finds', async () => {
    const attribute = fc.constantFrom('id', 'username', 'externalid', 'active', 'title', 'emails.value', 'emails.type', 'groups.value', 'nothing');
    const value = fc.constantFrom('ada', 'dr', 'work', 'bob@a.example', 'X-ada', 'true', 'a', '', '%', 'sales', '😀', LAST);
    const op = fc.constantFrom<Comparison[]>('eq', 'ne', 'co', 'sw', 'ew', 'gt', 'ge', 'lt', 'le');
    const leaf = (named: fc.Arbitrary<string>): fc.Arbitrary<Where> =>
      fc.oneof({ weight: 6, arbitrary: fc.tuple(named, op, value).map(([a, o, v]) => is(a, o, v)) }, { weight: 1, arbitrary: named.map(has) });
    const tree = (leaves: fc.Arbitrary<Where>): fc.Arbitrary<Where> =>
      fc.letrec<{ w: Where }>((tie) => ({
        w: fc.oneof(
          { maxDepth: 3 },
          { weight: 3, arbitrary: leaves },
          { weight: 1, arbitrary: fc.array(tie('w'), { maxLength: 3 }).map((of) => all(...of)) },
          { weight: 1, arbitrary: fc.array(tie('w'), { maxLength: 3 }).map((of) => any(...of)) },
          { weight: 1, arbitrary: tie('w').map(not) },
        ),
      })).w;
    const element = tree(leaf(fc.constantFrom('emails.value', 'emails.type', 'emails.primary'))).map((where) => one('emails', where));
    const people = EVERYBODY.map((id) => ({ id, values: plain(stateOf(id, tenantId)) }));
    await fc.assert(
      fc.asyncProperty(tree(fc.oneof({ weight: 4, arbitrary: leaf(attribute) }, { weight: 1, arbitrary: element })), async (where) => {
        expect(await find(where)).toEqual(people.filter(({ values }) => satisfies(where, values)).map(({ id }) => id));
      }),
      { numRuns: 400, seed: 20_261_127 },
    );
  });

  it('everybody is found in order of id with all that a directory sees, and nobody who is deleted or is to be', async () => {
    const { people, total } = await world.store.search.users(tenantId, query());
    expect(people.map(({ user }) => user.id)).toEqual(EVERYBODY);
    expect(total).toBe(EVERYBODY.length);
    const ada = (await world.store.people.state(tenantId, 'ada'))!;
    expect(ada.memberships).toHaveLength(4);
    expect(ada.groups.map(({ id }) => id)).toEqual(['sales', 'twice']);
    expect(people[0]).toMatchObject({ user: ada.user, identities: ada.identities, memberships: ada.memberships, groups: ada.groups });
  });

  it('pages by place and by id bring everybody once; the total is said only where it is asked for', async () => {
    const page = (from: SearchQuery['from'], where: Where | null = null) => find(where, { from, limit: 3, count: false });
    expect(await page({ offset: 0 })).toEqual(['ada', 'bob', 'cyd']);
    expect(await page({ offset: 6 })).toEqual(['gus']);
    expect(await page({ offset: 7 })).toEqual([]);
    expect(await page({ after: '' })).toEqual(['ada', 'bob', 'cyd']);
    expect(await page({ after: 'cyd' })).toEqual(['dee', 'eve', 'fay']);
    expect(await page({ after: 'dee' }, has('emails.type'))).toEqual(['eve']);
    expect((await world.store.search.users(tenantId, query({ count: false }))).total).toBeNull();
    expect((await world.store.search.users(tenantId, query({ from: { after: 'fay' } }))).total).toBe(7);
  });

  it('sorted by bytes; whom the value is missing of comes last, descending first; equals by id', async () => {
    expect(await sorted('username')).toEqual(['ada', 'bob', 'cyd', 'dee', 'eve', 'gus', 'fay']);
    expect(await sorted('username', true)).toEqual(['fay', 'gus', 'eve', 'dee', 'cyd', 'bob', 'ada']);
    expect(await sorted('externalid')).toEqual(['ada', 'bob', 'dee', 'fay', 'cyd', 'eve', 'gus']);
    expect(await sorted('externalid', true)).toEqual(['cyd', 'eve', 'gus', 'fay', 'dee', 'bob', 'ada']);
    expect(await sorted('meta.lastmodified')).toEqual([...EVERYBODY].reverse());
    expect(await sorted('meta.created', true)).toEqual([...EVERYBODY].reverse());
    expect(await sorted('active')).toEqual(['cyd', 'eve', 'ada', 'bob', 'dee', 'fay', 'gus']);
    expect(await sorted('title')).toEqual(['bob', 'cyd', 'ada', 'fay', 'dee', 'eve', 'gus']);
    expect(await sorted('urn:x:2.0:user:department')).toEqual(['dee', 'eve', 'fay', 'ada', 'bob', 'cyd', 'gus']);
    expect(await sorted('urn:x:2.0:user:department', true)).toEqual(['ada', 'bob', 'cyd', 'gus', 'eve', 'fay', 'dee']);
    // Ada by her preferred address, which is her second.
    expect(await sorted('emails.value')).toEqual(['fay', 'ada', 'bob', 'dee', 'eve', 'cyd', 'gus']);
    expect(await find(has('title'), { sort: { attribute: 'title', descending: true }, from: { offset: 1 }, limit: 2 })).toEqual(['fay', 'ada']);
  });

  it('a preferred element without the value leaves the order to the first that has it', async () => {
    const state = person('zoe', { tenantId: 'search-preferred' });
    const come = ['emails.display 0 b', 'emails.display 2 a', 'emails.primary 1 true'].map((line) => {
      const [attribute = '', element, value = ''] = line.split(' ');
      return { attribute, element: Number(element), value };
    });
    await world.store.apply.apply([write(creation('preferred-1', state), { search: { gone: [], come } })], NOW);
    const other = person('yan', { tenantId: 'search-preferred' });
    await world.store.apply.apply(
      [write(creation('preferred-2', other), { search: { gone: [], come: [{ attribute: 'emails.display', element: 0, value: 'ab' }] } })],
      NOW,
    );
    const { people } = await world.store.search.users('search-preferred', query({ sort: { attribute: 'emails.display', descending: false } }));
    expect(people.map(({ user }) => user.id)).toEqual(['yan', 'zoe']);
  });

  const GROUP_TABLE: [string, Where | null, string[]][] = [
    ['all groups', null, ['empty', 'sales', 'twice']],
    ['a name, folded', is('displayname', 'eq', 'group sales'), ['sales']],
    ['a part of a name', is('displayname', 'co', 'e'), ['empty', 'sales', 'twice']],
    ['an externalId', is('externalid', 'eq', 'G-1'), ['sales']],
    ['another externalId, or none', is('externalid', 'ne', 'G-1'), ['empty', 'twice']],
    ['not over a column that is NULL', not(is('externalid', 'eq', 'G-1')), ['empty', 'twice']],
    ['an id', is('id', 'sw', 't'), ['twice']],
    ['created', is('meta.created', 'gt', NOW.toISOString()), ['twice']],
    ['a member', is('members.value', 'eq', 'bob'), ['sales']],
    ['a member twice over', is('members.value', 'eq', 'ada'), ['sales', 'twice']],
    ['a member and the group', all(is('id', 'eq', 'twice'), is('members.value', 'eq', 'bob')), []],
    ['any member', has('members.value'), ['sales', 'twice']],
    ['another member, or none', is('members.value', 'ne', 'bob'), ['empty', 'sales', 'twice']],
    ['one member of both', one('members', all(is('members.value', 'sw', 'a'), is('members.value', 'ew', 'b'))), []],
    ['a member who begins so', one('members', is('members.value', 'sw', 'd')), ['twice']],
    [
      'a tombstone is nobody’s member',
      any(is('members.value', 'eq', 'ghost'), is('members.value', 'eq', 'veiled'), is('members.value', 'co', 'ost')),
      [],
    ],
  ];
  it.each(GROUP_TABLE)('groups: %s', async (_, where, expected) => {
    expect(await findGroups(where)).toEqual(expected);
    expect((await world.store.search.groups(tenantId, query({ where, limit: 0 }))).total).toBe(expected.length);
  });

  it('groups are sorted and paged as people are', async () => {
    expect(await findGroups(null, { sort: { attribute: 'displayname', descending: true } })).toEqual(['twice', 'sales', 'empty']);
    expect(await findGroups(null, { sort: { attribute: 'externalid', descending: false } })).toEqual(['sales', 'empty', 'twice']);
    expect(await findGroups(null, { sort: { attribute: 'externalid', descending: true } })).toEqual(['empty', 'twice', 'sales']);
    expect(await findGroups(null, { from: { after: 'empty' }, limit: 1 })).toEqual(['sales']);
    expect(await findGroups(null, { from: { offset: 2 }, limit: 5 })).toEqual(['twice']);
    await expect(findGroups(has('nothing'))).rejects.toThrow('no column');
  });

  it('no search finds anything of another tenant', async () => {
    for (const where of [null, is('id', 'eq', 'ada'), is('emails.value', 'sw', ''), is('groups.value', 'eq', 'sales'), not(is('title', 'eq', 'x'))]) {
      const { people, total } = await world.store.search.users('search-other', query({ where }));
      expect(people.map(({ user }) => [user.tenantId, user.id])).toEqual([['search-other', 'ada']]);
      expect(total).toBe(1);
      expect(people[0]!.memberships.every((m) => m.tenantId === 'search-other')).toBe(true);
    }
    const theirs = query({ where: is('members.value', 'eq', 'bob') });
    expect(await world.store.search.groups('search-other', theirs)).toEqual({ groups: [], total: 0 });
    expect(await world.store.search.users('nowhere', query())).toEqual({ people: [], total: 0 });
    expect(await world.store.search.users('search-other', query({ where: is('username', 'eq', 'bob@x') }))).toEqual({ people: [], total: 0 });
  });

  it('text that no row can hold finds nobody, on every database', async () => {
    for (const where of [is('title', 'eq', 'a\0'), is('username', 'sw', '\0')]) {
      expect(await world.store.search.users(tenantId, query({ where }))).toEqual({ people: [], total: 0 });
      expect(await world.store.search.users(tenantId, query({ where, count: false }))).toEqual({ people: [], total: null });
    }
    expect(await world.store.search.groups(tenantId, query({ where: is('displayname', 'eq', '\0') }))).toEqual({ groups: [], total: 0 });
  });

  it('values that are indexed afterwards are found, and the last word on an element counts', async () => {
    const late = person('late', { tenantId: 'search-late' });
    await world.store.apply.apply([write(creation('late', late))], NOW);
    const titled = async (value: string) =>
      (await world.store.search.users('search-late', query({ where: is('title', 'eq', value) }))).people.map(({ user }) => user.id);
    const title = (value: string): SearchValue => ({ attribute: 'title', element: 0, value });
    expect(await titled('dr')).toEqual([]);
    await world.store.search.index('search-late', [{ userId: 'late', values: [title('mr'), title('dr')] }]);
    expect([await titled('mr'), await titled('dr')]).toEqual([[], ['late']]);
    await world.store.search.index('search-late', [{ userId: 'late', values: [title('ms')] }]);
    await world.store.search.index('search-late', []);
    expect([await titled('dr'), await titled('ms')]).toEqual([[], ['late']]);
  });
}
