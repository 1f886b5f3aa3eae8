/** A tenant as its file describes it: the vocabulary that config parses into and that protocols, flows and pages read. */
import type { Condition, Mapping } from './mapping.ts';
import type { Mode, Profile, Role, Target } from './model.ts';

/** `env:NAME` or `file:path`; resolved at use by lib/secrets, never stored in clear. */
export type SecretRef = `env:${string}` | `file:${string}`;

export interface Tenant {
  /** The file's name without `.yaml`: `[a-z0-9][a-z0-9-]{0,62}`. */
  id: string;
  name: string;
  /** Whom a refused learner may ask, shown on refusal pages. */
  contact: string | null;
  /** Lower-case ASCII domains that the operator vouches for as the tenant's own. */
  domains: string[];
  provisioning: Provisioning;
  /** In the file's order, which is the order of precedence (DESIGN §3.5). */
  connections: Connection[];
  scim: ScimSettings;
  /** How many users may be active; null = as many as like. An operator may set another number. */
  seats: number | null;
  catalogue: Catalogue;
  /** Where enrolments are brought; none = the local catalogue only. */
  platforms: Platform[];
  /** How a signed-in learner enters a platform; the first is the usual one, none = "my learning" here. */
  handOffs: HandOff[];
  mapping: Mapping;
  tests: MappingTest[];
  /** Allowed places for `return_to`: absolute URLs whose origin and path prefix must match. Local paths of this tenant are always allowed. */
  returnTo: string[];
}

export interface Provisioning {
  /** Used once, when the tenant is first seen. After that the mode lives in the database (DESIGN §4). */
  initialMode: Mode;
  /** `verified-email`: a trusted e-mail in a verified domain links to an existing user. `never`: only by stable id. */
  linking: 'verified-email' | 'never';
  defaultRole: Role;
  whenGroupsMissing: 'keep' | 'clear';
  limits: Limits;
  /** Days after which deprovisioned users are erased; null = never. */
  retentionDays: number | null;
  /** Access by signing in; null = without end. */
  lease: Lease | null;
}

export interface Lease {
  /** From the last sign-in on. */
  days: number;
  /** So many days before its end it is told. */
  warnDays: number;
  /** And so many days after it, it lapses. */
  graceDays: number;
  /** What then becomes of enrolments by rules: they wait for an operator, or go. */
  lapse: 'hold' | 'expire';
}

/** How a tenant takes its directory's resources. */
export interface ScimSettings {
  /**
   * SCIM attribute → custom field reference (lower case). An attribute of an extension is written with its URN,
   * `urn:acme:scim:2.0:User:costCode`, in exactly the directory's spelling; one of the core or enterprise schema as `title`, `name.middleName`, `department`.
   */
  fields: Record<string, string>;
  groups: {
    /** May the directory have two groups of one displayName? */
    sameName: 'allow' | 'refuse';
    /** A group made by hand is taken over by the directory's group of the same name. */
    matchLocal: boolean;
  };
}

/** What may be taken away at once before an operator is asked. Used fully by publish, sync and sweeps. */
export interface Limits {
  removals: { share: number; atLeast: number };
}

export type Connection = SamlConnection | OidcConnection;

interface ConnectionBase {
  /** `[a-z0-9][a-z0-9-]{0,62}`, unique in the tenant. */
  id: string;
  name: string;
  enabled: boolean;
  preset: Preset | null;
  /** E-mail domains that the common sign-in page sends here. */
  domains: string[];
  /** May this provider's word on an e-mail link accounts? See flows/signin. */
  trustEmail: 'verified-claim' | 'domains' | 'never';
  claims: ClaimNames;
}

export type Preset = 'entra' | 'okta' | 'google' | 'keycloak' | 'adfs' | 'generic';

/** Where each thing is found in what the provider sends. Lists are tried in order, the first that was sent wins. */
export interface ClaimNames {
  /** Stable id. `@nameid` is the SAML NameID (refused when transient), `@sub` the OIDC subject. */
  subject: string[];
  profile: { [K in keyof Profile]?: string[] };
  /** Claim name (exact spelling) → field reference (lower case). */
  fields: Record<string, string>;
  groups: GroupClaimNames;
  /** The claim that says whether the account is enabled, and the values that mean disabled (folded comparison). */
  active: { claim: string; disabledValues: string[] } | null;
  /** Claims that are not kept. */
  drop: string[];
}

