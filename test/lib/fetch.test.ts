import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isPublicAddress } from '../../src/lib/address.ts';
import { addressRule, createGuardedFetch, fetchText, type GuardedFetch, guardedLookup } from '../../src/lib/fetch.ts';

const strict = createGuardedFetch({ loopback: false });
const lenient = createGuardedFetch({ loopback: true, deadlineMs: 1_500, maxBytes: 10_000 });

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const paths: Record<string, Handler> = {
  '/echo': async (request, response) => {
    const body = Buffer.concat(await request.toArray()).toString();
    response.writeHead(200, { 'content-type': 'application/json; charset=utf-8', 'x-two': ['a', 'b'] });
    response.end(JSON.stringify({ method: request.method, headers: request.headers, body }));
  },
  '/empty': (_, response) => response.writeHead(204).end(),
  '/missing': (_, response) => response.writeHead(404, { 'content-type': 'text/plain' }).end('no'),
  '/redirect': (_, response) => response.writeHead(302, { location: '/echo' }).end(),
  '/announced-large': (_, response) => response.writeHead(200, { 'content-length': '20000' }).end('x'.repeat(20_000)),
  '/large': (_, response) => response.writeHead(200, { 'transfer-encoding': 'chunked' }).end('x'.repeat(20_000)),
  '/gzip': (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(gzipSync('x'.repeat(1_000_000))),
  '/silent': () => {},
  '/drip': (_, response) => {
    response.writeHead(200);
    const timer = setInterval(() => response.write('.'), 20);
    response.on('close', () => clearInterval(timer));
  },
  '/latin1': (_, response) => response.writeHead(200, { 'content-type': 'text/plain' }).end(Buffer.from([0xe9])),
  '/hang-up': (_, response) => response.destroy(),
};

let origin: string;
let calls = 0;
const server = createServer((request, response) => {
  calls++;
  paths[request.url ?? '']?.(request, response);
});
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const failing = (fetch: GuardedFetch, url: string, init?: Parameters<GuardedFetch>[1]) => expect(fetch(url, init)).rejects;

describe('an address that an administrator gave is refused', () => {
  it.each([
    ['loopback', 'https://127.0.0.1/'],
    ['loopback in decimal', 'https://2130706433/'],
    ['loopback in hex', 'https://0x7f000001/'],
    ['loopback in octal', 'https://0177.0.0.1/'],
    ['loopback cut short', 'https://127.1/'],
    ['loopback in full-width digits', 'https://１２７.０.０.１/'],
    ['loopback in IPv6', 'https://[::1]/'],
    ['loopback mapped into IPv6', 'https://[::ffff:127.0.0.1]/'],
    ['loopback mapped into IPv6 in hex', 'https://[::ffff:7f00:1]/'],
    ['a name that resolves to loopback', 'https://localhost/'],
    ['no host', 'https://0/'],
    ['metadata service', 'https://169.254.169.254/latest/meta-data'],
    ['metadata service in decimal', 'https://2852039166/'],
    ['metadata service mapped into IPv6', 'https://[::ffff:a9fe:a9fe]/'],
    ['link-local in IPv6', 'https://[fe80::1]/'],
    ['private network', 'https://10.0.0.1/'],
    ['private network in hex', 'https://0x0a000001/'],
    ['private network', 'https://172.16.5.4/'],
    ['private network', 'https://192.168.0.1/'],
    ['shared network of carriers', 'https://100.64.1.1/'],
    ['unique local', 'https://[fd00::1]/'],
    ['IPv4 behind 6to4', 'https://[2002:7f00:1::]/'],
    ['IPv4 behind NAT64', 'https://[64:ff9b::7f00:1]/'],
    ['multicast', 'https://224.0.0.1/'],
    ['broadcast', 'https://255.255.255.255/'],
  ])('%s: %s', async (_what, url) => {
    await failing(strict, url).toMatchObject({ failure: 'address' });
  });

  it.each([
    ['http', 'http://93.184.216.34/', 'scheme'],
    ['http on loopback', 'http://127.0.0.1/', 'scheme'],
    ['file', 'file:///etc/passwd', 'scheme'],
    ['data', 'data:text/plain,x', 'scheme'],
    ['ftp', 'ftp://idp.example/', 'scheme'],
    ['gopher', 'gopher://127.0.0.1:6379/_', 'scheme'],
    ['user info', 'https://idp.example@127.0.0.1/', 'url'],
    ['relative', '/metadata', 'url'],
    ['nothing', '', 'url'],
  ])('for its form: %s', async (_what, url, failure) => {
    await failing(strict, url).toMatchObject({ failure });
  });

  it('in whatever spelling a private address comes', async () => {
    const privateIp = fc.tuple(fc.constantFrom(10, 127), fc.nat(255), fc.nat(255), fc.nat(255));
    const spelling = fc.constantFrom(
      (n: number) => String(n),
      (n: number) => `0x${n.toString(16)}`,
      (n: number) => `0${n.toString(8)}`,
      (n: number) => `[::ffff:${(n >>> 16).toString(16)}:${(n & 0xffff).toString(16)}]`,
    );
    await fc.assert(
      fc.asyncProperty(privateIp, spelling, async ([a, b, c, d], spell) => {
        const url = `https://${spell(((a << 24) | (b << 16) | (c << 8) | d) >>> 0)}/`;
        await failing(strict, url).toMatchObject({ failure: 'address' });
      }),
    );
  });

  it('even where loopback is allowed, in other networks', async () => {
    for (const url of ['https://10.0.0.1/', 'https://169.254.169.254/']) await failing(lenient, url).toMatchObject({ failure: 'address' });
    await failing(lenient, 'http://10.0.0.1/').toMatchObject({ failure: 'scheme' });
  });

  it('unless it is in a network that the operator allows, and never loopback or a metadata service', async () => {
    const inside = createGuardedFetch({
      loopback: false,
      networks: ['10.255.0.0/16', '169.254.0.0/16', '100.64.0.0/10', 'fd00::/8'],
      deadlineMs: 200,
    });
    await failing(inside, 'https://10.255.255.1/').toMatchObject({ failure: 'network' });
    await failing(inside, 'https://[::ffff:10.255.255.1]/').toMatchObject({ failure: 'network' });
    const refused = [
      '10.254.0.1',
      '192.168.0.1',
      '127.0.0.1',
      '0.0.0.0',
      '169.254.169.254',
      '169.254.170.2',
      '100.100.100.200',
      '[fd00:ec2::254]',
      '[::1]',
    ];
    for (const host of [...refused, '[::ffff:a9fe:a9fe]', '[fe80::1]', 'localhost'])
      await failing(inside, `https://${host}/`).toMatchObject({ failure: 'address' });
    await failing(inside, 'http://10.255.255.1/').toMatchObject({ failure: 'scheme' });
  });

  it('without a word about its path or query', async () => {
    await failing(strict, 'https://127.0.0.1/hook?token=hush').toMatchObject({ message: 'address: https://127.0.0.1 is not a public address' });
  });
});

describe('a name that is connected to', () => {
  const lookup = (addresses: string[], options: { all?: boolean } = { all: true }) =>
    new Promise((resolve, reject) => {
      const answer = addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 }));
      const guarded = guardedLookup(isPublicAddress, (_name, _options, callback) => callback(null, answer));
      guarded('idp.example', options, (error, ...found) => (error ? reject(error) : resolve(found)));
    });

  it('leads to the addresses that were judged', async () => {
    expect(await lookup(['8.8.8.8', '2606:4700::1111'])).toEqual([
      [
        { address: '8.8.8.8', family: 4 },
        { address: '2606:4700::1111', family: 6 },
      ],
    ]);
    expect(await lookup(['8.8.8.8'], {})).toEqual(['8.8.8.8', 4]);
  });

  it.each([[['10.0.0.1']], [['::1']], [['8.8.8.8', '127.0.0.1']], [['2606:4700::1111', '::ffff:169.254.169.254']], [[]]])(
    'is refused when any of its addresses is not public: %j',
    async (addresses) => {
      await expect(lookup(addresses)).rejects.toMatchObject({ failure: 'address' });
      await expect(lookup(addresses, {})).rejects.toMatchObject({ failure: 'address' });
    },
  );
});

