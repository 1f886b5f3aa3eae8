/**
 * Sessions of signed-in learners: express-session over kv.
 *
 * A session is two entries. The record is written once, at sign-in, and never again; it ends with the absolute limit or when the provider's session ends.
 * The stamp beside it says when the session was last used; it is the idle limit, moved at most once a minute. Because a visit moves the stamp only,
 * a request under way while the learner signs out cannot bring the record back.
 */
import type { Request, RequestHandler, Response } from 'express';
import session, { Store } from 'express-session';
import { Refusal } from '../core/refusal.ts';
import type { Arrival } from '../flows/signin.ts';
import type { Kv } from '../kv/kv.ts';
import { randomToken } from '../lib/secrets.ts';
import type { HttpDeps } from './server.ts';

export interface LearnerSession {
  tenantId: string;
  userId: string;
  connectionId: string;
  /** Milliseconds since 1970, like `notAfter`. */
  since: number;
  /** The provider's name for its session. */
  sid: string | null;
  /** The synchroniser token of this session's forms. */
  csrf: string;
  notAfter: number;
}

declare module 'express-session' {
  interface SessionData {
    learner?: LearnerSession;
  }
}

/** How often a visit moves the stamp, at the most. A session may therefore end up to this much before its idle limit, never after. */
const STAMP_EVERY_MS = 60_000;

export interface Sessions {
  /** Reads the session of this request; routes that know a session stand behind it. */
  middleware: RequestHandler;
  /** The learner of this request, whichever tenant; null = nobody is signed in. */
  of(req: Request): LearnerSession | null;
  /** Signs the learner in under a new id; what the browser held before is dead. Resolves when the session can be found. */
  begin(req: Request, arrival: Arrival): Promise<void>;
  /** Ends the session here and in the browser. */
  end(req: Request, res: Response): Promise<void>;
}

export function createSessions({ kv, settings, clock }: Pick<HttpDeps, 'kv' | 'settings' | 'clock'>): Sessions {
  const name = settings.secureCookies ? '__Host-matricula' : 'matricula';
  const cookie = { path: '/', httpOnly: true, sameSite: 'lax', secure: settings.secureCookies } as const;
  return {
    middleware: session({
      name,
      cookie, // without an age: it goes with the browser, and the server knows the limits
      secret: settings.cookieSecret,
      store: new KvSessionStore(kv, { idleMs: settings.sessionIdleMs, clock }),
      genid: () => randomToken(32),
      resave: false,
      saveUninitialized: false,
    }),
    of: (req) => req.session.learner ?? null,
    async begin(req, arrival) {
      const since = clock().getTime();
      const notAfter = Math.min(since + settings.sessionAbsoluteMs, arrival.sessionNotOnOrAfter?.getTime() ?? Number.POSITIVE_INFINITY);
      if (notAfter <= since) throw new Refusal('message-expired', 'http/session-not-on-or-after');
      const { tenantId, userId, connectionId, sid } = arrival;
      // Without a learner the id is one that express-session made for this request: the browser brought none, or one that names nothing.
      if (req.session.learner) await called((done) => req.session.regenerate(done));
      req.session.learner = { tenantId, userId, connectionId, since, sid, csrf: randomToken(32), notAfter };
      await called((done) => req.session.save(done));
    },
    async end(req, res) {
      await called((done) => req.session.destroy(done));
      res.clearCookie(name, cookie);
    },
  };
}

type Callback<T = void> = (error?: unknown, value?: T) => void;

const called = (call: (done: (error?: unknown) => void) => void): Promise<void> =>
  new Promise((resolve, reject) => call((error) => (error ? reject(error) : resolve())));

/** Answers a callback from a promise, outside of it: what the callback throws is not the promise's failure. */
function settle<T>(work: Promise<T>, done: Callback<T> | undefined): void {
  work.then(
    (value) => process.nextTick(() => done?.(null, value)),
    (error) => process.nextTick(() => done?.(error)),
  );
}

/** A class because express-session asks for one. kv keeps digests of keys: whoever reads the store holds nobody's session id. */
class KvSessionStore extends Store {
  readonly #kv: Kv;
  readonly #idleMs: number;
  readonly #clock: () => Date;
  /** When the session of a request was last stamped, kept with the object that express-session hands around. */
  readonly #stamps = new WeakMap<LearnerSession, number>();

  constructor(kv: Kv, { idleMs, clock }: { idleMs: number; clock: () => Date }) {
    super();
    this.#kv = kv;
    this.#idleMs = idleMs;
    this.#clock = clock;
  }

  override get(id: string, done: (error: unknown, data?: session.SessionData | null) => void): void {
    settle(this.#read(id), done as Callback<session.SessionData | null>);
  }

  override set(id: string, data: session.SessionData, done?: (error?: unknown) => void): void {
    settle(this.#write(id, data), done);
  }

  override destroy(id: string, done?: (error?: unknown) => void): void {
    settle(Promise.all([this.#kv.delete('session', id), this.#kv.delete('session', stampOf(id))]), done as Callback<unknown>);
  }

  /** A stamp that cannot be written is no reason to fail an answer that is ready; the next request meets the store's failure itself. */
  override touch(id: string, data: session.SessionData, done: () => void = () => {}): void {
    const now = this.#clock().getTime();
    const { learner } = data;
    const idle = learner ? now - (this.#stamps.get(learner) ?? 0) : 0;
    if (!learner || idle < Math.min(STAMP_EVERY_MS, this.#idleMs / 2)) done();
    else this.#stamp(id, now, learner.notAfter).then(done, done);
  }

  async #read(id: string): Promise<session.SessionData | null> {
    const [record, stamp] = await Promise.all([this.#kv.get('session', id), this.#kv.get('session', stampOf(id))]);
    if (record === null || stamp === null) return null;
    const data = JSON.parse(record) as session.SessionData;
    const now = this.#clock().getTime();
    if (!data.learner || now >= data.learner.notAfter || now - Number(stamp) >= this.#idleMs) return null;
    this.#stamps.set(data.learner, Number(stamp));
    return data;
  }

  /** Written where nothing is: the second save of one sign-in, which express-session makes at the end of the answer, does nothing. */
  async #write(id: string, data: session.SessionData): Promise<void> {
    if (!data.learner) return;
    const now = this.#clock().getTime();
    const { notAfter } = data.learner;
    if (now >= notAfter) return;
    if (await this.#kv.add('session', id, JSON.stringify(data), notAfter - now)) await this.#stamp(id, now, notAfter);
  }

  #stamp(id: string, now: number, notAfter: number): Promise<void> {
    return this.#kv.set('session', stampOf(id), String(now), Math.max(1, Math.min(this.#idleMs, notAfter - now)));
  }
}

const stampOf = (id: string): string => `${id}:used`;
