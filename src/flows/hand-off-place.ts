/** Where hand-offs are, and which places are reached through them. */
import { Refusal } from '../core/refusal.ts';
import type { HandOff, Tenant } from '../core/tenant.ts';

/** Null where the tenant has no hand-off at all and none was named. Throws `Refusal` where it has no such one. */
export function handOffAt({ handOffs }: Pick<Tenant, 'handOffs'>, id: string | null): HandOff | null {
  if (id === null) return handOffs[0] ?? null;
  const handOff = handOffs.find((one) => one.id === id);
  if (!handOff) throw new Refusal('not-found', 'hand-off/unknown');
  return handOff;
}

/** The address of a hand-off here. `query`: what is left out or null is not there. */
export function handOffAddress(tenantId: string, id: string | null, query: Record<string, string | null> = {}): string {
  const said = new URLSearchParams(Object.entries(query).filter((pair): pair is [string, string] => pair[1] !== null));
  return `/t/${tenantId}/go${id === null ? '' : `/${id}`}${said.size > 0 ? `?${said}` : ''}`;
}

/**
 * Where a learner goes after signing in; `returnTo` is allowed already. A place at a platform that knows nobody yet is reached through the hand-off that
 * leads to it, any other place at once.
 */
export function arrivalAddress(tenant: Tenant, returnTo: string | null): string {
  if (returnTo === null) return tenant.handOffs.length > 0 ? handOffAddress(tenant.id, null) : `/t/${tenant.id}/learning`;
  if (returnTo.startsWith('/')) return returnTo;
  const through = tenant.handOffs.find((handOff) => siteOf(tenant, handOff) === new URL(returnTo).origin);
  return through ? handOffAddress(tenant.id, through.id, { return_to: returnTo }) : returnTo;
}

/** Origin of the pages that this hand-off signs people in to, where it can bring them to one of their choice. */
function siteOf(tenant: Tenant, handOff: HandOff): string | null {
  switch (handOff.kind) {
    case 'thinkific': {
      const platform = tenant.platforms.find(({ id }) => id === handOff.platform);
      return platform?.kind === 'thinkific' ? new URL(platform.site).origin : null;
    }
    case 'signed':
      return handOff.returnToParameter === null ? null : new URL(handOff.url).origin;
    case 'discourse':
      return new URL(handOff.url).origin;
    case 'redirect':
      return null;
  }
}
