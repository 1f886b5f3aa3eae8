/** How calls of connectors end, over real HTTP. */
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { TransientFailure } from '../../src/connectors/connector.ts';
import { createSend, type Gate } from '../../src/connectors/send.ts';
import { createGuardedFetch } from '../../src/lib/fetch.ts';
import { sendOnLoopback } from './send.ts';

const paths: Record<string, (response: ServerResponse) => void> = {
  '/silent': () => {},
  '/large': (response) => response.writeHead(200).end('x'.repeat(1_048_577)),
  '/largest': (response) => response.writeHead(200).end('x'.repeat(1_048_576)),
  '/latin1': (response) => response.writeHead(200).end(Buffer.from([0xe9])),
  '/gzip': (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'),
  '/redirect': (response) => response.writeHead(302, { location: '/largest' }).end(),
  '/cut': (response) => response.destroy(),
  '/teapot': (response) => response.writeHead(418, { 'x-tea': 'green' }).end('é'),
};
const arrived: { path: string; response: ServerResponse }[] = [];
const server = createServer((request, response) => {
  arrived.push({ path: request.url!, response });
  paths[request.url!]?.(response);
});
let origin: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.closeAllConnections();
  return new Promise((resolve) => server.close(resolve));
});

const get = (path: string, over: Partial<Parameters<typeof sendOnLoopback>[0]> = {}, send = sendOnLoopback) =>
  send({ method: 'GET', url: path.startsWith('/') ? origin + path : path, signal: new AbortController().signal, ...over });

describe('a call', () => {
  it('gives any answer to its connector to judge', async () => {
    const { status, headers, text } = await get('/teapot');
    expect({ status, tea: headers.get('x-tea'), text }).toEqual({ status: 418, tea: 'green', text: 'é' });
    expect((await get('/largest')).text).toHaveLength(1_048_576);
  });

  it.each([
    ['/large', 'TransientFailure', 'nonsense', 'person'],
    ['/latin1', 'TransientFailure', 'nonsense', 'person'],
    ['/gzip', 'TransientFailure', 'nonsense', 'person'],
    ['/redirect', 'TransientFailure', 'nonsense', 'person'],
    ['/cut', 'TransientFailure', 'network', 'platform'],
    ['http://127.0.0.1:1/', 'TransientFailure', 'network', 'platform'],
    ['https://10.0.0.1/', 'TerminalFailure', 'configuration', 'platform'],
    ['http://lms.example/', 'TerminalFailure', 'configuration', 'platform'],
    ['https://u:hush@lms.example/', 'TerminalFailure', 'configuration', 'platform'],
    ['nowhere', 'TerminalFailure', 'configuration', 'platform'],
  ])('to %s ends as %s %s', async (path, name, code, scope) => {
    const failure = await get(`${path}`).catch((error: Error) => error);
    expect(failure).toMatchObject({ name, code, scope });
    expect((failure as Error).message).not.toMatch(/hush|^\w+: /);
  });

  it('ends with its deadline, and with the attempt', async () => {
    await expect(get('/silent', { deadlineMs: 30 })).rejects.toMatchObject({ name: 'TransientFailure', code: 'timeout', scope: 'platform' });
    const attempt = new AbortController();
    const before = arrived.length;
    const ended = expect(get('/silent', { signal: attempt.signal })).rejects.toMatchObject({ name: 'TransientFailure', code: 'timeout' });
    while (arrived.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
    attempt.abort();
    await ended;
  });

  it('is not made when its attempt has ended', async () => {
    const before = arrived.length;
    await expect(get('/teapot', { signal: AbortSignal.abort() })).rejects.toMatchObject({ name: 'TransientFailure', code: 'timeout' });
    expect(arrived).toHaveLength(before);
  });

  it('with a credential that cannot be sent is refused, and does not show it', async () => {
    for (const bad of ['hush\r\nx: y', 'húsh\u2028']) {
      const failure = await get('/teapot', { headers: { authorization: `Bearer ${bad}` } }).catch((error: Error) => error);
      expect(failure).toMatchObject({ name: 'TerminalFailure', code: 'configuration', scope: 'platform' });
      expect(`${(failure as Error).message} ${(failure as Error).cause}`).not.toMatch(/hush|húsh/);
    }
  });
});

describe('the gate', () => {
  it('is entered before each call and left after it, however it ends', async () => {
    const seen: string[] = [];
    const gate: Gate = {
      async enter(_signal, counted) {
        seen.push(`in ${counted} ${arrived.length}`);
        return () => void seen.push('out');
      },
    };
    const send = createSend(createGuardedFetch({ loopback: true }), gate);
    const before = arrived.length;
    await get('/teapot', {}, send);
    await get('/cut', { counted: false }, send).catch(() => {});
    expect(seen).toEqual([`in true ${before}`, 'out', `in false ${before + 1}`, 'out']);
  });

  it('that lets nobody in ends the call in its own words, and nothing is sent', async () => {
    const full = new TransientFailure('timeout', 'its turn did not come in time', { scope: 'platform' });
    const send = createSend(createGuardedFetch({ loopback: true }), { enter: () => Promise.reject(full) });
    const before = arrived.length;
    await expect(get('/teapot', {}, send)).rejects.toBe(full);
    expect(arrived).toHaveLength(before);
  });
});