describe('a name in a network that the operator allows', () => {
  const resolve = (addresses: string[], networks: string[]) =>
    new Promise((done, reject) => {
      const guarded = guardedLookup(addressRule({ loopback: false, networks }), (_name, _options, callback) =>
        callback(
          null,
          addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
        ),
      );
      guarded('hooks.acme.example', {}, (error, address) => (error ? reject(error) : done(address)));
    });

  it('is connected to, alone or together with public addresses', async () => {
    expect(await resolve(['10.20.3.4'], ['10.20.0.0/16'])).toBe('10.20.3.4');
    expect(await resolve(['::ffff:10.20.3.4'], ['10.20.0.0/16'])).toBe('::ffff:10.20.3.4');
    expect(await resolve(['8.8.8.8', 'fd12::7'], ['fd12::/16'])).toBe('8.8.8.8');
  });

  it.each([
    [['10.21.0.1']],
    [['10.20.0.1', '10.21.0.1']],
    [['10.20.0.1', '127.0.0.1']],
    [['169.254.169.254']],
    [['::ffff:169.254.169.254']],
    [['fd00:ec2::254']],
  ])('is refused when it also leads elsewhere, or where nothing is ever called: %j', async (addresses) => {
    await expect(resolve(addresses, ['10.20.0.0/16', '169.254.0.0/16', 'fd00::/8'])).rejects.toMatchObject({ failure: 'address' });
  });
});