export interface GroupClaimNames {
  claims: string[];
  /** One string that holds several groups is split here; null = never split. */
  delimiter: string | null;
  /** The provider's own limit: exactly this many or more reads as `overflow`. Null = none known. */
  overflowAt: number | null;
}

export interface SamlConnection extends ConnectionBase {
  protocol: 'saml';
  idp: {
    /** Required unless metadata gives it. */
    entityId: string | null;
    metadata: { kind: 'file'; path: string } | { kind: 'xml'; xml: string } | { kind: 'url'; url: string } | null;
    /** Without metadata: addresses and certificates (PEM or bare base64) by hand. */
    ssoRedirectUrl: string | null;
    ssoPostUrl: string | null;
    certificates: string[];
  };
  binding: 'redirect' | 'post';
  allowIdpInitiated: boolean;
  /** Which signature must be there. `either` still demands that the assertion's content is covered. */
  wantSigned: 'either' | 'assertion' | 'response' | 'both';
  /** `required`: only encrypted assertions. `optional`: accepted. `refused`: none. Encrypted ones always need a signed response. */
  encryption: 'required' | 'optional' | 'refused';
  /** AES-CBC and 3DES are refused unless this provider can do no better. */
  allowCbc: boolean;
  forceAuthn: boolean;
  nameIdFormat: string | null;
  clockSkewSeconds: number;
  /** Assertions that claim to be valid for longer than this from IssueInstant are refused. */
  maxAssertionAgeSeconds: number;
}

export interface OidcConnection extends ConnectionBase {
  protocol: 'oidc';
  issuer: string;
  clientId: string;
  clientAuth:
    | { method: 'client_secret_basic' | 'client_secret_post'; secret: SecretRef }
    | { method: 'private_key_jwt'; key: SecretRef; kid: string | null; alg: string };
  scopes: string[];
  /** The one algorithm accepted on ID tokens; asymmetric, never taken from discovery. */
  idTokenAlg: 'RS256' | 'RS384' | 'RS512' | 'PS256' | 'PS384' | 'PS512' | 'ES256' | 'ES384' | 'ES512' | 'EdDSA';
  userinfo: boolean;
  maxAgeSeconds: number | null;
  prompt: 'login' | 'select_account' | 'consent' | null;
  /** Origins besides the issuer's own that discovery may name endpoints on. */
  allowedOrigins: string[];
  clockSkewSeconds: number;
  /**
   * Claim → values of which the verified ID token must carry one, else the sign-in is refused. Google's issuer serves every Google account,
   * so its preset requires `hd` (the Workspace domain). Absent = nothing is required.
   */
  require?: Record<string, string[]>;
}

/** The local catalogue: what targets are, and which courses they open. */
export interface Catalogue {
  courses: Course[];
  bundles: Offer[];
  collections: Offer[];
  groups: Offer[];
}
export interface Course {
  slug: string;
  title: string;
  description: string;
  url: string | null;
}
export interface Offer {
  slug: string;
  title: string;
  /** What it is called at the learning platforms: its slug, name or id there. Null = by its slug, else by its title. */
  ref: string | null;
  /** Course slugs. */
  courses: string[];
}

/** Example claims and what they must lead to; run by `matricula check` and before every publish. */
export interface MappingTest {
  name: string;
  given: { connection: string; email: string | null; groups: string[]; claims: Record<string, string[]> };
  expect: { enrol: Target[]; role: Role | null };
  /** Where the test stands in the file, for the error. */
  line: number;
  column: number;
}

export type { Condition, Mapping };

/** A learning platform, or another application, that hears what people are enrolled in. `id` is its name in outbox and ledger. */
export type Platform = ThinkificPlatform | WebhookPlatform | ScimPlatform;

interface PlatformBase {
  /** `[a-z0-9][a-z0-9-]{0,62}`, unique in the tenant. */
  id: string;
  name: string;
  /** False: nothing is brought there, and nothing waits for it. */
  enabled: boolean;
  /** What all processes together may ask of it. */
  limits: { /** Requests a minute; null = no limit known. */ perMinute: number | null /** At the same time, per process. */; concurrent: number };
}

