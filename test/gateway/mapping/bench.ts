/** A tenant of people who have signed in, and an admin at the workbench: what the tests of mappings share. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { targetsOf } from '../../../src/core/diff.ts';
import type { Moves } from '../../../src/core/outlook.ts';
import type { Backend } from '../../store/backends.ts';
import { eventually } from '../gateway.ts';
import { type Operator, startOperator } from '../modes/operator.ts';

export interface Plan {
  digest: string;
  mappingVersion: number;
  rules: { added: string[]; removed: string[]; changed: { rule: string; targets: { added: string[]; removed: string[] }; condition: boolean }[] };
  people: { all: number; changed: number; gaining: number; losing: number; held: number };
  overLimit: boolean;
  byTarget: Record<string, Moves>;
  byRule: Record<string, Moves>;
  suspicions: string[];
  warnings: string[];
  deliveries: { platform: string; calls: number }[];
}
export interface Publication {
  revision: number;
  mappingVersion: number;
  state: string;
  brake: string | null;
  people: number;
  done: number;
  changed: number;
  gaining: number;
  losing: number;
  holding: number;
  actor: string;
  comment: string | null;
}
export interface Rule {
  id: string;
  when: object;
  enrol: string[];
  role?: string;
}

export interface Bench {
  operator: Operator;
  /** Name → id. */
  ids: Map<string, string>;
  arrive(name: string, groups: string[]): Promise<void>;
  /** The tenant file with these rules. */
  document(rules: Rule[], over?: object): string;
  plan(document: string): Promise<Plan>;
  publish(document: string, more?: object): Promise<Publication>;
  /** Planned, published, and everybody concluded. */
  published(document: string, more?: object): Promise<Publication>;
  done(publication: Pick<Publication, 'revision'>): Promise<Publication>;
  has(name: string): Promise<string[]>;
  everybody(): Promise<Record<string, string[]>>;
}

const offers = (...slugs: string[]) => slugs.map((slug) => ({ slug, title: slug }));
const CATALOGUE = {
  bundles: offers('sales', 'selling', 'first', 'second', 'edited', 'filed'),
  collections: offers('board'),
  groups: offers('staff', 'cohort'),
};

export async function startBench(backend?: Backend, over: object = {}): Promise<Bench> {
  const operator = await startOperator({ ...(backend && { backend }), over: { catalogue: CATALOGUE, ...over } });
  const ids = new Map<string, string>();
  const ok = async <T>(work: Promise<{ status: number; body: T }>): Promise<T> => {
    const { status, body } = await work;
    if (status !== 200) throw new Error(`${status} ${JSON.stringify(body)}`);
    return body;
  };
  const bench: Bench = {
    operator,
    ids,
    arrive: async (name, groups) => void ids.set(name, await operator.arrives(name, groups)),
    document(rules, more = {}) {
      const file = JSON.parse(readFileSync(join(operator.gateway.folder.path, 'tenants', 'acme.yaml'), 'utf8')) as object;
      return JSON.stringify({ ...file, rules, ...more }, null, 1);
    },
    plan: (document) => ok(operator.post<Plan>('/mapping/plan', { document })),
    async publish(document, more = {}) {
      const { digest } = await bench.plan(document);
      return ok(operator.post<Publication>('/mapping/publish', { document, digest, ...more }));
    },
    published: async (document, more) => bench.done(await bench.publish(document, more)),
    done: ({ revision }) =>
      eventually(async () => {
        const { publications } = await ok(operator.get<{ publications: Publication[] }>('/mapping/publications'));
        const found = publications.find((one) => one.revision === revision);
        return found?.state === 'done' ? found : null;
      }),
    async has(name) {
      return [...targetsOf(await operator.gateway.house.store.people.state('acme', ids.get(name)!))].sort();
    },
    async everybody() {
      const { states } = await operator.gateway.house.store.people.states('acme', { after: null, limit: 1000 });
      const names = new Map([...ids].map(([name, id]) => [id, name]));
      return Object.fromEntries(states.map((state) => [names.get(state.user.id) ?? state.user.id, [...targetsOf(state)].sort()]));
    },
  };
  return bench;
}
