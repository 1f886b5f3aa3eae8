/** Tenant files under a running gateway: what is good is taken in, what is not leaves everything as it was and is told. */
import { once } from 'node:events';
import net from 'node:net';
import { afterAll, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { environment, eventually, freePort, startGateway, type TenantFolder, type TestGateway, tenantFolder } from './gateway.ts';
import { type GatewayProcess, spawnGateway } from './process.ts';
import { type Counterpart, counterpart, formWith, type ScriptedProvider, startScriptedProvider } from './saml-provider.ts';
import { createVisitor, type Visitor } from './visitor.ts';

jest.setTimeout(60_000); // one gateway here is a process of its own

let provider: ScriptedProvider;
beforeAll(async () => {
  provider = await startScriptedProvider();
});
afterAll(() => provider?.close());

const acme = (over: object = {}) => ({
  name: 'Acme',
  domains: ['acme.example'],
  provisioning: { limits: { removals: { share: '0%', atLeast: 0 } } },
  connections: [provider.connection('corp')],
  catalogue: { groups: [{ slug: 'staff', title: 'Staff' }] },
  rules: [{ id: 'staff', when: { group: 'All Staff' }, enrol: ['group:staff'] }],
  ...over,
});
const BROKEN = 'name: Acme\ndomains: [acme.example]\nrules:\n  - id: staff\n    when: { gruop: All Staff }\n';

interface Readiness {
  status: number;
  problems: { tenant: string; file: string; problems: number; at: string[] }[];
}
async function readiness(url: string): Promise<Readiness> {
  const answer = await fetch(`${url}/readyz`);
  return { ...((await answer.json()) as Readiness), status: answer.status };
}
const titleOf = async (url: string) => /Acme\w*/.exec(await (await fetch(`${url}/t/acme`)).text())![0];

async function signIn(baseUrl: string, corp: Counterpart): Promise<Visitor> {
  const visitor = createVisitor(baseUrl);
  const login = await corp.start(visitor);
  const page = await visitor.browser.post(login.acsUrl, formWith(await login.context.good(), login.relayState));
  expect(page.status).toBe(200);
  return visitor;
}

describe('a gateway that is told to read its files again', () => {
  let gateway: TestGateway;
  let corp: Counterpart;
  const reload = (content: string | object) => {
    gateway.folder.write('acme.yaml', content);
    return gateway.running.gateway.reload();
  };

  beforeAll(async () => {
    gateway = await startGateway({ tenants: { acme: acme() } });
    corp = await counterpart(gateway.baseUrl, provider.key);
  });
  afterAll(() => gateway?.close());

  it('keeps the last good version of a broken one, says where it is broken, and signs people in', async () => {
    const visitor = createVisitor(gateway.baseUrl);
    const login = await corp.start(visitor);
    await gateway.settled();
    const before = await gateway.snapshot();
    expect(await reload(BROKEN)).toMatchObject([{ tenantId: 'acme', outcome: 'broken' }]);
    expect(await gateway.snapshot()).toBe(before);
    const { status, problems } = await readiness(gateway.baseUrl);
    expect({ status, problems }).toMatchObject({ status: 200, problems: [{ tenant: 'acme', file: 'acme.yaml' }] });
    expect(problems[0]!.at).toContain('acme.yaml:5:13');
    expect(gateway.log).toContainEqual(expect.objectContaining({ msg: 'tenant file', tenant: 'acme', outcome: 'broken' }));
    const page = await visitor.browser.post(login.acsUrl, formWith(await login.context.good(), login.relayState));
    expect(page.status).toBe(200);
    expect(await visitor.enrolments()).toEqual({ 'group:staff': ['staff'] });
    await reload(acme());
    expect((await readiness(gateway.baseUrl)).problems).toEqual([]);
  });

  it('holds what one would take away beyond the limits, and says so; back again, nothing is held', async () => {
    const visitor = await signIn(gateway.baseUrl, corp);
    await gateway.settled();
    const [outcome] = await reload(acme({ rules: [] }));
    expect(outcome).toMatchObject({ outcome: 'updated', problems: [], publication: { state: 'done', brake: 'limit', losing: 0, holding: 1 } });
    expect(gateway.log).toContainEqual(expect.objectContaining({ msg: 'tenant file', tenant: 'acme', outcome: 'updated', held: 1 }));
    expect(await visitor.enrolments()).toEqual({ 'group:staff': ['staff'] });
    // A sign-in in between takes nothing either.
    expect(await (await signIn(gateway.baseUrl, corp)).enrolments()).toEqual({ 'group:staff': ['staff'] });
    expect(await gateway.house.store.people.heldCounts('acme')).toMatchObject({ people: 1, changes: 1 });
    await reload(acme());
    expect(await gateway.house.store.people.heldCounts('acme')).toMatchObject({ people: 0, changes: 0 });
  });

  it('takes a good change in at once, for people who are signed in too', async () => {
    const visitor = await signIn(gateway.baseUrl, corp);
    const more = {
      catalogue: {
        groups: [
          { slug: 'staff', title: 'Staff' },
          { slug: 'more', title: 'More' },
        ],
      },
    };
    const rules = [{ id: 'staff', when: { group: 'All Staff' }, enrol: ['group:staff', 'group:more'] }];
    expect(await reload(acme({ ...more, rules }))).toMatchObject([{ outcome: 'updated', publication: { gaining: 1, losing: 0 } }]);
    expect(await visitor.enrolments()).toEqual({ 'group:more': ['staff'], 'group:staff': ['staff'] });
    gateway.folder.write('second.yaml', { name: 'Second' });
    await gateway.running.gateway.reload();
    expect((await fetch(`${gateway.baseUrl}/t/second`)).status).toBe(200);
  });
});

describe('the process', () => {
  let node: GatewayProcess;
  let folder: TenantFolder;
  beforeAll(async () => {
    folder = tenantFolder({ tenants: { acme: acme() } });
    node = spawnGateway(environment(await freePort(), folder.path, {}));
    await node.ready;
  });
  afterAll(async () => {
    await node?.stop();
    folder?.remove();
  });

  it('takes changes in on SIGHUP without dropping a sign-in under way, and a broken file does not end it', async () => {
    const corp = await counterpart(node.url, provider.key);
    const visitor = createVisitor(node.url);
    const login = await corp.start(visitor);
    folder.write('acme.yaml', acme({ name: 'AcmeWorldwide' }));
    node.signal('SIGHUP');
    await eventually(async () => ((await titleOf(node.url)) === 'AcmeWorldwide' ? true : null));
    folder.write('acme.yaml', BROKEN);
    node.signal('SIGHUP');
    await eventually(async () => ((await readiness(node.url)).problems.length === 1 ? true : null));
    const page = await visitor.browser.post(login.acsUrl, formWith(await login.context.good(), login.relayState));
    expect(page.status).toBe(200);
    expect(await titleOf(node.url)).toBe('AcmeWorldwide');
  });

  it('on SIGTERM answers who is being served, takes nobody new, and ends with 0', async () => {
    const corp = await counterpart(node.url, provider.key);
    const visitor = createVisitor(node.url);
    const login = await corp.start(visitor);
    const body = new URLSearchParams(formWith(await login.context.good(), login.relayState)).toString();
    const { hostname, port, pathname } = new URL(login.acsUrl);
    const cookie = [...visitor.browser.cookies(node.url)].map((pair) => pair.join('=')).join('; ');
    const socket = net.connect(Number(port), hostname);
    const heard: string[] = [];
    socket.setEncoding('utf8').on('data', (text: string) => void heard.push(text));
    const head = [`POST ${pathname} HTTP/1.1`, `Host: ${hostname}:${port}`, `Cookie: ${cookie}`, 'Content-Type: application/x-www-form-urlencoded'];
    socket.write(`${head.join('\r\n')}\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 100)}`);
    await eventually(async () => ((await fetch(`${node.url}/healthz`)).ok ? true : null));
    node.signal('SIGTERM');
    await eventually(async () =>
      fetch(`${node.url}/healthz`).then(
        () => null,
        () => true,
      ),
    );
    socket.write(body.slice(100));
    await once(socket, 'close');
    expect(heard.join('')).toMatch(/^HTTP\/1\.1 303 [\s\S]*\r\nLocation: \/t\/acme\/learning\r\n/i);
    expect(heard.join('')).toMatch(/\r\nSet-Cookie: matricula=/i);
    expect(await node.ended).toBe(0);
    expect(node.log.at(-1)).toMatchObject({ msg: 'closed' });
  });
});
