import { afterEach, describe, expect, it } from '@jest/globals';
import type { Person } from '../../../src/connectors/connector.ts';
import { attemptOf, made, makePerson } from '../people.ts';
import { failureOf } from '../suite-steps.ts';
import { type Application, type Quirks, startApplication, TOKEN } from './application.ts';
import { connectorTo, type PlatformOver } from './platform.ts';

let application: Application;
afterEach(() => application.close());

async function facing(quirks: Partial<Quirks> = {}, over: PlatformOver = {}) {
  application = await startApplication(quirks);
  const connector = connectorTo(application.url, over);
  const upsert = (person: Person, known: string | null = null) => made(connector.upsert(known, attemptOf('k', person, [])));
  return { connector, upsert };
}

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';

describe('what an application is told', () => {
  it('a new user is everything that we have, in SCIM’s content type, with the token', async () => {
    const { upsert } = await facing();
    const person = makePerson({ title: 'Engineer', fields: { cost_center: '42' } });
    const { account } = await upsert(person);
    const made = application.asked.find(({ method }) => method === 'POST')!;
    expect(made.headers).toMatchObject({ 'content-type': 'application/scim+json', authorization: `Bearer ${TOKEN}` });
    expect(made.body).toEqual({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: person.userName,
      externalId: person.id,
      name: { givenName: person.givenName, familyName: person.familyName },
      displayName: person.displayName,
      emails: [{ value: person.email, type: 'work', primary: true }],
      title: 'Engineer',
      locale: 'en-GB',
      timezone: 'Europe/London',
      active: true,
    });
    expect(application.users.get(account.id)!.externalId).toBe(person.id);
  });

  it('where attributes are listed, nothing else leaves the house', async () => {
    const attributes = ['userName', 'active', 'displayName', 'externalId'];
    const { upsert } = await facing({ allowed: attributes }, { attributes });
    const person = makePerson({ fields: { costcenter: '42' } });
    const { account } = await upsert(person);
    await upsert({ ...person, displayName: 'Another', givenName: 'Another', active: false }, account.id);
    expect(application.users.get(account.id)).toMatchObject({ externalId: person.id, displayName: 'Another', active: false });
    for (const { body } of application.asked) expect(JSON.stringify(body)).not.toMatch(/emails|givenName|"42"|timezone/);
  });

  it('a part of a name can be listed alone, and without active nobody is suspended', async () => {
    const { upsert, connector } = await facing({}, { attributes: ['name.familyName', 'emails[type eq "work"].value'] });
    expect(connector.capabilities.users).toMatchObject({ suspend: false, findByExternalId: false, changeEmail: true });
    const person = makePerson();
    const { account } = await upsert(person);
    await upsert({ ...person, active: false }, account.id);
    const { id: _id, meta: _meta, ...told } = application.users.get(account.id)!;
    expect(told).toEqual({
      schemas: ['urn:ietf:params:scim:schemas:core:2.0:User'],
      userName: person.userName,
      name: { familyName: person.familyName },
      emails: [{ value: person.email, type: 'work', primary: true }],
    });
  });

  it('a custom field is sent where an attribute of its name is listed, changed and cleared', async () => {
    const { upsert } = await facing({}, { attributes: ['externalId', `${ENTERPRISE}:costCenter`, 'nickName', 'unknown'] });
    const person = makePerson({ fields: { cost_center: '42', nickname: 'Q', secret: 'no' } });
    const { account } = await upsert(person);
    const user = () => application.users.get(account.id)!;
    expect(user()).toMatchObject({ nickName: 'Q', [ENTERPRISE]: { costCenter: '42' } });
    expect(user()['schemas']).toContain(ENTERPRISE);
    expect(JSON.stringify(user())).not.toMatch(/secret|unknown/);
    await upsert({ ...person, fields: { cost_center: '43', nickname: '' } }, account.id);
    expect(user()).toMatchObject({ [ENTERPRISE]: { costCenter: '43' } });
    expect(user()).not.toHaveProperty('nickName');
  });

  it('booleans are text where the application wants them so', async () => {
    const { upsert } = await facing({ textBooleans: true }, { quirks: { booleansAsText: true } });
    const person = makePerson();
    const { account } = await upsert(person);
    await upsert({ ...person, active: false }, account.id);
    expect(application.users.get(account.id)!.active).toBe('False');
    const before = application.asked.length;
    await upsert({ ...person, active: false }, account.id);
    expect(application.calls().slice(before)).toEqual([`GET /Users/${account.id}`]);
  });
});

