/** An operator whose tenant has a school that can take nobody out of a group by itself (it has no access token), and an application that is told by webhook. */
import { randomBytes } from 'node:crypto';
import { type SamplePlatform, startSamplePlatform } from '../../../fixtures/sample-platform/sample-platform.ts';
import { type Receiver, startReceiver } from '../../connectors/webhook/receiver.ts';
import type { Backend } from '../../store/backends.ts';
import { eventually } from '../gateway.ts';
import { type Operator, startOperator } from '../modes/operator.ts';
import { SCHOOL, secretsOf, tenantParts } from './school.ts';

export interface TwoPlatforms {
  school: SamplePlatform;
  app: Receiver;
  operator: Operator;
  /** What somebody can use in the school, sorted. */
  usable(email: string): string[];
  /** Resolves when nobody waits in the outbox. */
  delivered(): Promise<void>;
  close(): Promise<void>;
}

/** Both catalogues have been read, and everybody who was there is in the outbox, when this resolves. */
export async function startTwoPlatforms({ backend, over = {} }: { backend?: Backend; over?: object } = {}): Promise<TwoPlatforms> {
  const school = await startSamplePlatform({ school: SCHOOL, limits: { perMinute: null } });
  const secret = `whsec_${randomBytes(32).toString('base64')}`;
  const app = await startReceiver([secret]);
  const parts = tenantParts(school, { accessToken: undefined, limits: { perMinute: 100_000 } });
  const hook = { id: 'app', kind: 'webhook', name: 'The app', url: app.url, secrets: ['file:secrets/app'] };
  const operator = await startOperator({
    ...(backend && { backend }),
    over: { ...parts, platforms: [...parts.platforms, hook], ...over },
    files: { ...secretsOf(school), 'secrets/app': secret },
  });
  const { store } = operator.gateway.house;
  await eventually(async () => {
    const rows = await store.platforms.ofTenant('acme');
    return (rows.length === 2 && rows.every(({ cursor }) => cursor === null) && rows.some(({ entriesAt }) => entriesAt !== null)) || null;
  }, 30_000);
  return {
    school,
    app,
    operator,
    usable(email) {
      const { courses, groups } = school.school.usable(school.school.userByEmail(email)!.id);
      return [...courses, ...groups].toSorted();
    },
    delivered: () => eventually(async () => (await store.outbox.waiting('acme')) === 0 || null, 30_000).then(() => {}),
    async close() {
      await operator.close();
      await app.close();
      await school.close();
    },
  };
}
