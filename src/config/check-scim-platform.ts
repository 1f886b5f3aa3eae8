/** What an application is told by SCIM: attributes that there are, and fields that something fills. */
import { nearest } from '../core/near.ts';
import type { Checked } from './check-names.ts';
import { urnProblem } from './check-scim.ts';
import { claimsOf } from './connections.ts';
import type { Item, Parts } from './parts.ts';
import { PLATFORM_DEFAULTS, SCIM_ATTRIBUTES, type ScimPlatformFile } from './platform-schema.ts';
import { type Path, quote, type Report } from './problem.ts';

export const UNFILLED = 'name its claim under connections: claims: fields:, or its attribute under scim: fields:';

export function checkScimPlatform({ parts, report }: Checked, { value, path }: Item<ScimPlatformFile>): void {
  const { attributes, quirks } = value;
  if (attributes === undefined) return;
  const at = [...path, 'attributes'];
  if (!attributes.includes('userName')) report.error(at, '"userName" is not among the attributes', 'add userName: SCIM knows no user without one');
  if ((quirks?.findBy ?? PLATFORM_DEFAULTS.findBy) === 'externalId' && !attributes.includes('externalId'))
    report.error(
      at,
      'people are looked for by "externalId", which is not among the attributes',
      'add externalId, or write quirks: { findBy: userName }',
    );
  const fields = filledFields(parts);
  attributes.forEach((name, i) => {
    if (attributes.indexOf(name) < i) report.warning([...at, i], `${quote(name)} is listed twice`, 'once is enough');
    else checkAttribute(report, { name, at: [...at, i], fields });
  });
}

/** What is none of a user's own attributes is filled from the custom field of that name: `costCenter` from `cost_center`. */
function checkAttribute(report: Report, { name, at, fields }: { name: string; at: Path; fields: string[] | null }): void {
  if ((SCIM_ATTRIBUTES as readonly string[]).includes(name)) return;
  const problem = problemOf(name, fields ?? []);
  const last = name.slice(name.lastIndexOf(':') + 1);
  if (problem) report.error(at, problem.message, problem.hint);
  else if (fields && !fields.some((field) => bare(field) === bare(last)))
    report.warning(at, `nothing fills ${quote(name)}: there is no custom field of that name`, UNFILLED);
}

const CORE_USER = 'urn:ietf:params:scim:schemas:core:2.0:user:';

function problemOf(name: string, fields: string[]): { message: string; hint: string } | null {
  if (name.toLowerCase().startsWith(CORE_USER))
    return { message: `${quote(name)} is written with the URN of the core schema`, hint: `write ${name.slice(CORE_USER.length)}` };
  if (/^urn:/i.test(name)) return urnProblem(name);
  const near = nearest(name, SCIM_ATTRIBUTES);
  const isField = fields.some((field) => bare(field) === bare(name));
  if (isField || (near === null && /^[A-Za-z][\w-]*$/.test(name))) return null;
  const hint = near ? `did you mean ${quote(near)}?` : `one of ${SCIM_ATTRIBUTES.join(', ')}, or a custom field's, such as costCenter`;
  return { message: `${quote(name)} is no attribute that can be sent`, hint };
}

const bare = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** Custom fields that a connection or the directory fills; null where a connection cannot be read, so that it is not known. */
export function filledFields({ connections, declared }: Parts): string[] | null {
  if (connections.length < declared.connections.length) return null;
  return [...new Set([...connections.flatMap(({ value }) => Object.values(claimsOf(value).fields)), ...declared.directoryFields])];
}
