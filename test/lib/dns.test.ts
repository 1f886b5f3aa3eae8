/** TXT records over real datagrams, from a name server on loopback. */
import { afterEach, beforeEach, expect, it, jest } from '@jest/globals';
import { createResolveTxt } from '../../src/lib/dns.ts';
import { type DnsServer, startDns } from '../dns-server.ts';

jest.setTimeout(40_000); // silence is waited for

let dns: DnsServer;
let resolveTxt: ReturnType<typeof createResolveTxt>;

beforeEach(async () => {
  dns = await startDns();
  resolveTxt = createResolveTxt(dns.address);
});
afterEach(() => dns.close());

it('every record is one text, however many parts it came in', async () => {
  const long = 'matricula-domain-verification='.padEnd(450, 'x');
  dns.set('_matricula.acme.example', ['v=spf1 -all', long]);
  expect((await resolveTxt('_matricula.acme.example')).sort()).toEqual([long, 'v=spf1 -all']);
});

it('a name that is unknown has no records, and neither has one without TXT', async () => {
  expect(await resolveTxt('_matricula.nowhere.example')).toEqual([]);
  dns.set('_matricula.acme.example', []);
  expect(await resolveTxt('_matricula.acme.example')).toEqual([]);
});

it('a name server that stays silent is asked again, and then it is no answer: never an empty one', async () => {
  dns.set('_matricula.acme.example', ['there']);
  dns.silent(true);
  const began = performance.now();
  await expect(resolveTxt('_matricula.acme.example')).rejects.toMatchObject({ code: 'ETIMEOUT' });
  expect(performance.now() - began).toBeGreaterThan(9000);
  expect(performance.now() - began).toBeLessThan(30_000);
  dns.silent(false);
  expect(await resolveTxt('_matricula.acme.example')).toEqual(['there']);
});
