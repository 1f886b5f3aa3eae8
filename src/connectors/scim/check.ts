/** check: whether the application answers, takes the token, and can do what its platform's settings want of it. Looks only. */
import { randomUUID } from 'node:crypto';
import type { ScimPlatform } from '../../core/tenant.ts';
import { type Connector, type Finding, TerminalFailure, TransientFailure } from '../connector.ts';
import { sends } from './told.ts';
import { isObject, type Json, type Wire } from './wire.ts';

export function createCheck(wire: Wire, platform: ScimPlatform): Connector['check'] {
  let said: Json | null = null;
  /** What the service says of itself, once; empty where it says nothing. */
  const configuration = async (signal: AbortSignal): Promise<Json> => {
    if (said) return said;
    const reply = await wire.ask('GET', '/ServiceProviderConfig', { signal });
    said = reply.ok ? reply.body : {};
    return said;
  };
  return async (signal) => {
    const findings: Finding[] = [];
    const steps: [string, () => Promise<Finding[]>][] = [
      ['service', async () => serviceFindings(await configuration(signal), platform)],
      ['users', async () => [await usersFinding(wire, platform, signal)]],
      ['groups', async () => (platform.groups === 'none' ? [] : [await groupsFinding(wire, signal)])],
    ];
    for (const [check, look] of steps) {
      const found = await look().catch((error: unknown) => [failed(check, error)]);
      findings.push(...found);
      // What does not answer at all, or does not take the token, has nothing more to say.
      if (found.some(({ ok }) => !ok) && check === 'service' && said === null) break;
    }
    return findings;
  };
}

const NEXT: Partial<Record<string, string>> = {
  auth: 'Make a new token at the application and put it where the platform’s "token" points.',
  plan: 'Ask the application for a plan, or the token for a scope, that allows SCIM.',
  'not-found': 'Compare the platform’s "url" with the SCIM base address that the application shows; it often ends in /v2.',
  configuration: 'Compare the platform’s "url" with the SCIM base address that the application shows.',
  nonsense: 'The address answers with no SCIM: compare the platform’s "url" with what the application shows.',
};

function failed(check: string, error: unknown): Finding {
  if (!(error instanceof TransientFailure || error instanceof TerminalFailure)) throw error;
  const next = NEXT[error.code] ?? 'Try again later; if it stays so, ask the application’s support.';
  return { check, ok: false, message: error.message, next };
}

const supports = (configuration: Json, what: string): boolean | null => {
  const part = configuration[what];
  return isObject(part) && typeof part['supported'] === 'boolean' ? part['supported'] : null;
};

function serviceFindings(configuration: Json, { quirks }: ScimPlatform): Finding[] {
  const [patch, filter] = [supports(configuration, 'patch'), supports(configuration, 'filter')];
  const service: Finding = { check: 'service', ok: true, message: patch === null ? 'it does not say what it can do' : 'it says what it can do' };
  const findings = [service];
  if (patch === false && quirks.update === 'patch')
    findings.push({ check: 'update', ok: false, message: 'it takes no PATCH', next: 'Set quirks.update: put.' });
  if (filter === false)
    findings.push({ check: 'filter', ok: false, message: 'it says that it does not search: nobody can be found there', next: 'Ask whether it can.' });
  return findings;
}

async function usersFinding(wire: Wire, platform: ScimPlatform, signal: AbortSignal): Promise<Finding> {
  const attribute = platform.quirks.findBy === 'externalId' && sends('externalId', platform) ? 'externalId' : 'userName';
  const found = await wire.search('Users', { attribute, value: `matricula-check-${randomUUID()}` }, signal);
  if (found === null) {
    const next = attribute === 'externalId' ? 'Set quirks.findBy: userName.' : 'Ask whether it can; without, nobody can be found there.';
    return { check: 'users', ok: false, message: `it does not search users by ${attribute}`, next };
  }
  if (found.length > 0)
    return { check: 'users', ok: false, message: `it takes no notice of a search by ${attribute}`, next: 'Look for another quirks.findBy.' };
  return { check: 'users', ok: true, message: `it takes the token, and searches users by ${attribute}` };
}

async function groupsFinding(wire: Wire, signal: AbortSignal): Promise<Finding> {
  const found = await wire.search('Groups', { attribute: 'displayName', value: `matricula-check-${randomUUID()}` }, signal);
  if (found === null) return { check: 'groups', ok: false, message: 'it does not search groups by displayName', next: 'Set groups: none.' };
  return { check: 'groups', ok: true, message: 'it searches groups by displayName' };
}
