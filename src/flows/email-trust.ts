/** May this provider's word on this e-mail open an existing account? (DESIGN §3.7, FEATURES A5) */
import type { EmailTrust } from '../core/intent.ts';
import { emailDomain } from '../core/profile.ts';
import type { Connection, Tenant } from '../core/tenant.ts';

/** `verified`: what the message itself says of the e-mail; null = nothing. `taken`: another tenant has proved its domain (FEATURES D3). */
export function emailTrust(
  { tenant, connection }: { tenant: Tenant; connection: Connection },
  { email, verified }: { email: string | undefined; verified: boolean | null },
  taken: boolean,
): EmailTrust {
  const no = (why: string): EmailTrust => ({ trusted: false, why });
  if (email === undefined) return no('no e-mail was released');
  const domain = emailDomain(email);
  if (verified === false) return { trusted: false, why: 'the provider says that the e-mail is not verified', denied: true };
  if (!tenant.domains.includes(domain)) return no(`${domain} is not one of the tenant's verified domains`);
  // The file may have been taken in before the other tenant's proof.
  if (taken) return no(`another organisation has proved that ${domain} is its own`);
  switch (connection.trustEmail) {
    case 'never':
      return no(`connection ${connection.id} does not link by e-mail`);
    case 'verified-claim':
      return verified === true ? { trusted: true } : no('the provider does not say that the e-mail is verified');
    case 'domains':
      return connection.domains.includes(domain) ? { trusted: true } : no(`connection ${connection.id} is not bound to ${domain}`);
  }
}