describe('a change', () => {
  it('is what differs and no more, and nothing is sent where nothing does', async () => {
    const { upsert } = await facing();
    const person = makePerson({ title: 'Engineer' });
    const { account } = await upsert(person);
    await upsert({ ...person, givenName: 'Other', title: '', email: 'other@acme.example' }, account.id);
    const sent = application.asked.filter(({ method }) => method === 'PATCH').map(({ body }) => body.Operations);
    expect(sent).toEqual([
      [
        { op: 'replace', path: 'name.givenName', value: 'Other' },
        { op: 'remove', path: 'title' },
        { op: 'replace', path: 'emails[type eq "work"].value', value: 'other@acme.example' },
      ],
    ]);
    expect(application.users.get(account.id)!.emails).toEqual([{ value: 'other@acme.example', type: 'work', primary: true }]);
  });

  it('leaves other addresses, and attributes that are not ours, as they are', async () => {
    for (const update of ['patch', 'put'] as const) {
      const { upsert } = await facing({ patch: update === 'patch' }, { quirks: { update } });
      const person = makePerson();
      const { account } = await upsert(person);
      const home = { value: 'home@elsewhere.example', type: 'home' };
      const user = application.users.get(account.id)!;
      user.emails.push(home);
      user['nickName'] = 'Q';
      user.name['middleName'] = 'M';
      await upsert({ ...person, email: 'new@acme.example', familyName: '' }, account.id);
      const now = application.users.get(account.id)!;
      expect(now.emails).toEqual([{ value: 'new@acme.example', type: 'work', primary: true }, home]);
      expect(now).toMatchObject({ nickName: 'Q', name: { middleName: 'M', givenName: person.givenName } });
      expect(now.name).not.toHaveProperty('familyName');
      if (update === 'patch') await application.close();
    }
  });

  it('adds our address beside one that the person prefers, and leaves it where it is there under another type', async () => {
    const { upsert } = await facing();
    const person = makePerson();
    const home = { value: 'home@elsewhere.example', type: 'home', primary: true };
    const { id } = application.user({ userName: person.userName, externalId: person.id, emails: [home] });
    await upsert(person, id);
    expect(application.users.get(id)!.emails).toEqual([home, { value: person.email, type: 'work' }]);
    application.users.get(id)!.emails = [{ ...home, value: person.email }];
    await upsert(person, id);
    expect(application.users.get(id)!.emails).toEqual([{ ...home, value: person.email }]);
  });

  it('of a version that is not the last any more is made from what is there now', async () => {
    for (const update of ['patch', 'put'] as const) {
      const { upsert } = await facing({ versions: true }, { quirks: { update } });
      const person = makePerson();
      const { account } = await upsert(person);
      application.before(`${update.toUpperCase()} /Users`, () => {
        const user = application.users.get(account.id)!;
        user.meta['version'] = 'W/"another"';
        user['nickName'] = 'In between';
      });
      await upsert({ ...person, title: 'Director' }, account.id);
      expect(application.users.get(account.id)).toMatchObject({ title: 'Director', nickName: 'In between' });
      if (update === 'patch') await application.close();
    }
  });

  it('that somebody else crosses twice waits for another try', async () => {
    const { upsert } = await facing({ versions: true });
    const person = makePerson();
    const { account } = await upsert(person);
    application.trouble({ status: 412, on: 'PATCH', times: 2 });
    const failure = await failureOf(upsert({ ...person, title: 'Director' }, account.id));
    expect(failure).toMatchObject({ name: 'TransientFailure', code: 'conflict', scope: 'person' });
  });

  it('of a user who goes away meanwhile makes them anew, and tells so', async () => {
    const { upsert } = await facing();
    const person = makePerson();
    const { account } = await upsert(person);
    application.before('PATCH /Users', () => application.users.delete(account.id));
    const again = await upsert({ ...person, title: 'Director' }, account.id);
    expect(again.created).toBe(true);
    expect([...application.users.values()]).toMatchObject([{ id: again.account.id, title: 'Director', externalId: person.id }]);
  });

  it('by PATCH where there is none halts the platform, and says which setting is wrong', async () => {
    const { upsert } = await facing({ patch: false });
    const person = makePerson();
    const { account } = await upsert(person);
    const failure = await failureOf(upsert({ ...person, title: 'Director' }, account.id));
    expect(failure).toMatchObject({ code: 'unsupported', scope: 'platform', message: expect.stringContaining('quirks.update should be "put"') });
  });
});

