/** `matricula domain`: a tenant proves by a DNS record that an e-mail domain is its own. */
import { type House, operateOf } from '../app.ts';
import type { DomainStatus } from '../flows/domains.ts';
import type { LiveTenant } from '../flows/tenants.ts';
import { EXIT, Exit, type Output, table } from './output.ts';

const record = ({ record: { name, value } }: DomainStatus): string => `${name}  TXT  "${value}"`;

export async function domainAdd(house: House, { tenant }: LiveTenant, domain: string, out: Output): Promise<void> {
  const status = await operateOf(house).addDomain({ tenantId: tenant.id, domain, actor: 'cli' });
  out.result(status, `Set this record, then: matricula domain verify ${domain}\n  ${record(status)}`);
}

export async function domainVerify(house: House, { tenant }: LiveTenant, domain: string, out: Output): Promise<void> {
  const status = await operateOf(house).verifyDomain({ tenantId: tenant.id, domain, actor: 'cli' });
  if (status.failure !== null) throw new Exit(EXIT.refused, `${domain} is not proved: ${status.failure}; it should be ${record(status)}`);
  out.result(status, `${domain} is proved; it is looked at again every week`);
}

export async function domainList(house: House, { tenant }: LiveTenant, out: Output): Promise<void> {
  const { domains } = await operateOf(house).domains(tenant.id);
  const rows = domains.map((d) => [d.domain, d.state, d.expiresAt?.toISOString().slice(0, 10) ?? '-', d.failure ?? '']);
  out.result({ domains }, rows.length === 0 ? 'no domain was asked for' : table(['domain', 'state', 'until', 'last look'], rows));
}

export async function domainRemove(house: House, { tenant }: LiveTenant, domain: string, out: Output): Promise<void> {
  await operateOf(house).removeDomain({ tenantId: tenant.id, domain, actor: 'cli' });
  out.result({ removed: domain }, 'removed');
}
