/**
 * workbench: what an admin does with a mapping: see what a document would do, publish just that, follow it, look at versions, go back, ask who has
 * something and by what. In one place, for API, command line and later the console.
 */
import { conclude } from '../core/conclude.ts';
import { countingFacts, subjectOf } from '../core/derive.ts';
import { diffRules, type MappingDiff } from '../core/mapping-diff.ts';
import type { Target, UserState } from '../core/model.ts';
import { sourceOf } from '../core/model.ts';
import type { PlatformOutlook } from '../core/platform-outlook.ts';
import { Refusal } from '../core/refusal.ts';
import type { Tenant } from '../core/tenant.ts';
import { breathe } from '../lib/breathe.ts';
import { Conflict } from '../store/database.ts';
import type { Publication } from '../store/publications.ts';
import type { TenantRow } from '../store/tenants.ts';
import { type DocumentDeps, type DocumentPlan, otherProvider, planDocument, takenDomains, writeDocument } from './documents.ts';
import { overLimitAt } from './meanings.ts';
import { type OutlookDeps, outlookPeople, type PersonMoved } from './outlook.ts';
import { type ShownPlan, shownPlan } from './plan-page.ts';
import { cancelPublication, type OnProgress, seeThrough } from './publish.ts';
import { type LiveTenant, liveOf } from './tenants.ts';

export interface WorkbenchDeps extends DocumentDeps {
  /** The first document with rules, aliases and tests of the second. */
  withRulesOf: (document: string, other: string) => string;
  /** What differs in the second document besides its mapping. */
  foreignParts: (document: string, other: string) => string[];
  /** What it would mean at the learning platforms. */
  planPlatforms: (plan: Pick<DocumentPlan, 'tenant' | 'people'>) => Promise<PlatformOutlook[]>;
}

/** A document that cannot be published, with every problem and its place. */
export class BrokenDocument extends Refusal {
  readonly problems: string[];
  constructor(problems: string[]) {
    super('request-malformed', 'mapping/broken', problems.join('\n'));
    this.problems = problems;
  }
}

export interface PublishAsked {
  tenantId: string;
  document: string;
  /** Of the plan that was shown. */
  digest: string;
  comment: string | null;
  actor: string;
  /** What is lost beyond the limits is not held; the comment says why. */
  allowRemovals: boolean;
  /** At the operator's own command line only: elsewhere connections cannot be changed. */
  allowOtherProvider?: boolean;
}

export interface VersionInfo {
  version: number;
  author: string;
  comment: string | null;
  createdAt: Date;
  rules: number;
  /** In force. */
  current: boolean;
}

export type Workbench = ReturnType<typeof createWorkbench>;

/** `mapping`: only what says who gets what may differ from what is in force. For whoever is not at the operator's own command line. */
export type Scope = 'whole' | 'mapping';

