/** sightings: which groups and claims people have had, from the kept facts. What rules ask for is held against it. Bounded in memory. */
import type { UserState } from '../core/model.ts';

export interface Sightings {
  /** Group name or id → how many people have it. */
  groups: ReadonlyMap<string, number>;
  /** Connection → claim → how many people have it. */
  claims: ReadonlyMap<string, ReadonlyMap<string, number>>;
  /** Connections of which anybody has facts, and how many people. */
  connections: ReadonlyMap<string, number>;
  /** There were more names than are held: nothing can be said of what was not seen. */
  cut: boolean;
}

const MOST_NAMES = 50_000;

export function createSightings(): Sightings & { see(state: UserState): void } {
  const groups = new Map<string, number>();
  const claims = new Map<string, Map<string, number>>();
  const connections = new Map<string, number>();
  const seen = { groups, claims, connections, cut: false };
  const add = (counts: Map<string, number>, name: string) => {
    if (counts.size >= MOST_NAMES && !counts.has(name)) seen.cut = true;
    else counts.set(name, (counts.get(name) ?? 0) + 1);
  };
  return Object.assign(seen, {
    see({ identities, groups: joined }: UserState) {
      const names = new Set(joined.flatMap(({ id, displayName, externalId }) => [id, displayName, ...(externalId === null ? [] : [externalId])]));
      for (const { source, facts } of identities) {
        if (!facts || !source.startsWith('connection:')) continue;
        const connection = source.slice('connection:'.length);
        connections.set(connection, (connections.get(connection) ?? 0) + 1);
        const ofConnection = claims.get(connection) ?? new Map<string, number>();
        claims.set(connection, ofConnection);
        for (const claim of Object.keys(facts.claims)) add(ofConnection, claim);
        for (const group of facts.groups ?? []) names.add(group);
      }
      for (const name of names) add(groups, name);
    },
  });
}
