/** `matricula check --online`: tenant files against the learning platforms that they name, whether they were taken in or not. */
import { deliveriesOf, type House } from '../app.ts';
import type { Tenant } from '../core/tenant.ts';
import type { Checked } from '../flows/deliveries.ts';
import { liveOf } from '../flows/tenants.ts';
import { type Output, plain } from './output.ts';

/** Asks every enabled platform of a tenant file that is sound. */
export async function checkPlatforms(house: House, tenant: Tenant, out: Output): Promise<Checked[]> {
  const enabled = tenant.platforms.filter((platform) => platform.enabled);
  if (enabled.length > 0) out.note(`asking ${enabled.map(({ id }) => id).join(', ')} of ${tenant.id} …`);
  const live = liveOf({ mode: tenant.provisioning.initialMode, phase: null, seats: null, brake: null, revision: 0 }, tenant);
  return deliveriesOf(house).check(live);
}

/** One line for each finding, and what to do below it. */
export const findingLines = (checked: Checked[]): string[] =>
  checked.flatMap(({ platform, findings }) =>
    findings.flatMap(({ check, ok, message, next }) => [
      `${ok ? 'ok' : '!!'}  ${platform} ${check}: ${plain(message)}`,
      ...(next === undefined ? [] : [`      ${plain(next)}`]),
    ]),
  );