describe('whose account it is', () => {
  it('one with our id is ours, whatever it is called and whoever vouches', async () => {
    const { upsert } = await facing();
    const person = makePerson({ emailTrusted: false });
    const { id } = application.user({ userName: 'renamed', externalId: person.id });
    expect(await upsert(person)).toEqual({ account: { id, privileged: false }, created: false });
    expect(application.users.get(id)!.userName).toBe(person.userName);
  });

  it('one with another external id is somebody else’s, even where the e-mail is vouched for', async () => {
    for (const findBy of ['externalId', 'userName'] as const) {
      const { upsert } = await facing({}, { quirks: { findBy } });
      const person = makePerson();
      const there = application.user({ userName: person.userName, externalId: 'of another house', emails: [{ value: person.email }] });
      expect(await failureOf(upsert(person))).toMatchObject({ name: 'TerminalFailure', code: 'conflict', scope: 'person' });
      expect(application.users.get(there.id)).toBe(there);
      if (findBy === 'externalId') await application.close();
    }
  });

  it('one of the same user name without the e-mail is not taken, because only the e-mail is vouched for', async () => {
    const { upsert } = await facing();
    const person = makePerson();
    const there = application.user({ userName: person.userName, emails: [{ value: 'somebody@else.example' }] });
    expect(await failureOf(upsert(person))).toMatchObject({ name: 'TerminalFailure', code: 'not-vouched' });
    expect(application.users.get(there.id)).toBe(there);
  });

  it('one that the application says it has already is found by its e-mail too', async () => {
    const { upsert } = await facing();
    const person = makePerson();
    const { id } = application.user({ userName: 'otherwise', emails: [{ value: person.email.toUpperCase() }] });
    application.trouble({ status: 400, body: JSON.stringify({ scimType: 'uniqueness', detail: person.email }), on: 'POST' });
    expect(await upsert(person)).toEqual({ account: { id, privileged: false }, created: false });
    expect(application.users.get(id)).toMatchObject({ userName: person.userName, externalId: person.id });
  });

  it('of several only the one with our id is ours; else nobody guesses', async () => {
    const { upsert } = await facing({}, { quirks: { findBy: 'userName' } });
    const person = makePerson();
    application.user({ userName: person.userName, emails: [{ value: person.email }] });
    const second = application.user({ userName: person.userName.toUpperCase(), emails: [{ value: person.email }] });
    expect(await failureOf(upsert(person))).toMatchObject({ name: 'TerminalFailure', code: 'conflict' });
    second.externalId = person.id;
    application.before('PATCH', () => application.users.delete([...application.users.keys()][0]!));
    expect((await upsert(person)).account.id).toBe(second.id);
  });

  it('an application that takes no notice of filters gives us nobody else’s account, on whatever page ours is', async () => {
    const { upsert } = await facing({ filters: 'ignored', page: 2 });
    for (let i = 0; i < 5; i++) application.user({ userName: `other${i}` });
    const person = makePerson();
    const { account } = await upsert(person);
    expect(application.users.get(account.id)!.externalId).toBe(person.id);
    expect((await upsert({ ...person, title: 'Director' })).account.id).toBe(account.id);
    expect(application.users.size).toBe(6);
  });

  it('a name with quotes and backslashes is searched for as it is', async () => {
    const { upsert } = await facing({ filters: ['userName'] }, { quirks: { findBy: 'userName' } });
    const person = makePerson({ userName: 'o"brien\\" or userName pr or "é' });
    application.user({ userName: 'other' });
    const { account } = await upsert(person);
    expect((await upsert(person)).account.id).toBe(account.id);
    expect(application.users.size).toBe(2);
  });

  it('find gives only what an upsert would take', async () => {
    const { connector } = await facing();
    const { signal } = new AbortController();
    const person = makePerson();
    const there = application.user({ userName: person.userName, emails: [{ value: person.email }] });
    expect(await connector.find({ ...person, emailTrusted: false }, signal)).toBeNull();
    expect(await connector.find(person, signal)).toEqual({ id: there.id, privileged: false });
    there.externalId = 'of another house';
    expect(await connector.find(person, signal)).toBeNull();
  });

  it('an application that does not search by externalId halts, and says which setting is wrong', async () => {
    const { upsert } = await facing({ filters: ['userName'] });
    const failure = await failureOf(upsert(makePerson()));
    expect(failure).toMatchObject({ code: 'unsupported', scope: 'platform', message: expect.stringContaining('quirks.findBy should be "userName"') });
    expect(application.users.size).toBe(0);
  });
});
