/** The RFC's checklist, line by line (3): PUT, PATCH, DELETE, ETag. RFC 7644 §3.5, §3.6, §3.14. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Body, ENTERPRISE, PATCH_OP, type ScimClient, USER } from './client.ts';
import { expectError, form, hire, hireMany, uniqueName, valuesOf } from './people.ts';
import { type ScimWorld, startWorld } from './world.ts';

let world: ScimWorld;
let client: ScimClient;
beforeAll(async () => {
  world = await startWorld();
  client = world.client;
});
afterAll(() => world?.close());

const read = async ({ id }: { id: string }): Promise<Body> => (await client.get(`/Users/${id}`)).body;
const URN_DEPARTMENT = `${ENTERPRISE}:department`;

describe('PUT', () => {
  it('200 and the whole resource; what is ours is ignored; omitted, null and [] are cleared', async () => {
    const made = await hire(client, {
      displayName: 'A',
      title: 'T',
      nickName: 'N',
      phoneNumbers: [{ value: '1' }],
      externalId: uniqueName('ext'),
      [ENTERPRISE]: { department: 'Ops' },
    });
    const { status, body } = await client.put(`/Users/${made.id}`, {
      schemas: [USER],
      id: 'another',
      meta: { created: '1970-01-01T00:00:00Z' },
      userName: made.userName,
      displayName: 'B',
      nickName: null,
      phoneNumbers: [],
    });
    expect(status).toBe(200);
    expect(body).toEqual({
      schemas: [USER],
      id: made.id,
      userName: made.userName,
      displayName: 'B',
      active: true,
      meta: { ...made.meta, lastModified: body.meta.lastModified, version: expect.not.stringMatching(made.meta.version) },
    });
    expect(await read(made)).toEqual(body);
  });

  it('never creates', async () => {
    expectError(await client.put('/Users/nobody', { userName: uniqueName() }), { status: 404 });
    expectError(await client.put('/Groups/nobody', { displayName: 'x' }), { status: 404 });
  });

  it('a missing required attribute is 400, a userName that is taken 409, and both leave the old state', async () => {
    const [made, taken] = [await hire(client, { displayName: 'A' }), await hire(client)];
    expectError(await client.put(`/Users/${made.id}`, { displayName: 'B' }), { status: 400, scimType: 'invalidValue', detail: /userName/ });
    expectError(await client.put(`/Users/${made.id}`, { userName: taken.userName, displayName: 'B' }), {
      status: 409,
      scimType: 'uniqueness',
      detail: /userName/,
    });
    expect(await read(made)).toEqual(made);
    const group = await form(client);
    expectError(await client.put(`/Groups/${group.id}`, { members: [] }), { status: 400, scimType: 'invalidValue', detail: /displayName/ });
  });

  it('without active it keeps it, whichever it was', async () => {
    const made = await hire(client, { active: false });
    expect((await client.put(`/Users/${made.id}`, { userName: made.userName, displayName: 'X' })).body.active).toBe(false);
    expect((await client.put(`/Users/${made.id}`, { userName: made.userName, active: true })).body.active).toBe(true);
    expect((await client.put(`/Users/${made.id}`, { userName: made.userName, active: null })).body.active).toBe(true);
  });

  it('the same again changes nothing', async () => {
    const made = await hire(client, { displayName: 'A', emails: [{ value: 'same@acme.example', type: 'work' }] });
    const again = await client.put(`/Users/${made.id}`, made);
    expect(again.body).toEqual(made);
    const member = await hire(client);
    const group = await form(client, { members: [{ value: member.id }] });
    expect((await client.put(`/Groups/${group.id}`, group)).body).toEqual(group);
  });
});

describe('PATCH', () => {
  const send = (id: string, body: object) => client.send('PATCH', `/Users/${id}`, body);

  it.each([
    [{ Operations: [] }, 'Operations'],
    [{}, 'Operations'],
    [{ Operations: 'replace' }, 'Operations'],
    [{ Operations: ['replace'] }, 'peration'],
    [{ Operations: [{ op: 'move', path: 'title', value: 'x' }] }, 'op'],
    [{ Operations: [{ path: 'title', value: 'x' }] }, 'op'],
    [{ Operations: [{ op: 7, path: 'title', value: 'x' }] }, 'op'],
    [{ Operations: [{ op: 'add', path: 7, value: 'x' }] }, 'path'],
    [{ Operations: [{ op: 'add', path: 'title' }] }, 'value'],
    [{ schemas: 'urn:example:Other', Operations: [{ op: 'add', path: 'title', value: 'x' }] }, 'schemas'],
    [{ schemas: [7], Operations: [{ op: 'add', path: 'title', value: 'x' }] }, 'schemas'],
  ])('a message that is none is 400, names the fault, and is looked at before the id: %j', async (body, named) => {
    const made = await hire(client);
    for (const id of [made.id, 'nobody']) {
      const answer = await send(id, { schemas: [PATCH_OP], ...body });
      expect({ http: answer.status, ...answer.body }).toMatchObject({ http: 400, status: '400', detail: expect.stringContaining(named) });
      expect(['invalidSyntax', 'invalidValue', 'noTarget']).toContain(answer.body.scimType);
    }
    expect(await read(made)).toEqual(made);
  });

  it('more than a thousand operations are refused', async () => {
    const made = await hire(client);
    const answer = await client.patch(`/Users/${made.id}`, ...Array.from({ length: 1001 }, () => ({ op: 'replace', path: 'title', value: 'x' })));
    expect([400, 413]).toContain(answer.status);
    expect(answer.body.status).toBe(String(answer.status));
    expect(await read(made)).toEqual(made);
  });

  it('all or nothing: the last operation fails and none is applied', async () => {
    const made = await hire(client, { title: 'old' });
    const answer = await client.patch(
      `/Users/${made.id}`,
      { op: 'replace', path: 'title', value: 'new' },
      { op: 'add', path: 'emails', value: [{ value: 'new@acme.example' }] },
      { op: 'replace', path: 'shoeSize', value: '44' },
    );
    expectError(answer, { status: 400, scimType: 'invalidPath', detail: /shoeSize/ });
    expect(await read(made)).toEqual(made);
    const [member, group] = [await hire(client), await form(client)];
    const failing = await client.patch(
      `/Groups/${group.id}`,
      { op: 'replace', path: 'displayName', value: 'Half' },
      { op: 'add', path: 'members', value: [{ value: member.id }] },
      { op: 'remove', path: 'displayName' },
    );
    expectError(failing, { status: 400, scimType: 'mutability', detail: /displayName/ });
    expect((await client.get(`/Groups/${group.id}`)).body).toEqual(group);
  });

  it('operations follow one another, and later ones see earlier ones', async () => {
    const made = await hire(client);
    const { body } = await client.patch(
      `/Users/${made.id}`,
      { op: 'add', path: 'emails', value: [{ value: 'one@x.example', type: 'work' }] },
      { op: 'replace', path: 'emails[type eq "work"].value', value: 'two@x.example' },
      { op: 'add', path: 'title', value: 'A' },
      { op: 'remove', path: 'title' },
    );
    expect(body.emails).toEqual([{ value: 'two@x.example', type: 'work' }]);
    expect(body).not.toHaveProperty('title');
  });

  describe('add', () => {
    it('appends without duplicates, and what is there already changes nothing, not even lastModified', async () => {
      const made = await hire(client, { title: 'T', emails: [{ value: 'a1@x.example', type: 'work' }] });
      const more = await client.patch(`/Users/${made.id}`, { op: 'add', path: 'emails', value: [{ value: 'b1@x.example', type: 'home' }] });
      expect(valuesOf(more.body.emails)).toEqual(['a1@x.example', 'b1@x.example']);
      const same = await client.patch(
        `/Users/${made.id}`,
        { op: 'add', path: 'emails', value: [{ value: 'b1@x.example', type: 'home' }] },
        { op: 'add', path: 'title', value: 'T' },
      );
      expect(same.status).toBe(200);
      expect(same.body).toEqual(more.body);
    });

    it('without a path merges, into the extension too, whose URN then is in schemas', async () => {
      const made = await hire(client, { name: { givenName: 'A' } });
      const { body } = await client.patch(`/Users/${made.id}`, {
        op: 'add',
        value: { title: 'T', name: { familyName: 'B' }, [ENTERPRISE]: { department: 'Ops' } },
      });
      expect(body).toMatchObject({ title: 'T', name: { givenName: 'A', familyName: 'B' }, [ENTERPRISE]: { department: 'Ops' } });
      expect(body.schemas).toEqual([USER, ENTERPRISE]);
    });

    it('a new primary takes it from the others', async () => {
      const made = await hire(client, { emails: [{ value: 'a2@x.example', primary: true }, { value: 'b2@x.example' }] });
      const { body } = await client.patch(`/Users/${made.id}`, { op: 'add', path: 'emails', value: [{ value: 'c2@x.example', primary: true }] });
      expect(body.emails.filter(({ primary }) => primary)).toEqual([{ value: 'c2@x.example', primary: true }]);
      const moved = await client.patch(`/Users/${made.id}`, { op: 'replace', path: 'emails[value eq "b2@x.example"].primary', value: true });
      expect(moved.body.emails.filter(({ primary }) => primary)).toEqual([{ value: 'b2@x.example', primary: true }]);
      expect(valuesOf(moved.body.emails)).toEqual(['a2@x.example', 'b2@x.example', 'c2@x.example']);
    });
  });

  describe('replace', () => {
    it('a complex attribute keeps what is not said; a list is replaced whole', async () => {
      const made = await hire(client, { name: { givenName: 'A', familyName: 'B' }, emails: [{ value: 'a3@x.example' }, { value: 'b3@x.example' }] });
      const { body } = await client.patch(
        `/Users/${made.id}`,
        { op: 'replace', path: 'name', value: { givenName: 'C' } },
        { op: 'replace', path: 'emails', value: [{ value: 'c3@x.example' }] },
      );
      expect(body.name).toEqual({ givenName: 'C', familyName: 'B' });
      expect(body.emails).toEqual([{ value: 'c3@x.example' }]);
    });

    it('a value filter changes the elements it matches only', async () => {
      const made = await hire(client, {
        phoneNumbers: [
          { value: '1', type: 'work' },
          { value: '2', type: 'home' },
          { value: '3', type: 'work' },
        ],
      });
      const { body } = await client.patch(
        `/Users/${made.id}`,
        { op: 'replace', path: 'phoneNumbers[type eq "work"].display', value: 'office' },
        { op: 'replace', path: 'phoneNumbers[value eq "2"]', value: { value: '22', type: 'home' } },
      );
      expect(body.phoneNumbers).toEqual([
        { value: '1', type: 'work', display: 'office' },
        { value: '22', type: 'home' },
        { value: '3', type: 'work', display: 'office' },
      ]);
    });

    it('a filter that matches nothing is noTarget, unless it says what the element is', async () => {
      const made = await hire(client, { emails: [{ value: 'a4@x.example', type: 'work' }] });
      expectError(await client.patch(`/Users/${made.id}`, { op: 'replace', path: 'emails[value eq "z@x.example"].type', value: 'home' }), {
        status: 400,
        scimType: 'noTarget',
      });
      expectError(await client.patch(`/Users/${made.id}`, { op: 'replace', path: 'emails[type eq "a" or type eq "b"].value', value: 'z' }), {
        status: 400,
        scimType: 'noTarget',
      });
      const { body } = await client.patch(`/Users/${made.id}`, { op: 'replace', path: 'emails[type eq "home"].value', value: 'h4@x.example' });
      expect(body.emails).toContainEqual({ value: 'h4@x.example', type: 'home' });
    });
  });

  describe('remove', () => {
    it('without a path is noTarget; of what is required or ours mutability', async () => {
      const made = await hire(client);
      expectError(await client.patch(`/Users/${made.id}`, { op: 'remove' }), { status: 400, scimType: 'noTarget' });
      for (const path of ['userName', 'id', 'meta', 'groups', 'meta.created'])
        expectError(await client.patch(`/Users/${made.id}`, { op: 'remove', path }), {
          status: 400,
          scimType: 'mutability',
          detail: new RegExp(path.split('.')[0]!),
        });
      expect(await read(made)).toEqual(made);
    });

    it('a whole attribute, an element, a sub-attribute; the last element gone is the attribute gone; what is absent is no error', async () => {
      const made = await hire(client, {
        title: 'T',
        name: { givenName: 'A', familyName: 'B' },
        emails: [
          { value: 'a5@x.example', type: 'work', display: 'A' },
          { value: 'b5@x.example', type: 'home' },
        ],
        [ENTERPRISE]: { department: 'Ops' },
      });
      const first = await client.patch(
        `/Users/${made.id}`,
        { op: 'remove', path: 'title' },
        { op: 'remove', path: 'name.familyName' },
        { op: 'remove', path: 'emails[type eq "home"]' },
        { op: 'remove', path: 'emails[type eq "work"].display' },
        { op: 'remove', path: URN_DEPARTMENT },
        { op: 'remove', path: 'nickName' },
        { op: 'remove', path: 'phoneNumbers[type eq "fax"]' },
      );
      expect(first.body).toMatchObject({ schemas: [USER], name: { givenName: 'A' }, emails: [{ value: 'a5@x.example', type: 'work' }] });
      expect(first.body.emails[0]).not.toHaveProperty('display');
      for (const gone of ['title', ENTERPRISE]) expect(first.body).not.toHaveProperty([gone]);
      const second = await client.patch(`/Users/${made.id}`, { op: 'remove', path: 'emails[type eq "work"]' }, { op: 'remove', path: 'name' });
      for (const gone of ['emails', 'name']) expect(second.body).not.toHaveProperty(gone);
    });
  });

  it.each([
    ['title.', 'invalidPath'],
    ['emails[type eq "work"', 'invalidPath'],
    ['emails[type eq work].value', 'invalidPath'],
    ['[type eq "work"]', 'invalidPath'],
    ['emails[type eq "work"].value.more', 'invalidPath'],
    ['title title', 'invalidPath'],
    ['', 'invalidPath'],
    ['shoeSize', 'invalidPath'],
    ['name.shoeSize', 'invalidPath'],
    ['emails[shade eq "green"].value', 'invalidPath'],
    ['__proto__', 'invalidPath'],
    ['name.__proto__', 'invalidPath'],
    ['constructor.prototype', 'invalidPath'],
  ])('a path that is none or that nobody knows is invalidPath: %s', async (path, scimType) => {
    const made = await hire(client, { emails: [{ value: 'p@x.example' }] });
    const answer = await client.patch(`/Users/${made.id}`, { op: 'replace', path, value: 'x' });
    // An unknown attribute inside a value filter may be called a bad filter.
    if (answer.body.scimType === 'invalidFilter' && path.includes('[')) expectError(answer, { status: 400, scimType: 'invalidFilter' });
    else expectError(answer, { status: 400, scimType });
    expect(await read(made)).toEqual(made);
    await client.delete(`/Users/${made.id}`);
  });

  it.each([
    ['title', { a: 1 }],
    ['active', 'perhaps'],
    ['emails', 'text'],
    ['name', 'text'],
    ['name.givenName', 7],
    ['emails[type eq "work"].primary', 'perhaps'],
  ])('a wrong type is invalidValue and names the attribute: %s', async (path, value) => {
    const made = await hire(client, { emails: [{ value: 'w@x.example', type: 'work' }] });
    expectError(await client.patch(`/Users/${made.id}`, { op: 'replace', path, value }), {
      status: 400,
      scimType: 'invalidValue',
      detail: new RegExp(path.split(/[.[]/)[0]!),
    });
    expect(await read(made)).toEqual(made);
    await client.delete(`/Users/${made.id}`);
  });

  it.each(['id', 'meta', 'groups', 'meta.lastModified'])('%s by path is mutability', async (path) => {
    const made = await hire(client);
    expectError(await client.patch(`/Users/${made.id}`, { op: 'replace', path, value: 'x' }), { status: 400, scimType: 'mutability' });
  });

  it('id in a value without a path is ignored', async () => {
    const made = await hire(client);
    const { status, body } = await client.patch(`/Users/${made.id}`, { op: 'replace', value: { id: 'another', title: 'T' } });
    expect({ status, id: body.id, title: body.title }).toEqual({ status: 200, id: made.id, title: 'T' });
  });

  it('200 with the body, trimmed where attributes are asked', async () => {
    const made = await hire(client);
    const { status, body } = await client.patch(`/Users/${made.id}?attributes=title`, { op: 'add', path: 'title', value: 'T' });
    expect({ status, body }).toEqual({ status: 200, body: { schemas: [USER], id: made.id, title: 'T' } });
    const group = await form(client, { displayName: 'Trimmed' });
    const patched = await client.patch(`/Groups/${group.id}?excludedAttributes=members`, { op: 'add', path: 'members', value: [{ value: made.id }] });
    expect(patched.status).toBe(200);
    expect(patched.body).not.toHaveProperty('members');
  });

  it('an unknown id is 404', async () => {
    expectError(await client.patch('/Users/nobody', { op: 'replace', path: 'title', value: 'x' }), { status: 404 });
    expectError(await client.patch('/Groups/nobody', { op: 'replace', path: 'displayName', value: 'x' }), { status: 404 });
  });

  it('a userName that is taken is 409 and leaves the old state', async () => {
    const [made, taken] = [await hire(client), await hire(client)];
    expectError(await client.patch(`/Users/${made.id}`, { op: 'replace', path: 'userName', value: taken.userName.toUpperCase() }), {
      status: 409,
      scimType: 'uniqueness',
      detail: /userName/,
    });
    expect(await read(made)).toEqual(made);
  });

  it('a group with more than 500 members answers 204, a smaller one 200; both within a second', async () => {
    const people = await hireMany(client, 510);
    const group = await form(client);
    const add = (some: Body[]) => client.patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: some.map(({ id }) => ({ value: id })) });
    const small = await add(people.slice(0, 500));
    expect(small.status).toBe(200);
    expect(valuesOf(small.body.members)).toEqual(
      people
        .slice(0, 500)
        .map(({ id }) => id)
        .sort(),
    );
    const began = performance.now();
    const large = await add(people.slice(500));
    expect({ status: large.status, text: large.text }).toEqual({ status: 204, text: '' });
    const one = await client.patch(`/Groups/${group.id}`, { op: 'remove', path: `members[value eq "${people[0]!.id}"]` });
    expect(one.status).toBe(204);
    expect(performance.now() - began).toBeLessThan(2000);
    expect(valuesOf((await client.get(`/Groups/${group.id}`)).body.members)).toEqual(
      people
        .slice(1)
        .map(({ id }) => id)
        .sort(),
    );
    const asked = await client.patch(`/Groups/${group.id}?attributes=displayName`, { op: 'remove', path: `members[value eq "${people[1]!.id}"]` });
    expect({ status: asked.status, keys: Object.keys(asked.body).sort() }).toEqual({ status: 200, keys: ['displayName', 'id', 'schemas'] });
  }, 60_000);
});

describe('what is left out is said in the sync log', () => {
  it('members that nobody knows and groups as members, by POST, PUT and PATCH; the rest is done', async () => {
    const [member, inner] = [await hire(client), await form(client)];
    const members = [{ value: 'nobody-at-all' }, { value: member.id }, { value: inner.id, type: 'Group' }];
    const outer = await form(client, { displayName: 'Outer', members });
    expect(valuesOf(outer.members)).toEqual([member.id]);
    const skipped = async () => (await world.journal()).filter(({ resourceId, outcome }) => resourceId === outer.id && outcome === 'SKIPPED').length;
    const line = (await world.journal()).find(({ resourceId }) => resourceId === outer.id)!;
    expect(JSON.stringify(line.detail)).toContain('nobody-at-all');
    expect(JSON.stringify(line.detail)).toContain(inner.id);
    const before = await skipped();
    expect((await client.put(`/Groups/${outer.id}`, { displayName: 'Outer', members })).status).toBe(200);
    expect((await client.patch(`/Groups/${outer.id}`, { op: 'add', path: 'members', value: members })).status).toBe(200);
    expect(await skipped()).toBe(before + 2);
    expect(valuesOf((await client.get(`/Groups/${outer.id}`)).body.members)).toEqual([member.id]);
  });

  it('a request that changed nothing, and one that was refused', async () => {
    const made = await hire(client);
    await client.patch(`/Users/${made.id}`, { op: 'replace', path: 'active', value: true });
    await client.patch(`/Users/${made.id}`, { op: 'replace', path: 'shoeSize', value: '44' });
    expect(await world.lines(made.id)).toEqual(['SUCCESS created-by-directory', 'SKIPPED unchanged', 'FAILED invalidPath']);
  });
});

it('parallel PATCHes of one user lose nothing', async () => {
  const made = await hire(client);
  const answers = await Promise.all(
    Array.from({ length: 20 }, (_, i) => client.patch(`/Users/${made.id}`, { op: 'add', path: 'emails', value: [{ value: `n${i}@many.example` }] })),
  );
  expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  expect((await read(made)).emails).toHaveLength(20);
});

describe('DELETE', () => {
  it('204 without a body, then 404 everywhere and in no list; memberships and references go; the userName is free', async () => {
    const gone = await hire(client, { displayName: 'Gone' });
    const [report, group] = [
      await hire(client, { [ENTERPRISE]: { manager: { value: gone.id } } }),
      await form(client, { members: [{ value: gone.id }] }),
    ];
    const { status, text } = await client.delete(`/Users/${gone.id}`);
    expect({ status, text }).toEqual({ status: 204, text: '' });
    expectError(await client.get(`/Users/${gone.id}`), { status: 404 });
    expectError(await client.put(`/Users/${gone.id}`, { userName: gone.userName }), { status: 404 });
    expectError(await client.patch(`/Users/${gone.id}`, { op: 'replace', path: 'active', value: true }), { status: 404 });
    expectError(await client.delete(`/Users/${gone.id}`), { status: 404 });
    expect((await client.find('Users', `id eq "${gone.id}" or userName eq "${gone.userName}"`)).body.totalResults).toBe(0);
    expect((await client.get(`/Groups/${group.id}`)).body.members ?? []).toEqual([]);
    expect((await client.find('Groups', `members eq "${gone.id}"`)).body.totalResults).toBe(0);
    expect(await read(report)).not.toHaveProperty([ENTERPRISE]);
    expect((await client.patch(`/Groups/${group.id}`, { op: 'add', path: 'members', value: [{ value: gone.id }] })).body.members ?? []).toEqual([]);
    const other = await hire(client);
    expect((await client.patch(`/Users/${other.id}`, { op: 'replace', path: 'userName', value: gone.userName })).status).toBe(200);
  });

  it('who is created again under the same externalId is the same, with nothing of before', async () => {
    const externalId = uniqueName('ext');
    const gone = await hire(client, { externalId, title: 'T', active: false });
    await form(client, { members: [{ value: gone.id }] });
    await client.delete(`/Users/${gone.id}`);
    const back = await hire(client, { externalId, userName: uniqueName('renamed') });
    expect(back).toMatchObject({ id: gone.id, active: true });
    for (const before of ['title', 'groups']) expect(back).not.toHaveProperty(before);
    expect(await world.lines(gone.id)).toEqual([
      'SUCCESS created-by-directory',
      'SUCCESS joined-group',
      'SUCCESS deleted-by-directory',
      'SUCCESS restored-by-directory',
    ]);
  });

  it('a userName without an externalId restores too, but not where an externalId says that it is somebody else', async () => {
    const gone = await hire(client);
    await client.delete(`/Users/${gone.id}`);
    expect((await hire(client, { userName: gone.userName })).id).toBe(gone.id);
    const named = await hire(client, { externalId: uniqueName('one') });
    await client.delete(`/Users/${named.id}`);
    expect((await hire(client, { userName: named.userName, externalId: uniqueName('two') })).id).not.toBe(named.id);
  });

  it('a group goes, and its users stay', async () => {
    const member = await hire(client);
    const group = await form(client, { members: [{ value: member.id }] });
    expect(await client.delete(`/Groups/${group.id}`)).toMatchObject({ status: 204, text: '' });
    expectError(await client.get(`/Groups/${group.id}`), { status: 404 });
    expectError(await client.delete(`/Groups/${group.id}`), { status: 404 });
    expect(await read(member)).not.toHaveProperty('groups');
  });
});

describe('ETag', () => {
  it.each(['Users', 'Groups'] as const)('%s: version = ETag, 304, 412, *, and it moves with every change', async (kind) => {
    const name = (text: string) => (kind === 'Users' ? { displayName: text } : { displayName: text });
    const made = kind === 'Users' ? await hire(client, { displayName: 'A' }) : await form(client);
    const path = `/${kind}/${made.id}`;
    const whole = (text: string) => ({ ...(kind === 'Users' && { userName: made.userName }), ...name(text) });
    const first = await client.get(path);
    expect(first.headers['etag']).toMatch(/^W\/"[^"]+"$/);
    expect(first.body.meta.version).toBe(first.headers['etag']);
    const tag = first.headers['etag']!;
    const same = await client.get(path, { 'if-none-match': tag });
    expect({ status: same.status, text: same.text }).toEqual({ status: 304, text: '' });
    expect((await client.get(path, { 'if-none-match': `W/"x", ${tag}` })).status).toBe(304);
    expect((await client.get(path, { 'if-none-match': 'W/"another"' })).status).toBe(200);
    const moved = await client.put(path, whole('B'), { 'if-match': tag });
    expect({ status: moved.status, moved: moved.headers['etag'] !== tag }).toEqual({ status: 200, moved: true });
    const patch = { schemas: [PATCH_OP], Operations: [{ op: 'replace', path: 'displayName', value: 'C' }] };
    for (const stale of [
      await client.put(path, whole('C'), { 'if-match': tag }),
      await client.send('PATCH', path, patch, { 'if-match': tag }),
      await client.delete(path, { 'if-match': tag }),
    ])
      expectError(stale, { status: 412 });
    expect((await client.get(path)).body).toEqual(moved.body);
    expect((await client.send('PATCH', path, patch, { 'if-match': '*' })).status).toBe(200);
    const last = await client.get(path);
    expect(last.headers['etag']).not.toBe(moved.headers['etag']);
    expect((await client.delete(path, { 'if-match': last.headers['etag']! })).status).toBe(204);
  });

  it('of two who read the same version one writes, for users and for groups', async () => {
    for (const [kind, made] of [
      ['Users', await hire(client)],
      ['Groups', await form(client)],
    ] as const) {
      const answers = await Promise.all(
        Array.from({ length: 8 }, (_, i) =>
          client.send(
            'PATCH',
            `/${kind}/${made.id}`,
            { schemas: [PATCH_OP], Operations: [{ op: 'replace', path: 'displayName', value: `by ${i}` }] },
            { 'if-match': made.meta.version },
          ),
        ),
      );
      expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array<number>(7).fill(412)]);
    }
  });

  it('a list and a discovery document have no ETag of their body', async () => {
    for (const path of ['/Users', '/Schemas', '/ServiceProviderConfig']) expect((await client.get(path)).headers['etag']).toBeUndefined();
  });
});