describe('a call out', () => {
  it('on allowed loopback sends what it is given, and never asks for compression', async () => {
    const headers = { 'x-one': '1', 'accept-encoding': 'gzip' };
    const response = await lenient(`${origin}/echo`, { method: 'POST', headers, body: new URLSearchParams({ a: '1 2' }) });
    expect(response.status).toBe(200);
    expect(response.headers.get('x-two')).toBe('a, b');
    expect(await response.json()).toMatchObject({ method: 'POST', body: 'a=1+2', headers: { 'x-one': '1', 'accept-encoding': 'identity' } });
  });

  it('reaches localhost by name', async () => {
    const response = await lenient(`${origin.replace('127.0.0.1', 'localhost')}/echo`);
    expect(response.status).toBe(200);
  });

  it.each([
    ['/redirect', 'redirect'],
    ['/announced-large', 'size'],
    ['/large', 'size'],
    ['/gzip', 'encoding'],
    ['/silent', 'deadline'],
    ['/drip', 'deadline'],
    ['/hang-up', 'network'],
  ])('to %s fails as %s', async (path, failure) => {
    await failing(lenient, origin + path).toMatchObject({ name: 'FetchError', failure });
  });

  it('to a closed port fails as network', async () => {
    await failing(lenient, 'http://127.0.0.1:1/').toMatchObject({ failure: 'network' });
  });

  it('leaves statuses other than redirects to its caller', async () => {
    expect((await lenient(`${origin}/missing`, { contentTypes: ['application/json'] })).status).toBe(404);
    expect((await lenient(`${origin}/empty`)).status).toBe(204);
  });

  it('may have a limit and types of its own', async () => {
    await failing(lenient, `${origin}/echo`, { maxBytes: 10 }).toMatchObject({ failure: 'size' });
    expect(await fetchText(lenient, `${origin}/large`, { maxBytes: 30_000 })).toHaveLength(20_000);
    await failing(lenient, `${origin}/echo`, { contentTypes: ['application/xml'] }).toMatchObject({ failure: 'content-type' });
    expect((await lenient(`${origin}/echo`, { contentTypes: ['application/json'] })).status).toBe(200);
  });

  it('ends with its caller’s signal', async () => {
    await failing(lenient, `${origin}/silent`, { signal: AbortSignal.timeout(20) }).toMatchObject({ failure: 'deadline' });
  });

  it('is not made when its caller’s signal has ended already', async () => {
    const before = calls;
    await failing(lenient, `${origin}/echo`, { signal: AbortSignal.abort() }).toMatchObject({ failure: 'deadline' });
    expect((await lenient(`${origin}/echo`)).status).toBe(200);
    expect(calls).toBe(before + 1);
  });
});

describe('a text that is fetched', () => {
  it('is that of a 200 answer', async () => {
    await expect(fetchText(lenient, `${origin}/missing`)).rejects.toMatchObject({ failure: 'status' });
  });
  it('is UTF-8', async () => {
    await expect(fetchText(lenient, `${origin}/latin1`)).rejects.toMatchObject({ failure: 'encoding' });
  });
});