export interface ThinkificPlatform extends PlatformBase {
  kind: 'thinkific';
  /** Without `.thinkific.com`. */
  subdomain: string;
  /** Origin of its API, without a slash at the end: `https://api.thinkific.com` unless the file says otherwise. */
  api: string;
  /** Origin where learners go: `https://<subdomain>.thinkific.com`, or the school's own domain. */
  site: string;
  /** The site's API key: REST, and the signature of hand-offs. */
  apiKey: SecretRef | null;
  /** An API access token (bearer): GraphQL, without which nobody can be taken out of a group; REST where there is no key. */
  accessToken: SecretRef | null;
  /** Under which of the platform's providers our ids are known there. */
  provider: 'SSO' | 'OPENID_CONNECT';
}

export interface WebhookPlatform extends PlatformBase {
  kind: 'webhook';
  url: string;
  /** `whsec_…` (v1) or `whsk_…` (v1a), the newest first; two during a rotation. */
  secrets: SecretRef[];
}

export interface ScimPlatform extends PlatformBase {
  kind: 'scim';
  /** The service provider's base address, without a slash at the end. */
  url: string;
  token: SecretRef;
  /** Attributes that are sent, in the schema's spelling (`userName`, `name.familyName`); null = all that we have. */
  attributes: string[] | null;
  /** `create`: a target's group is made where it is missing. `existing`: it must be there. `none`: users only. */
  groups: 'create' | 'existing' | 'none';
  quirks: {
    /** `put`: replaces the whole user; for applications without PATCH. */
    update: 'patch' | 'put';
    /** By what a user is looked for. */
    findBy: 'externalId' | 'userName';
    /** `active` is sent as "True" and "False". */
    booleansAsText: boolean;
    /** Members of one PATCH. */
    memberBatch: number;
  };
}

/** How a signed-in learner enters a platform. */
export type HandOff = ThinkificHandOff | SignedHandOff | DiscourseHandOff | RedirectHandOff;

interface HandOffBase {
  id: string;
  name: string;
}

/** Thinkific's JWT sign-in. Waits for the platform's delivery: nobody enters before the account there is known to be theirs. */
export interface ThinkificHandOff extends HandOffBase {
  kind: 'thinkific';
  /** The id of a platform of kind `thinkific`. */
  platform: string;
  /** Nobody enters with an e-mail that nobody vouches for: learners may change theirs at the school, and somebody else take it. */
  requireTrustedEmail: boolean;
  /** Added to `iat`. */
  iatOffsetSeconds: number;
  /** Where the platform sends the learner, and where on an error; null = its own choice. */
  returnTo: string | null;
  errorUrl: string | null;
}

/** A signed JWT in the query or in a form that sends itself. Zendesk and Canny are presets of it. */
export interface SignedHandOff extends HandOffBase {
  kind: 'signed';
  url: string;
  method: 'query' | 'form';
  /** The parameter that carries the JWT, and the one that carries `return_to` where one was asked for. */
  parameter: string;
  returnToParameter: string | null;
  /** Further parameters, as they are. */
  parameters: Record<string, string>;
  /** HS256 with `secret`; the others with a key of our own, published at `/t/{tenant}/go/{id}/jwks.json`. */
  algorithm: 'HS256' | 'RS256' | 'ES256';
  secret: SecretRef | null;
  lifeSeconds: number;
  /** False: no `exp`, for receivers that refuse one. */
  exp: boolean;
  issuer: string | null;
  audience: string | null;
  /** Claim → template: text in which `{email}` and the like are replaced (connectors/hand-off). */
  claims: Record<string, string>;
  /** Nobody enters with an e-mail that nobody vouches for: the receiver may take them for whoever has it there. */
  requireTrustedEmail: boolean;
}

/** DiscourseConnect: started there, with its nonce, and answered here. */
export interface DiscourseHandOff extends HandOffBase {
  kind: 'discourse';
  /** Origin of the forum; answers go to its `/session/sso_login`. */
  url: string;
  secret: SecretRef;
}

export interface RedirectHandOff extends HandOffBase {
  kind: 'redirect';
  url: string;
}
