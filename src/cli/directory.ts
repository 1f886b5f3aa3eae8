/** `matricula token`, `log`, `doctor`: what an operator does about a tenant's directory. */
import type { House } from '../app.ts';
import { masked, maskedPath } from '../flows/doctor.ts';
import type { LiveTenant } from '../flows/tenants.ts';
import { createToken, listTokens, revokeToken, rotateToken } from '../flows/tokens.ts';
import type { SyncLogFilter } from '../store/journal.ts';
import { EXIT, Exit, type Output, plain, table } from './output.ts';

const tokensOf = ({ flow, store, vault }: House) => ({ ...flow, store, vault });
const KEEP = 'Keep it now: it is not shown again.';

export async function tokenCreate(
  house: House,
  live: LiveTenant,
  { name, expiresAt }: { name: string; expiresAt: Date | null },
  out: Output,
): Promise<void> {
  if (live.mode !== 'scim') throw new Exit(EXIT.refused, `${live.tenant.id} is in mode ${live.mode}: matricula mode ${live.tenant.id} scim`);
  const made = await createToken(tokensOf(house), { tenantId: live.tenant.id, name, expiresAt, actor: 'cli' });
  out.result({ ...made, baseUrl: baseOf(house, live) }, `${made.token}\n${KEEP} The directory's address: ${baseOf(house, live)}`);
}

const baseOf = ({ settings }: House, { tenant }: LiveTenant): string => `${settings.baseUrl}/api/v1/scim/${tenant.id}/v2`;

export async function tokenList(house: House, live: LiveTenant, out: Output): Promise<void> {
  const tokens = await listTokens(tokensOf(house), live.tenant.id);
  const rows = tokens.map((t) => [t.id, `${t.prefix}…`, plain(t.name), t.state, t.createdAt.toISOString(), iso(t.expiresAt), iso(t.lastUsedAt)]);
  out.result({ tokens }, tokens.length === 0 ? 'no tokens' : table(['id', 'token', 'name', 'state', 'created', 'expires', 'last used'], rows));
}

const iso = (date: Date | null): string => date?.toISOString() ?? '-';

export async function tokenRotate(
  house: House,
  live: LiveTenant,
  { id, expiresAt }: { id: string; expiresAt: Date | undefined },
  out: Output,
): Promise<void> {
  const made = await rotateToken(tokensOf(house), { tenantId: live.tenant.id, id, ...(expiresAt && { expiresAt }), actor: 'cli' });
  out.result(made, `${made.token}\n${KEEP} The old one ends ${made.oldEnds.toISOString()}.`);
}

export async function tokenRevoke(house: House, live: LiveTenant, id: string, out: Output): Promise<void> {
  await revokeToken(tokensOf(house), { tenantId: live.tenant.id, id, actor: 'cli' });
  out.result({ revoked: id }, 'revoked');
}

export async function syncLog(house: House, live: LiveTenant, { csv, ...filter }: SyncLogFilter & { csv: boolean }, out: Output): Promise<void> {
  const entries = await house.store.journal.syncLog(live.tenant.id, filter);
  const head = ['at', 'action', 'resource', 'id', 'outcome', 'reason', 'actor', 'reference'];
  const rows = entries.map((e) => [
    e.at.toISOString(),
    e.action ?? '',
    e.resourceType,
    // What a directory named in a path that leads nowhere is kept as it came.
    plain(e.resourceId ?? ''),
    e.outcome,
    reasonOf(e),
    e.actor,
    e.reference ?? '',
  ]);
  if (csv) return out.result({ entries }, [head, ...rows].map((row) => row.map(cell).join(',')).join('\r\n'));
  out.result({ entries }, entries.length === 0 ? 'nothing yet' : table(head, rows));
}

/** RFC 4180; what a spreadsheet would take for a formula is text. */
const cell = (text: string): string => `"${(/^[=+\-@\t\r]/.test(text) ? `'${text}` : text).replaceAll('"', '""')}"`;

function reasonOf({ code, detail }: { code: string | null; detail: Record<string, unknown> }): string {
  const ignored = Array.isArray(detail['ignored']) ? detail['ignored'].map(String) : [];
  const reason = typeof detail['reason'] === 'string' ? detail['reason'] : ignored.join('; ');
  return plain([code ?? '', reason].filter(Boolean).join(': '));
}

export async function doctor(
  house: House,
  live: LiveTenant,
  { limit, bodies, reveal }: { limit: number; bodies: boolean; reveal: boolean },
  out: Output,
): Promise<void> {
  const show = reveal ? <T>(value: T) => value : masked;
  const path = (text: string) => (reveal ? text : String(maskedPath(text)));
  const exchanges = (await house.store.exchanges.list(live.tenant.id, limit)).map((e) => ({
    ...e,
    path: path(e.path),
    request: show(e.request),
    answer: show(e.answer),
  }));
  const lines = exchanges.flatMap((e) => [
    `${e.at.toISOString()}  ${e.status}  ${e.method} ${plain(e.path)}  ${e.ms} ms  ${plain(e.client)}${e.dialect && `, ${plain(e.dialect)}`}  ${e.reference}`,
    ...e.warnings.map((warning) => `    ! ${plain(warning)}`),
    ...(bodies ? [`    → ${plain(JSON.stringify(e.request))}`, `    ← ${plain(JSON.stringify(e.answer))}`] : []),
  ]);
  const troubled = exchanges.filter((e) => e.warnings.length > 0 || e.status >= 400).length;
  const head = `${live.tenant.id}, mode ${live.mode}: the last ${exchanges.length} requests, ${troubled} of them deserve a look`;
  out.result(
    { tenant: live.tenant.id, mode: live.mode, exchanges },
    exchanges.length === 0 ? 'no request of a directory yet' : [head, ...lines].join('\n'),
  );
}
