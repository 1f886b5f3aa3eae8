/** A company whose learners end in a school: a gateway, its sample OIDC provider, and the sample platform, all over loopback. */
import { type SampleOptions, type SamplePlatform, startSamplePlatform } from '../../../fixtures/sample-platform/sample-platform.ts';
import { eventually } from '../gateway.ts';
import { type Operator, type OperatorOptions, startOperator } from '../modes/operator.ts';

export interface School {
  platform: SamplePlatform;
  operator: Operator;
  /** Calls of the gateway since the last time that this was asked, as `POST /users`. */
  calls(): string[];
  /** Resolves when nobody waits in the outbox. */
  delivered(): Promise<void>;
  close(): Promise<void>;
}

export interface SchoolOptions extends OperatorOptions {
  sample?: SampleOptions;
  /** Of the platform in the tenant file. */
  platformOver?: object;
}

export const SCHOOL = {
  courses: [
    { slug: 'listening', name: 'Listening' },
    { slug: 'closing', name: 'Closing' },
    { slug: 'strategy', name: 'Strategy' },
    { slug: 'privacy', name: 'Privacy' },
  ],
  bundles: [{ slug: 'sales', name: 'Sales', courses: ['listening', 'closing'] }],
  collections: [{ slug: 'board', name: 'The board', products: ['strategy', 'closing'] }],
  groups: [{ name: 'Staff' }, { name: 'A cohort' }, { name: 'Put by hand' }],
};

/** Sales gives a bundle and two groups, Board a collection, Staff one group. */
export const RULES = [
  { id: 'sales', when: { group: 'Sales' }, enrol: ['bundle:sales', 'group:staff', 'group:cohort'] },
  { id: 'board', when: { group: 'Board' }, enrol: ['collection:board'] },
  { id: 'staff', when: { group: 'Staff' }, enrol: ['group:staff'] },
];

export const tenantParts = (platform: SamplePlatform, platformOver: object = {}) => ({
  rules: RULES,
  platforms: [
    {
      id: 'school',
      kind: 'thinkific',
      name: 'Acme school',
      subdomain: platform.subdomain,
      api: platform.url,
      site: platform.url,
      apiKey: 'file:secrets/school-key',
      accessToken: 'file:secrets/school-token',
      ...platformOver,
    },
  ],
  handOffs: [{ id: 'school', kind: 'thinkific', platform: 'school' }],
  returnTo: [platform.url],
});
export const secretsOf = ({ apiKey, accessToken }: SamplePlatform) => ({ 'secrets/school-key': apiKey, 'secrets/school-token': accessToken });

/** Its catalogue has been read when this resolves. */
export async function startSchool({ sample = {}, platformOver, over = {}, files = {}, ...options }: SchoolOptions = {}): Promise<School> {
  const platform = await startSamplePlatform({ school: SCHOOL, ...(options.now && { now: options.now }), ...sample });
  const operator = await startOperator({
    ...options,
    over: { ...tenantParts(platform, platformOver), ...over },
    files: { ...secretsOf(platform), ...files },
  });
  const { store } = operator.gateway.house;
  await eventually(async () => (await store.platforms.get({ tenantId: 'acme', platform: 'school' }))?.entriesAt ?? null, 30_000);
  let seen = platform.calls.length;
  return {
    platform,
    operator,
    calls() {
      const since = platform.calls.slice(seen);
      seen = platform.calls.length;
      return since.map(({ method, path, operation }) => operation ?? `${method} ${path.replace('/api/public/v1', '').replace(/\?.*$/, '')}`);
    },
    delivered: () => eventually(async () => (await store.outbox.waiting('acme')) === 0 || null, 30_000).then(() => {}),
    async close() {
      await operator.close();
      await platform.close();
    },
  };
}
