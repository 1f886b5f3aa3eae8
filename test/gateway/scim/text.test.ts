/** Text that no database can hold, wherever a client may put it; and a custom field that the tenant file names later. */
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parseTenantFile } from '../../../src/config/tenant-file.ts';
import { takeIn } from '../../../src/flows/apply-tenants.ts';
import { describeWith } from '../../services.ts';
import { postgres, sqliteFile } from '../../store/backends.ts';
import { form, hire } from './people.ts';
import { company, type ScimWorld, startWorld } from './world.ts';

for (const backend of [sqliteFile, postgres]) {
  describeWith(backend.needs, `text that cannot be held, on ${backend.name}`, () => {
    let world: ScimWorld;
    beforeAll(async () => {
      world = await startWorld({ backend });
    });
    afterAll(() => world?.close());

    it.each([
      ['POST', '/Users', { userName: 'a\u0000b' }],
      ['POST', '/Users', { userName: 'half \ud800 of a pair' }],
      ['POST', '/Users', { userName: 'fine1', ['urn:x:y:z']: { 'a\u0000b': 'c' } }],
      ['POST', '/Users', { userName: 'fine2', ['urn:x:\u0000:z']: { a: 'c' } }],
      ['POST', '/Users', { userName: 'fine3', title: '\udfff' }],
      ['POST', '/Groups', { displayName: 'a\u0000b' }],
      ['POST', '/Groups', { displayName: 'a', externalId: '\ud800' }],
    ])('%s %s %j is refused, and the reason names the place', async (_method, path, body) => {
      const answer = await world.client.post(path, body);
      expect({ status: answer.status, scimType: answer.body.scimType }).toEqual({ status: 400, scimType: 'invalidValue' });
    });

    it.each(['/Users/%00', '/Users/a%00b', '/Groups/a%00b', '/Users/%ED%A0%80'])('nobody is at %s', async (path) => {
      for (const answer of [await world.client.get(path), await world.client.delete(path)]) expect([400, 404]).toContain(answer.status);
    });

    it('a key that is none is left out, and what it was called can be read in the sync log', async () => {
      const answer = await world.client.post('/Users', { userName: 'odd.key@acme.example', 'x\u0000y': 1 });
      expect(answer.status).toBe(201);
      const [line] = (await world.journal()).filter(({ resourceId }) => resourceId === answer.body.id);
      expect(line?.detail['ignored']).toEqual([expect.stringContaining('x\ufffdy')]);
    });

    it('a member that is no text keeps nobody else out', async () => {
      const user = await hire(world.client);
      const group = await form(world.client, { members: [{ value: user.id }, { value: 'nobody\u0000' }] });
      expect((await world.client.get(`/Groups/${group.id}`)).body.members).toMatchObject([{ value: user.id }]);
    });
  });
}

describe('a custom field', () => {
  it('that the tenant file names later is filled from what the directory said before', async () => {
    const world = await startWorld();
    try {
      const user = await hire(world.client, { 'urn:acme:scim:2.0:User': { costCode: '4711' } });
      const text = JSON.stringify(company({ scim: { fields: { 'urn:acme:scim:2.0:User:costCode': 'cost_code' } } }));
      const parsed = parseTenantFile(text, { file: 'acme.yaml', tenantId: 'acme', baseDir: '.' });
      if (!parsed.ok) throw new Error('the file is not sound');
      await takeIn(world.gateway.house.flow, { tenantId: 'acme', file: 'acme.yaml', text, parsed }, { actor: 'test', allowRemovals: false });
      expect((await world.gateway.house.store.people.state('acme', user.id))?.user.fields).toEqual({ cost_code: '4711' });
    } finally {
      await world.close();
    }
  });
});
