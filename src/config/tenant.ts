/** From a tenant file that passed every check to the tenant that the rest of the house reads. */
import type { Catalogue, Limits, Offer, Provisioning, ScimSettings, Tenant } from '../core/tenant.ts';
import { connectionOf } from './connections.ts';
import { handOffOf } from './hand-offs.ts';
import type { OfferFile } from './parts.ts';
import { platformOf } from './platforms.ts';
import type { Path } from './problem.ts';
import { aliasesOf, ruleOf, testOf } from './rules.ts';
import { type CatalogueFile, DEFAULTS, type TenantFile } from './tenant-schema.ts';
import type { Place } from './yaml-source.ts';

interface Positions {
  valueAt(path: Path): Place;
}

export interface TenantContext {
  tenantId: string;
  baseDir: string;
  source: Positions;
}

export function tenantOf(file: TenantFile, { tenantId, baseDir, source }: TenantContext): Tenant {
  const tenantDomains = file.domains ?? [];
  return {
    id: tenantId,
    name: file.name,
    contact: file.contact ?? null,
    domains: tenantDomains,
    connections: (file.connections ?? []).map((connection) => connectionOf(connection, { baseDir, tenantDomains })),
    scim: scimOf(file.scim ?? {}),
    seats: file.seats ?? null,
    catalogue: catalogueOf(file.catalogue ?? {}),
    platforms: (file.platforms ?? []).map((platform) => platformOf(platform, baseDir)),
    handOffs: (file.handOffs ?? []).map((handOff) => handOffOf(handOff, baseDir)),
    ...judgedPart(file, source),
    returnTo: file.returnTo ?? [],
  };
}

/** What the tests of the file need: sound even where other parts of the file are not. */
export function judgedPart(file: TenantFile, source: Positions): Pick<Tenant, 'provisioning' | 'mapping' | 'tests'> {
  const aliases = aliasesOf(file.groups?.aliases);
  const onlyConnection = file.connections?.length === 1 ? file.connections[0]!.id : null;
  return {
    provisioning: provisioningOf(file.provisioning ?? {}),
    mapping: {
      version: 0,
      rules: (file.rules ?? []).map((rule, i) => ruleOf(rule, aliases, { line: source.valueAt(['rules', i]).line, path: ['rules', i] })),
    },
    tests: (file.tests ?? []).map((test, i) => testOf(test, aliases, { ...source.valueAt(['tests', i]), onlyConnection })),
  };
}

function provisioningOf(file: NonNullable<TenantFile['provisioning']>): Provisioning {
  return {
    initialMode: file.initialMode ?? DEFAULTS.initialMode,
    linking: file.linking ?? DEFAULTS.linking,
    defaultRole: file.defaultRole ?? DEFAULTS.defaultRole,
    whenGroupsMissing: file.whenGroupsMissing ?? DEFAULTS.whenGroupsMissing,
    limits: limitsOf(file.limits?.removals),
    retentionDays: file.retention ?? null,
    lease: file.lease
      ? {
          days: file.lease.days,
          warnDays: file.lease.warn ?? DEFAULTS.leaseWarn,
          graceDays: file.lease.grace ?? DEFAULTS.leaseGrace,
          lapse: file.lease.lapse ?? DEFAULTS.leaseLapse,
        }
      : null,
  };
}

function limitsOf(file: NonNullable<NonNullable<TenantFile['provisioning']>['limits']>['removals']): Limits {
  return { removals: { share: Number.parseInt(file?.share ?? DEFAULTS.share, 10) / 100, atLeast: file?.atLeast ?? DEFAULTS.atLeast } };
}

function scimOf({ fields, groups }: NonNullable<TenantFile['scim']>): ScimSettings {
  return {
    fields: fields ?? {},
    groups: { sameName: groups?.sameName ?? DEFAULTS.sameName, matchLocal: groups?.matchLocal ?? DEFAULTS.matchLocal },
  };
}

function catalogueOf(file: CatalogueFile): Catalogue {
  return {
    courses: (file.courses ?? []).map(({ slug, title, description, url }) => ({ slug, title, description: description ?? '', url: url ?? null })),
    bundles: (file.bundles ?? []).map(offerOf),
    collections: (file.collections ?? []).map(offerOf),
    groups: (file.groups ?? []).map(offerOf),
  };
}

const offerOf = ({ slug, title, ref, courses }: OfferFile): Offer => ({ slug, title, ref: ref ?? null, courses: [...new Set(courses ?? [])] });
