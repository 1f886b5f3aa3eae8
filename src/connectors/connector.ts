/**
 * connectors: code that brings what people are enrolled in to a learning platform. This file is the contract.
 *
 * A connector speaks one platform's language and nothing else: it decides nothing and keeps nothing. What is to be done, and the ledger of what *we* gave,
 * are the core's and the store's (core/entitlement, store/ledger); a connector is only ever told to take away what we gave. Its configuration is a
 * `Platform` of core/tenant.ts, whose schema is config's (config/platform-schema.ts). Imports core and lib only; flows/deliver drives it.
 * Every connector passes test/connectors/suite.ts.
 */
import type { CatalogueEntry, Resource, ResourceKind } from '../core/entitlement.ts';
import type { Profile, Role } from '../core/model.ts';

export type { CatalogueEntry, Resource, ResourceKind };

/** A learner as platforms are told of them. */
export interface Person extends Profile {
  /** Our user's id: the external id at the platform. */
  id: string;
  /** Somebody whose word counts vouches for the e-mail: an account that has it already may be taken for theirs. */
  emailTrusted: boolean;
  role: Role;
  fields: Record<string, string>;
  /** False: locked, suspended or deleted. */
  active: boolean;
  /** Of the version that this is. */
  updatedAt: Date;
}

export interface Capabilities {
  /** It hears of everybody; else an account is made for who has something there, or signs in. */
  everybody: boolean;
  users: { create: boolean; update: boolean; findByExternalId: boolean; findByEmail: boolean; changeEmail: boolean; suspend: boolean };
  /** What it can add and take away by itself; the rest becomes a manual task. */
  add: readonly ResourceKind[];
  remove: readonly ResourceKind[];
  /** Our targets are things of their names there: one that is called otherwise is another thing. */
  targetsByName: boolean;
  /** Taking away is an expiry that can be taken back. */
  expiry: boolean;
  readBack: boolean;
  /** False: it is given our targets as they are. */
  catalogue: boolean;
  handOff: readonly ('jwt' | 'signed' | 'redirect')[];
  limits: { perMinute: number | null; concurrent: number };
  /** Milliseconds from each failed attempt to the next, then it is a dead letter; null = the usual backoff. */
  retryPlan: readonly number[] | null;
}

/** One thing that was looked at. `next`: what to do, where it is not well. */
export interface Finding {
  check: string;
  ok: boolean;
  message: string;
  next?: string;
}

/** An account at the platform. */
export interface Account {
  id: string;
  /** It has an administrator's role there: it is never taken over, and nobody is handed over to it. */
  privileged: boolean;
}
export interface Upserted {
  account: Account;
  created: boolean;
}

/** What the platform has of one account. */
export interface Held {
  /** What the account can use now; what has expired is not among them. */
  resources: Resource[];
  /** Null = the platform does not say. */
  active: boolean | null;
  privileged: boolean;
  /** For the connector's own `apply`: enrolment ids and the like. */
  evidence: unknown;
}

export interface Operation {
  kind: 'add' | 'remove';
  resource: Resource;
}

/** What an attempt is made in. */
export interface Attempt {
  /** The same for every attempt to bring this change, another one for every other change: what makes a message recognisable. Letters, digits, `-` and `_`. */
  key: string;
  /** Ends the attempt: the worker's claim ends soon after. */
  signal: AbortSignal;
  person: Person;
  /** All that the person should have there after it. */
  desired: Resource[];
}

export interface Applied {
  operation: Operation;
  /** `queued`: taken, done later. A failure says what it is; the operations before it may be done. */
  outcome: 'done' | 'queued' | TransientFailure | TerminalFailure;
}

export interface Connector {
  /** Its id in the tenant file. */
  platform: string;
  kind: string;
  capabilities: Capabilities;
  /** Looks, changes nothing. Never throws: what cannot be asked is a finding. */
  check(signal: AbortSignal): Promise<Finding[]>;
  /** Everything that people can be given there, and what collections hold. Not called where `capabilities.catalogue` is false. */
  catalogue(signal: AbortSignal): Promise<CatalogueEntry[]>;
  /** The account of this person: by our id, else by the e-mail. Makes none. */
  find(person: Person, signal: AbortSignal): Promise<Account | null>;
  /**
   * The account exists and has this profile. `known`: its id there as we learned it. Doing it twice makes one account.
   * Null: there is none, and none was made, because the person is not active. Throws `TerminalFailure` `privileged` or `not-vouched` rather than take over
   * somebody's account.
   */
  upsert(known: string | null, attempt: Attempt): Promise<Upserted | null>;
  /** `wanted`: the things that are asked about. Null = there is no such account any more. Not called where `capabilities.readBack` is false. */
  read(accountId: string, wanted: readonly Resource[], signal: AbortSignal): Promise<Held | null>;
  /**
   * Each operation once, in order; one outcome for each. `held`: what `read` just found, null where the account was just made or nothing can be read.
   * Adding what is there and removing what is not are done. Never throws for what the platform answers.
   */
  apply(account: { id: string; held: Held | null }, operations: Operation[], attempt: Attempt): Promise<Applied[]>;
}