export function createWorkbench(deps: WorkbenchDeps, scope: Scope) {
  const { tenants: rows, publications } = deps.store;
  const rowOf = async (tenantId: string): Promise<TenantRow> => {
    const row = await rows.get(tenantId);
    if (!row) throw new Refusal('tenant-unknown', 'mapping/tenant');
    return row;
  };
  const versionOf = async (tenantId: string, version: number) => {
    const found = await rows.mapping(tenantId, version);
    if (!found) throw new Refusal('not-found', 'mapping/version', `there is no version ${version}`);
    return found;
  };
  const understood = async ({ id: tenantId, document: inForce }: TenantRow, document: string): Promise<{ tenant: Tenant; warnings: string[] }> => {
    const foreign = scope === 'mapping' ? deps.foreignParts(inForce, document) : [];
    if (foreign.length > 0)
      throw new Refusal(
        'request-malformed',
        'mapping/other-parts',
        `only rules, groups, tests and catalogue are edited here; an operator changes ${foreign.join(', ')} in the tenant file`,
      );
    const parsed = deps.parse(document, tenantId);
    if (!parsed.ok) throw new BrokenDocument(parsed.problems);
    const taken = await takenDomains(deps, parsed.tenant);
    if (taken.length > 0) throw new BrokenDocument(taken);
    return { tenant: parsed.tenant, warnings: parsed.warnings ?? [] };
  };
  /** Walks over everybody of one tenant follow each other: together they would only take longer, and the gateway's breath. */
  const alone = <T>(tenantId: string, walk: () => Promise<T>): Promise<T> => deps.turns.take([JSON.stringify([tenantId, 'walk'])], walk);
  const planOf = async (tenantId: string, document: string, onProgress?: (done: number, all: number) => void) => {
    const row = await rowOf(tenantId);
    const { tenant, warnings } = await understood(row, document);
    const plan = await alone(tenantId, () => planDocument(deps, { row, text: document, tenant, ...(onProgress && { onProgress }) }));
    return { plan, shown: shownPlan(plan, { platforms: await deps.planPlatforms(plan), warnings }) };
  };
  const liveFor = async (tenantId: string, document: string | null): Promise<LiveTenant> => {
    const row = await rowOf(tenantId);
    const { tenant } = await understood(row, document ?? row.document);
    return { ...liveOf(row, { ...tenant, mapping: { ...tenant.mapping, version: row.mappingVersion } }), brake: null };
  };

  return {
    /** Writes nothing. */
    plan: async (tenantId: string, document: string, onProgress?: (done: number, all: number) => void): Promise<ShownPlan> =>
      (await planOf(tenantId, document, onProgress)).shown,

    people: async (
      tenantId: string,
      document: string,
      asked: { after: string | null; limit: number; rule?: string; target?: string },
    ): Promise<{ people: PersonMoved[]; next: string | null }> => {
      const live = await liveFor(tenantId, document);
      return alone(tenantId, () => outlookPeople(deps, live, asked));
    },

    /** Planned once more: what was shown is published, or nothing. The walk over everybody is a worker's. */
    async publish({ tenantId, document, digest, allowOtherProvider, ...how }: PublishAsked): Promise<Publication> {
      if (how.allowRemovals && (how.comment ?? '').trim() === '')
        throw new Refusal('request-malformed', 'mapping/reason', 'say why in the comment: more than the limit is to be taken away at once');
      const { plan } = await planOf(tenantId, document);
      refuseMoved(plan, digest);
      if (plan.otherProvider.length > 0 && !allowOtherProvider)
        throw new Refusal(
          'mode-conflict',
          'mapping/other-provider',
          otherProvider(plan.otherProvider[0]!, 'matricula map publish --allow-other-provider'),
        );
      const over = how.allowRemovals ? null : overLimitAt(plan.shifts, 'matricula map publish --allow-removals');
      if (over !== null) throw new Refusal('mode-conflict', 'mapping/over-limit', over);
      const key = await writeDocument(deps, plan, { ...how, origin: 'edit' }).catch((error: unknown) => {
        throw error instanceof Conflict ? stale('somebody else has just changed this tenant') : error;
      });
      await deps.tenants.refresh();
      return (await publications.get(key))!;
    },

    /** Concludes everybody now, in this process; for commands. */
    run: (publication: Publication, onProgress?: OnProgress) => seeThrough(deps, publication, deps.worker, onProgress),
    publications: (tenantId: string, limit: number) => publications.list(tenantId, limit),
    cancel: (tenantId: string, revision: number, actor: string) => cancelPublication(deps, { tenantId, revision }, actor),

    /** The document in force. */
    document: async (tenantId: string) => {
      const { document, origin, mappingVersion, revision } = await rowOf(tenantId);
      return { document, origin, mappingVersion, revision };
    },
    async versions(tenantId: string, limit: number): Promise<VersionInfo[]> {
      const { mappingVersion } = await rowOf(tenantId);
      return (await rows.mappingVersions(tenantId, limit)).map(({ version, author, comment, createdAt, document }) => ({
        version,
        author,
        comment,
        createdAt,
        rules: document.length,
        current: version === mappingVersion,
      }));
    },
    version: versionOf,
    /** Without numbers: the version in force, and the one before. */
    async diff(tenantId: string, from: number | undefined, to: number | undefined): Promise<MappingDiff> {
      const is = to ?? (await rowOf(tenantId)).mappingVersion;
      const [before, after] = [await versionOf(tenantId, from ?? Math.max(1, is - 1)), await versionOf(tenantId, is)];
      return diffRules(before.document, after.document);
    },
    /** The document in force with the rules of an earlier version: to be planned and published like any other. */
    async rollBack(tenantId: string, version: number): Promise<string> {
      const { text } = await versionOf(tenantId, version);
      if (text === '') throw new Refusal('not-found', 'mapping/no-document', `version ${version} is from before documents were kept`);
      return deps.withRulesOf((await rowOf(tenantId)).document, text);
    },

    /** Who has something, and by what. */
    async who(tenantId: string, asked: WhoAsked) {
      const live = await liveFor(tenantId, null);
      return alone(tenantId, () => who(deps, live, asked));
    },

    /** What would happen to somebody who came with these claims. */
    async claims(tenantId: string, given: GivenClaims) {
      const { tenant } = await liveFor(tenantId, null);
      const connectionId = given.connection ?? tenant.connections[0]?.id ?? '';
      if (!tenant.connections.some(({ id }) => id === connectionId))
        throw new Refusal('request-malformed', 'explain/connection', `there is no connection ${connectionId}`);
      const subject = { source: sourceOf(connectionId), connectionId, email: given.email, groups: given.groups, claims: given.claims };
      const { targets, role } = conclude(subject, tenant.mapping);
      return { connection: connectionId, mappingVersion: tenant.mapping.version, targets, role: role ?? tenant.provisioning.defaultRole };
    },
  };
}

