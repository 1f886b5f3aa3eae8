/** link: which user an intent belongs to, or why it is refused. No account is taken over here (DESIGN §3.7). */
import type { Candidates, Intent } from './intent.ts';
import type { Identity, UserState } from './model.ts';
import { foldKey } from './profile.ts';
import { Refusal } from './refusal.ts';
import type { World } from './world.ts';

export interface Linked {
  /** Null: a new user is to be created. */
  state: UserState | null;
  by: 'subject' | 'email' | 'new';
}

type Assertion = Extract<Intent, { kind: 'assertion' }>;

/** Throws `Refusal`. */
export function link(candidates: Candidates, intent: Intent, world: World): Linked {
  switch (intent.kind) {
    case 'assertion':
      return linkAssertion(candidates, intent, world);
    case 'edit':
      return linkEdit(candidates, intent);
    case 'remap':
      return { state: present(candidates, 'remap/user'), by: 'subject' };
    case 'resource':
      return intent.write === 'create' ? linkCreate(candidates) : { state: current(candidates, intent.ifVersion), by: 'subject' };
    case 'lapse':
      return { state: there(candidates, 'lapse/user'), by: 'subject' };
    case 'keep':
      return { state: present(candidates, 'keep/user'), by: 'subject' };
    case 'group':
      return { state: intent.by === 'directory' ? live(candidates, 'group/user') : there(candidates, 'group/user'), by: 'subject' };
  }
}

function present({ bySubject }: Candidates, check: string): UserState {
  if (!bySubject) throw new Refusal('not-found', check);
  return bySubject;
}

/** A tombstone is nobody to anyone but its restorer. */
function there(candidates: Candidates, check: string): UserState {
  const state = present(candidates, check);
  if (state.user.status === 'deleted') throw new Refusal('not-found', check);
  return state;
}

/** Nor, to the directory, is whom it deleted while that is held. */
function live(candidates: Candidates, check: string): UserState {
  const state = there(candidates, check);
  if (state.user.restoreKey !== null) throw new Refusal('not-found', check);
  return state;
}

function current(candidates: Candidates, ifVersion: readonly number[] | null): UserState {
  const state = live(candidates, 'resource/user');
  if (ifVersion && !ifVersion.includes(state.user.version))
    throw new Refusal('version-mismatch', 'resource/version', `it is at ${state.user.version}`);
  return state;
}

/** Whom the directory creates is new, or is back: its own tombstone, and nobody else's, keeps the identity. Names taken are refused by `plan`. */
const linkCreate = ({ bySubject }: Candidates): Linked =>
  bySubject && bySubject.user.restoreKey !== null ? { state: bySubject, by: 'subject' } : { state: null, by: 'new' };

function linkAssertion(candidates: Candidates, intent: Assertion, world: World): Linked {
  // In `jit` this is learnt and locks the account; elsewhere nothing is learnt, and still nobody comes in whom the provider calls disabled.
  if (world.mode !== 'jit' && intent.statement.active === false) throw new Refusal('account-locked', 'link/disabled', 'the provider says disabled');
  if (candidates.bySubject) return { state: admitted(candidates.bySubject), by: 'subject' };
  const [found, another] = candidates.byEmail;
  if (another) throw new Refusal('email-ambiguous', 'link/email-ambiguous', `${candidates.byEmail.length} users have this e-mail`);
  if (found) return { state: linkable(found, intent, world), by: 'email' };
  if (world.mode !== 'jit') throw new Refusal('not-provisioned', 'link/mode', `mode ${world.mode} creates nobody at sign-in`);
  if (intent.statement.active === false) throw new Refusal('account-locked', 'link/disabled', 'the provider says disabled; nobody is created');
  if (!intent.statement.profile.email) throw new Refusal('profile-incomplete', 'link/email-missing', 'no single usable e-mail was released');
  return { state: null, by: 'new' };
}

/** An e-mail alone opens an account only where the tenant's domain and the provider's word both vouch for it. */
function linkable(found: UserState, intent: Assertion, world: World): UserState {
  const refuse = (check: string, why: string) => new Refusal('email-not-trusted', check, why);
  if (world.tenant.provisioning.linking === 'never') throw refuse('link/linking-never', 'the tenant links by stable id only');
  if (!intent.emailTrust.trusted) throw refuse('link/email-not-trusted', intent.emailTrust.why);
  if (!ownsEmail(found, intent)) throw refuse('link/account-not-vouched-for', 'nobody vouched that the account belongs to this e-mail');
  // The same connection under another subject is another person with a recycled mailbox until someone says otherwise.
  if (found.identities.some((i) => i.source === intent.source))
    throw new Refusal('identity-conflict', 'link/identity-conflict', `already linked to another subject of ${intent.source}`);
  return admitted(found);
}

/**
 * The other half of trust: whose is the account? One that sign-ins made has whatever e-mail and userName its provider sent, perhaps somebody else's,
 * chosen before that person came. So one of its providers must have vouched for this very e-mail. Without sign-ins, an operator or the directory named it.
 */
function ownsEmail({ user, identities }: UserState, { statement }: Assertion): boolean {
  const taught = identities.filter((i): i is Identity & { facts: object } => i.facts !== null);
  if (taught.length === 0 || taught.some((i) => i.source === 'directory')) return true;
  const emailKey = foldKey(statement.profile.email ?? '');
  return user.emailKey === emailKey && taught.some(({ facts }) => facts.emailTrusted && foldKey(facts.profile.email ?? '') === emailKey);
}

/** Deprovisioned people stay out, in every mode, and teach nothing. */
function admitted(state: UserState): UserState {
  if (state.user.status === 'deleted') throw new Refusal('account-deleted', 'link/deleted');
  if (state.user.status === 'suspended') throw new Refusal('account-suspended', 'link/suspended');
  return state;
}

function linkEdit(candidates: Candidates, intent: Extract<Intent, { kind: 'edit' }>): Linked {
  if (candidates.bySubject) return { state: candidates.bySubject, by: 'subject' };
  if (!intent.profile?.email) throw new Refusal('request-malformed', 'edit/email-missing', 'a new user needs an e-mail');
  if (candidates.byEmail.length > 0) throw new Refusal('email-in-use', 'edit/email-in-use');
  return { state: null, by: 'new' };
}
