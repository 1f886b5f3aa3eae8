/** Applications that learners are handed over to, each with its own idea of whom to believe: one that takes a signed JWT, and a forum that asks first. */
import { createHmac, randomBytes } from 'node:crypto';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose';
import { listening } from './gateway.ts';

export interface Receiver {
  url: string;
  /** What was believed, in order. */
  arrivals: { claims: JWTPayload; alg: string; asked: Record<string, string> }[];
  close(): Promise<void>;
}

/** `trust`: the shared secret, or the address of the sender's key set. Says `Hello` to whom it believes; a JWT is believed once. */
export async function startReceiver(trust: () => string | { keySet: string }, now = () => new Date()): Promise<Receiver> {
  const arrivals: Receiver['arrivals'] = [];
  const used = new Set<string>();
  const answer = async (req: IncomingMessage, res: ServerResponse) => {
    const said = req.method === 'POST' ? new URLSearchParams(await bodyOf(req)) : new URL(req.url!, 'http://receiver').searchParams;
    const { jwt = '', ...asked } = Object.fromEntries(said);
    const by = trust();
    const options = { currentDate: now(), requiredClaims: ['iat', 'jti', 'exp'] };
    const { payload, protectedHeader } =
      typeof by === 'string'
        ? await jwtVerify(jwt, Buffer.from(by), { ...options, algorithms: ['HS256'] })
        : await jwtVerify(jwt, createRemoteJWKSet(new URL(by.keySet)), { ...options, algorithms: ['RS256', 'ES256'] });
    if (used.has(payload.jti!)) throw new Error('used before');
    used.add(payload.jti!);
    arrivals.push({ claims: payload, alg: protectedHeader.alg, asked });
    res.end(`Hello ${payload['email']}`);
  };
  const { url, close } = await started(answer);
  return { url, arrivals, close };
}

export interface Forum {
  url: string;
  /** Where it sends people to have them signed in. */
  signsInAt: string;
  /** What it believed of whom, in order. */
  arrivals: Record<string, string>[];
  close(): Promise<void>;
}

/** DiscourseConnect as its vendor describes it, with nonces that work once. */
export async function startForum(secret: string): Promise<Forum> {
  const arrivals: Forum['arrivals'] = [];
  const nonces = new Map<string, string>();
  const sign = (sso: string) => createHmac('sha256', secret).update(sso).digest('hex');
  const answer = async (req: IncomingMessage, res: ServerResponse) => {
    const { pathname, searchParams } = new URL(req.url!, forum.url);
    if (pathname === '/session/sso') {
      const nonce = randomBytes(16).toString('hex');
      nonces.set(nonce, searchParams.get('return_path') ?? '/');
      const sso = Buffer.from(new URLSearchParams({ nonce, return_sso_url: `${forum.url}/session/sso_login` }).toString()).toString('base64');
      return void res.writeHead(302, { location: `${forum.signsInAt}?${new URLSearchParams({ sso, sig: sign(sso) })}` }).end();
    }
    if (pathname !== '/session/sso_login') return void res.end(`You are at ${req.url}`);
    const sso = searchParams.get('sso') ?? '';
    if (searchParams.get('sig') !== sign(sso)) throw new Error('not signed');
    const said = Object.fromEntries(new URLSearchParams(Buffer.from(sso, 'base64').toString()));
    const path = nonces.get(said['nonce']!);
    if (path === undefined) throw new Error('no such nonce');
    nonces.delete(said['nonce']!);
    arrivals.push(said);
    res.writeHead(302, { location: path }).end();
  };
  const { url, close } = await started(answer);
  const forum: Forum = { url, signsInAt: '', arrivals, close };
  return forum;
}

/** Whom it does not believe gets 403 and why. */
async function started(answer: (req: IncomingMessage, res: ServerResponse) => Promise<void>): Promise<{ url: string; close(): Promise<void> }> {
  const server: Server = createServer((req, res) => {
    answer(req, res).catch((error: Error) => res.writeHead(403).end(error.message));
  });
  const { port } = await listening(server);
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function bodyOf(req: IncomingMessage): Promise<string> {
  let body = '';
  for await (const chunk of req) body += String(chunk);
  return body;
}
