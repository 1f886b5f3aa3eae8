/** From a platform as written to the platform that connectors read. Call it on what the checks have passed. */
import type { Platform, ScimPlatform, ThinkificPlatform } from '../core/tenant.ts';
import { secretPlaceOf } from './files.ts';
import { PLATFORM_DEFAULTS as DEFAULTS, type PlatformFile, type ScimPlatformFile, type ThinkificFile } from './platform-schema.ts';

export function platformOf(file: PlatformFile, baseDir: string): Platform {
  switch (file.kind) {
    case 'thinkific':
      return thinkificOf(file, baseDir);
    case 'webhook':
      return { ...baseOf(file), kind: 'webhook', url: file.url, secrets: file.secrets.map((written) => secretPlaceOf(baseDir, written)) };
    case 'scim':
      return scimOf(file, baseDir);
  }
}

function baseOf({ id, name, enabled, kind, limits }: PlatformFile) {
  return {
    id,
    name: name ?? id,
    enabled: enabled ?? DEFAULTS.enabled,
    limits: { perMinute: limits?.perMinute ?? DEFAULTS.perMinute[kind], concurrent: limits?.concurrent ?? DEFAULTS.concurrent },
  };
}

function thinkificOf(file: ThinkificFile, baseDir: string): ThinkificPlatform {
  const optional = (written: string | undefined) => (written === undefined ? null : secretPlaceOf(baseDir, written));
  return {
    ...baseOf(file),
    kind: 'thinkific',
    subdomain: file.subdomain,
    api: file.api ?? DEFAULTS.api,
    site: file.site ?? `https://${file.subdomain}.thinkific.com`,
    apiKey: optional(file.apiKey),
    accessToken: optional(file.accessToken),
    provider: file.provider ?? DEFAULTS.provider,
  };
}

function scimOf(file: ScimPlatformFile, baseDir: string): ScimPlatform {
  const { update, findBy, booleansAsText, memberBatch } = file.quirks ?? {};
  return {
    ...baseOf(file),
    kind: 'scim',
    url: file.url.replace(/\/+$/, ''),
    token: secretPlaceOf(baseDir, file.token),
    attributes: file.attributes === undefined ? null : [...new Set(file.attributes)],
    groups: file.groups ?? DEFAULTS.groups,
    quirks: {
      update: update ?? DEFAULTS.update,
      findBy: findBy ?? DEFAULTS.findBy,
      booleansAsText: booleansAsText ?? DEFAULTS.booleansAsText,
      memberBatch: memberBatch ?? DEFAULTS.memberBatch,
    },
  };
}
