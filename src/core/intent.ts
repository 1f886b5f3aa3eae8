/** What someone or something wants to happen to one user. Every cause of change is one of these (DESIGN §1). */
import type { Identity, Profile, Source, Statement, Target, UserState } from './model.ts';

export type Intent =
  /** A verified SSO message. `emailTrust` says whether its e-mail may link accounts, and why not. */
  | { kind: 'assertion'; source: Source; subject: string; statement: Statement; emailTrust: EmailTrust }
  /** A person at the console, CLI or API. With no user it creates one. */
  | {
      kind: 'edit';
      profile?: Partial<Profile>;
      fields?: Record<string, string>;
      status?: 'active' | 'suspended' | 'deleted';
      grant?: Target[];
      revoke?: Target[];
    }
  /** The mapping or the mode changed: conclude again from the facts kept. */
  | { kind: 'remap' };
// Directory resources (SCIM) become `resource` and `group` here.

/** `denied`: the provider itself says that the e-mail is not verified; then it is no ground for anything. */
export type EmailTrust = { trusted: true } | { trusted: false; why: string; denied?: true };

/** Whom the store found for an intent: by stable id, and by folded e-mail or userName. */
export interface Candidates {
  bySubject: UserState | null;
  byEmail: UserState[];
}

/** How the store looks candidates up. */
export type Lookup =
  | { by: 'user'; userId: string }
  | { by: 'assertion'; source: Source; subject: string; emailKey: string | null }
  | { by: 'name'; userNameKey: string; emailKey: string };

export type { Identity };
