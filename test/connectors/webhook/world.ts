/** A receiver, and a connector to it. */
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { createWebhookConnector } from '../../../src/connectors/webhook/webhook.ts';
import type { WebhookPlatform } from '../../../src/core/tenant.ts';
import { sendOnLoopback } from '../send.ts';

export const newSecret = (bytes = 32): string => `whsec_${randomBytes(bytes).toString('base64')}`;

/** An Ed25519 pair as the specification writes it; `long` has its public half behind the secret one. */
export function newPair(): { secret: string; long: string; public: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const seed = privateKey.export({ format: 'der', type: 'pkcs8' }).subarray(-32);
  const half = publicKey.export({ format: 'der', type: 'spki' }).subarray(-32);
  const text = (bytes: Buffer) => bytes.toString('base64');
  return { secret: `whsk_${text(seed)}`, long: `whsk_${text(Buffer.concat([seed, half]))}`, public: `whpk_${text(half)}` };
}

export const platformAt = (url: string): WebhookPlatform => ({
  id: 'crm',
  name: 'CRM',
  enabled: true,
  kind: 'webhook',
  url,
  secrets: [],
  limits: { perMinute: null, concurrent: 4 },
});

export const connectorTo = (url: string, secrets: string[], { send = sendOnLoopback, now = () => new Date() } = {}) =>
  createWebhookConnector(platformAt(url), secrets, { send, now });
