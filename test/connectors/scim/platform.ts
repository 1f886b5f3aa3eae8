/** Platforms of kind scim, and connectors to them, for tests. */
import type { Resource } from '../../../src/connectors/connector.ts';
import { createScimConnector } from '../../../src/connectors/scim/scim.ts';
import type { ScimPlatform } from '../../../src/core/tenant.ts';
import { sendOnLoopback } from '../send.ts';
import { TOKEN } from './application.ts';

export type PlatformOver = Partial<Omit<ScimPlatform, 'quirks'>> & { quirks?: Partial<ScimPlatform['quirks']> };

export const platformOf = (url: string, { quirks, ...over }: PlatformOver = {}): ScimPlatform => ({
  kind: 'scim',
  id: 'app',
  name: 'An application',
  enabled: true,
  limits: { perMinute: null, concurrent: 4 },
  url,
  token: 'env:APP_TOKEN',
  attributes: null,
  groups: 'create',
  ...over,
  quirks: { update: 'patch', findBy: 'externalId', booleansAsText: false, memberBatch: 100, ...quirks },
});

export const NOW = new Date('2026-03-04T05:06:07Z');

export const connectorTo = (url: string, over: PlatformOver = {}, token = TOKEN) =>
  createScimConnector(platformOf(url, over), { token }, { send: sendOnLoopback, now: () => NOW });

export const target = (name: string): Resource => ({ kind: 'target', id: `bundle:${name.toLowerCase().replaceAll(' ', '-')}`, name });
