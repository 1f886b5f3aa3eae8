/** Stores that go away: whoever comes is told so with a reference, nothing is half done, and it all goes on by itself. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import type { Page } from '../../fixtures/demo/browser.ts';
import { describeWith, redisUrl } from '../services.ts';
import { administer, type Place, postgres } from '../store/backends.ts';
import { type Wire, wireTo } from '../store/proxy.ts';
import { eventually, startGateway, type TestGateway } from './gateway.ts';
import { type Counterpart, counterpart, formWith, type ScriptedProvider, startScriptedProvider } from './saml-provider.ts';
import { createVisitor, shown, type Visitor } from './visitor.ts';

let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startScriptedProvider();
});
afterAll(() => provider?.close());

const tenants = () => ({ acme: { name: 'Acme', domains: ['acme.example'], connections: [provider.connection('corp')] } });

/** A wire to a service, and the service's address through it. */
async function wired(address: string, usualPort: number): Promise<{ wire: Wire; url: string }> {
  const url = new URL(address);
  const wire = await wireTo(url.hostname, Number(url.port || usualPort));
  return { wire, url: Object.assign(url, { hostname: '127.0.0.1', port: String(wire.port) }).href };
}

const statusOf = async ({ baseUrl }: TestGateway, path: string) => (await fetch(baseUrl + path, { headers: { accept: 'text/html' } })).status;
const readiness = async ({ baseUrl }: TestGateway) => {
  const answer = await fetch(`${baseUrl}/readyz`);
  return { ...((await answer.json()) as { checks: Record<string, string> }), status: answer.status };
};
const readyAgain = (gateway: TestGateway) => eventually(async () => ((await statusOf(gateway, '/readyz')) === 200 ? true : null), 15_000);

/** Everything that a browser could want, while a store that it needs is away. */
async function allUnavailable(
  gateway: TestGateway,
  { visitor, insider, post }: { visitor: Visitor; insider: Visitor; post: () => Promise<Page> },
): Promise<void> {
  const { baseUrl } = gateway;
  const asked = [
    await visitor.browser.get(`${baseUrl}/t/acme/login/corp`),
    await post(),
    await insider.browser.get(`${baseUrl}/t/acme/learning`),
    await insider.browser.get(`${baseUrl}/t/acme/me`, { accept: 'application/json' }),
  ];
  for (const page of asked) {
    const told = shown(page);
    expect(told).toEqual({ status: 503, code: 'unavailable', reference: page.headers.get('x-request-reference') });
    expect(page.headers.get('retry-after')).not.toBeNull();
    expect(gateway.log).toContainEqual(expect.objectContaining({ msg: 'a store is away', reference: told.reference }));
  }
  expect(await statusOf(gateway, '/healthz')).toBe(200);
  expect(await statusOf(gateway, '/')).toBe(200);
}

describe.each([
  { store: 'PostgreSQL', needs: 'postgres' as const, checks: { database: 'away', kv: 'away' } },
  { store: 'Redis', needs: 'redis' as const, checks: { database: 'ok', kv: 'away' } },
])('$store', ({ store, needs, checks }) => {
  describeWith(needs, `${store} goes away under a running gateway`, () => {
    let place: Place | null = null;
    let wire: Wire;
    let gateway: TestGateway;
    let corp: Counterpart;

    beforeAll(async () => {
      place = needs === 'postgres' ? await postgres.make() : null;
      const through = await wired(place?.url ?? redisUrl, needs === 'postgres' ? 5432 : 6379);
      wire = through.wire;
      gateway = await startGateway({ tenants: tenants(), ...(place ? { database: through.url } : { redis: through.url }) });
      corp = await counterpart(gateway.baseUrl, provider.key);
    });
    afterEach(() => wire.mend());
    afterAll(async () => {
      await gateway?.close();
      await wire?.cut();
      await place?.drop();
    });

    async function signedIn(): Promise<Visitor> {
      const visitor = createVisitor(gateway.baseUrl);
      const login = await corp.start(visitor);
      expect((await visitor.browser.post(login.acsUrl, formWith(await login.context.good(), login.relayState))).status).toBe(200);
      return visitor;
    }

    it('a login under way and an open session outlive it; in between every page is a 503 with a reference', async () => {
      const insider = await signedIn();
      const visitor = createVisitor(gateway.baseUrl);
      const login = await corp.start(visitor);
      const answer = formWith(await login.context.good({ nameId: 'late', attributes: [['email', ['late@acme.example']]] }), login.relayState);
      const post = () => visitor.browser.post(login.acsUrl, answer);
      await wire.cut();
      await allUnavailable(gateway, { visitor, insider, post });
      expect(await readiness(gateway)).toMatchObject({ status: 503, checks });
      await wire.mend();
      await readyAgain(gateway);
      expect((await post()).status).toBe(200);
      expect((await visitor.me()).user.email).toBe('late@acme.example');
      expect(await insider.meStatus()).toBe(200);
    });

    it('connections that break while nobody asks are made anew without anybody noticing for long', async () => {
      const insider = await signedIn();
      if (place) {
        const name = new URL(place.url).pathname.slice(1);
        await administer('select pg_terminate_backend(pid) from pg_stat_activity where datname = $1', [name]);
      } else {
        await wire.cut();
        await wire.mend();
      }
      const seen: number[] = [];
      await eventually(async () => {
        seen.push(await insider.meStatus());
        return seen.at(-1) === 200 ? true : null;
      });
      expect(seen.slice(0, -1).every((status) => status === 503)).toBe(true);
      await signedIn();
    });
  });
});
