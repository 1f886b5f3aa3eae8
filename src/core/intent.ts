/** What someone or something wants to happen to one user. Every cause of change is one of these (DESIGN §1). */
import type { GroupNames, GroupSource, Identity, Profile, ResourceAttributes, Source, Statement, Target, UserState } from './model.ts';

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
  /**
   * The mapping, the mode or the custom fields changed: conclude again from the facts kept. `restate`: how a directory's resource is read now;
   * `retire`: what that source said counts no more.
   */
  | { kind: 'remap'; retire?: 'directory'; restate?: (said: ResourceAttributes, active: boolean) => DirectoryStatement }
  /** What is held of this person is not to happen: enrolments stay as given by hand, and the directory's word that held the rest is not counted. */
  | { kind: 'keep' }
  /** Nobody has signed in as this person for as long as the tenant's lease says. */
  | { kind: 'lapse' }
  /**
   * What the directory wants of one person (SCIM User). `revise` is pure: from who is there now (null: to be created) to all that the directory
   * says from now on. It is called again when another write came first, and throws where the request does not fit what is there.
   */
  | { kind: 'resource'; write: 'create' | 'update'; ifVersion: readonly number[] | null; revise: (current: UserState | null) => DirectoryStatement }
  | { kind: 'resource'; write: 'delete'; ifVersion: readonly number[] | null; adopt: (current: UserState) => DirectoryStatement }
  /** One person comes into a group or leaves it. `by` the directory or by hand; neither touches what the other did. */
  | { kind: 'group'; group: GroupNames; by: GroupSource; member: boolean; adopt: (current: UserState) => DirectoryStatement };

/** The whole of what the directory says of one person: what is not in it is not said any more. */
export interface DirectoryStatement {
  /** As sent, in the schema's spelling; without `id`, `meta`, `groups` and password. */
  resource: ResourceAttributes;
  externalId: string | null;
  active: boolean;
  /** `''` = said none; a userName is always there. */
  profile: Profile;
  fields: Record<string, string>;
  claims: Record<string, string[]>;
}

/** `denied`: the provider itself says that the e-mail is not verified; then it is no ground for anything. */
export type EmailTrust = { trusted: true } | { trusted: false; why: string; denied?: true };

/** Whom the store found for an intent: by stable id (or, for a new resource, the tombstone it may restore), and by folded e-mail or userName. */
export interface Candidates {
  bySubject: UserState | null;
  byEmail: UserState[];
}

/** How the store looks candidates up. */
export type Lookup =
  | { by: 'user'; userId: string }
  | { by: 'assertion'; source: Source; subject: string; emailKey: string | null }
  | { by: 'name'; userNameKey: string; emailKey: string }
  /** A resource to be created. Also finds live users with this externalId, and the newest tombstone with the first of these keys that has one. */
  | { by: 'resource'; userNameKey: string; emailKey: string | null; externalId: string | null; restoreKeys: string[] };

export type { Identity };