/** Why the platform did not do it; stable words, for tables and for people. */
export type FailureCode =
  | 'network' // no connection, or it broke
  | 'timeout'
  | 'rate-limited'
  | 'upstream' // a 5xx, or a proxy's page in its place
  | 'nonsense' // an answer that is none
  | 'auth' // the credentials are not taken
  | 'plan' // the platform's plan or scope does not allow it
  | 'not-found'
  | 'conflict'
  | 'validation' // it does not take what we send
  | 'privileged' // the account is an administrator's
  | 'not-vouched' // an account has this e-mail, and nobody vouches for it
  | 'gone' // the receiver wants no more
  | 'unsupported'
  | 'configuration'; // a secret is missing, the address is refused

/** Whom a failure concerns: everybody who waits for this platform, or this person only. */
export type FailureScope = 'platform' | 'person';

interface FailureOptions {
  scope?: FailureScope;
  /** Milliseconds from now that the platform asked for. */
  retryAfterMs?: number | null;
  /** HTTP status, where there was one. */
  status?: number | null;
  cause?: unknown;
}

/** Worth trying again. The message is for operators: no personal data, no secret, no body of an answer. */
export class TransientFailure extends Error {
  override readonly name = 'TransientFailure';
  readonly code: FailureCode;
  readonly scope: FailureScope;
  readonly retryAfterMs: number | null;
  readonly status: number | null;
  constructor(code: FailureCode, message: string, { scope = 'person', retryAfterMs = null, status = null, cause }: FailureOptions = {}) {
    super(message, { cause });
    this.code = code;
    this.scope = scope;
    this.retryAfterMs = retryAfterMs;
    this.status = status;
  }
}

/** The platform was not called: one's turn did not come in time, or calls could not be counted. Says nothing of the platform, and nothing of the person. */
export class NotCalled extends TransientFailure {
  /** Others of the attempt's calls had their turn: it takes longer than an attempt may. */
  readonly begun: boolean;
  constructor(
    message: string,
    { code = 'timeout', retryAfterMs = null, begun = false }: { code?: FailureCode; retryAfterMs?: number | null; begun?: boolean } = {},
  ) {
    super(code, message, { scope: 'platform', retryAfterMs });
    this.begun = begun;
  }
}

/** Trying again changes nothing until a person has looked. With scope `platform` nobody's delivery can succeed: they wait, and none becomes a dead letter. */
export class TerminalFailure extends Error {
  override readonly name = 'TerminalFailure';
  readonly code: FailureCode;
  readonly scope: FailureScope;
  readonly status: number | null;
  constructor(code: FailureCode, message: string, { scope = 'person', status = null, cause }: Omit<FailureOptions, 'retryAfterMs'> = {}) {
    super(message, { cause });
    this.code = code;
    this.scope = scope;
    this.status = status;
  }
}

/**
 * How a connector reaches its platform: through the guarded fetch, in turn, within the platform's limits, with a deadline for each call. What cannot be
 * reached is a `TransientFailure` of scope `platform`, an address that is refused a `TerminalFailure` `configuration`; any answer is the connector's to judge.
 */
export type Send = (request: PlatformRequest) => Promise<PlatformAnswer>;
export interface PlatformRequest {
  method: string;
  url: string;
  headers?: Record<string, string>;
  body?: string;
  signal: AbortSignal;
  /** Milliseconds; 10,000 unless told. */
  deadlineMs?: number;
  /** False: the platform does not count this call. */
  counted?: boolean;
}
export interface PlatformAnswer {
  status: number;
  headers: Headers;
  /** Strict UTF-8, at most a megabyte. */
  text: string;
}

/** What a connector is made from, besides its configuration. */
export interface ConnectorDeps {
  send: Send;
  now: () => Date;
}