export interface GivenClaims {
  connection: string | null;
  email: string | null;
  groups: string[];
  claims: Record<string, string[]>;
}

/** Characters of a digest that say which plan is meant. */
const SHORTEST = 16;

const stale = (why: string) => new Refusal('version-mismatch', 'mapping/plan-stale', `${why}: look at the plan again, and publish that`);

function refuseMoved({ digest, row, text }: DocumentPlan, shown: string): void {
  // A part of it is enough for people who type.
  if (shown.length >= SHORTEST && digest.startsWith(shown)) return;
  if (row.document === text) throw stale('this document is in force already; a plan is used once');
  throw stale('this plan does not belong to this document and tenant as they are now, or people have changed so that it would do something else');
}

export interface WhoAsked {
  rule?: string;
  target?: Target;
  group?: string;
  after: string | null;
  limit: number;
}
interface Having {
  id: string;
  userName: string;
  status: string;
  grants: { target: Target; rule: string; source: string; since: Date }[];
}

const PAGE = 200;

async function who(
  { store }: OutlookDeps,
  live: LiveTenant,
  { after, limit, ...asked }: WhoAsked,
): Promise<{ people: Having[]; next: string | null }> {
  const people: Having[] = [];
  for (let from = after; ; ) {
    const page = await store.people.states(live.tenant.id, { after: from, limit: PAGE });
    for (const state of page.states) {
      const grants = state.grants.filter(
        ({ rule, target }) => (asked.rule === undefined || rule === asked.rule) && (asked.target === undefined || target === asked.target),
      );
      const has = asked.group === undefined ? grants.length > 0 : isIn(state, live, asked.group);
      if (state.user.status === 'deleted' || !has) continue;
      const { id, userName, status } = state.user;
      people.push({ id, userName, status, grants: grants.map(({ target, rule, source, since }) => ({ target, rule, source, since })) });
      if (people.length === limit) return { people, next: id };
    }
    if (page.next === null) return { people, next: null };
    from = page.next;
    await breathe();
  }
}

const isIn = (state: UserState, live: LiveTenant, group: string): boolean =>
  countingFacts(state, live).some((identity) => subjectOf(identity, state).groups.includes(group));
