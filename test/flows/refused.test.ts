/** A refusal reaches the journal whatever it quotes. */
import { expect, it } from '@jest/globals';
import { Refusal } from '../../src/core/refusal.ts';
import type { Tenant } from '../../src/core/tenant.ts';
import { recordRefusal } from '../../src/flows/refused.ts';
import { newId } from '../../src/lib/ids.ts';
import { silentLog } from '../../src/lib/log.ts';
import { openDatabase } from '../../src/store/open.ts';
import { createStore } from '../../src/store/store.ts';

it.each([
  ['half a character', 'x\ud83d'],
  ['U+0000', 'x\0y'],
  ['a character that the limit cuts in two', `${'x'.repeat(460)}${'\ud83d\ude00'.repeat(50)}`],
])('a refusal that quotes %s is in journal and sign-in log', async (_what, quoted) => {
  const database = await openDatabase('sqlite::memory:');
  const store = createStore(database);
  const deps = { store, log: silentLog, now: () => new Date(), newId: () => newId() };
  const at = { tenant: { id: 'acme' } as Tenant, connection: null };
  await recordRefusal(deps, new Refusal('message-misdirected', 'saml/destination', quoted), at, { reference: 'R', ip: '::1' });
  expect(await store.journal.list('acme', { limit: 5 })).toMatchObject([{ outcome: 'FAILED', detail: { check: 'saml/destination' } }]);
  expect(await store.journal.signIns('acme', { limit: 5 })).toMatchObject([{ outcome: 'FAILED', check: 'saml/destination' }]);
  await database.close();
});
