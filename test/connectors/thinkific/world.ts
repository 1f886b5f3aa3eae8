/** A school, a clock that stands still unless moved, and a connector to it. */

import { type SampleOptions, type SamplePlatform, startSamplePlatform } from '../../../fixtures/sample-platform/sample-platform.ts';
import type { Connector, Operation, Person, Resource } from '../../../src/connectors/connector.ts';
import { createThinkificConnector } from '../../../src/connectors/thinkific/thinkific.ts';
import type { ThinkificPlatform } from '../../../src/core/tenant.ts';
import { attemptOf } from '../people.ts';
import { sendOnLoopback } from '../send.ts';

export const START = new Date('2026-03-02T08:00:10.000Z');

/** Courses by themselves, and in two bundles that share one. */
export const CATALOGUE = {
  courses: ['alone', 'other', 'shared', 'first', 'second', 'fifth', 'sixth'].map((slug) => ({ slug, name: `Course ${slug}` })),
  bundles: [
    { slug: 'one', name: 'Bundle one', courses: ['first', 'shared'] },
    { slug: 'two', name: 'Bundle two', courses: ['second', 'shared'] },
  ],
  collections: [{ slug: 'both', name: 'Both', products: ['alone', 'two'] }],
  groups: [{ name: 'North' }, { name: 'South' }, { name: 'West' }],
};

export interface World {
  platform: SamplePlatform;
  connector: Connector;
  now: () => Date;
  /** Milliseconds. */
  pass(ms: number): void;
  /** Another connector to the same school. */
  connect(secrets?: { apiKey?: string | null; accessToken?: string | null }, over?: Partial<ThinkificPlatform>): Connector;
  resource(kind: 'course' | 'bundle' | 'group', name: string): Resource;
  /** What was asked since the last time this was asked for: method, path without its query, or the operation; status. */
  asked(): string[];
  close(): Promise<void>;
}

export async function makeWorld(options: SampleOptions = {}): Promise<World> {
  let present = START;
  const now = () => present;
  const platform = await startSamplePlatform({ now, school: CATALOGUE, limits: { perMinute: null, points: null }, ...options });
  const connect: World['connect'] = ({ apiKey = platform.apiKey, accessToken = platform.accessToken } = {}, over = {}) =>
    createThinkificConnector({ ...platformAt(platform), ...over }, { apiKey, accessToken }, { send: sendOnLoopback, now });
  let heard = 0;
  return {
    ...{ platform, now, connect, connector: connect() },
    pass(ms) {
      present = new Date(present.getTime() + ms);
    },
    resource(kind, name) {
      const { school } = platform;
      const { id, name: called } = kind === 'group' ? school.group(name) : kind === 'course' ? school.course(name) : school.bundle(name);
      return { kind, id: String(id), name: called };
    },
    asked() {
      const calls = platform.calls.slice(heard);
      heard = platform.calls.length;
      return calls.map(
        ({ method, path, operation, status }) => `${operation ?? `${method} ${path.replace(/^\/api\/public\/v1|\?.*$/g, '')}`} ${status}`,
      );
    },
    close: platform.close,
  };
}

export const platformAt = ({ url, subdomain }: Pick<SamplePlatform, 'url' | 'subdomain'>): ThinkificPlatform => ({
  ...{ id: 'school', name: 'School', enabled: true, kind: 'thinkific', subdomain, api: url, site: url },
  ...{ apiKey: null, accessToken: null, provider: 'SSO', limits: { perMinute: 120, concurrent: 5 } },
});

export const signal = (): AbortSignal => new AbortController().signal;

/** As flows/delivery does: looks, then applies. `fresh`: the account was just made, nobody looks. */
export async function change(
  { connector }: Pick<World, 'connector'>,
  { id, person, fresh = false }: { id: string; person: Person; fresh?: boolean },
  { add = [], remove = [], keep = [] }: { add?: Resource[]; remove?: Resource[]; keep?: Resource[] },
) {
  const operations: Operation[] = [
    ...remove.map((resource) => ({ kind: 'remove' as const, resource })),
    ...add.map((resource) => ({ kind: 'add' as const, resource })),
  ];
  const held = fresh ? null : await connector.read(id, [...add, ...remove, ...keep], signal());
  return connector.apply({ id, held }, operations, attemptOf('change', person, [...keep, ...add]));
}

export const outcomesOf = (applied: Awaited<ReturnType<Connector['apply']>>) =>
  applied.map(({ outcome }) =>
    typeof outcome === 'string' ? outcome : `${outcome.name === 'TransientFailure' ? 'transient' : 'terminal'} ${outcome.code} ${outcome.scope}`,
  );
