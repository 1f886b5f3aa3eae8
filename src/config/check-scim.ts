/** What the section `scim:` means: attributes that a directory can say, and what the mode `scim` needs. */
import { nearest } from '../core/near.ts';
import { quote, type Report } from './problem.ts';
import type { TenantFile } from './tenant-schema.ts';

const ENTERPRISE = 'urn:ietf:params:scim:schemas:extension:enterprise:2.0:User';
const CORE_USER = 'urn:ietf:params:scim:schemas:core:2.0:User';
/** Single attributes of a User and its name (RFC 7643 §4.1), and the enterprise ones that are taken (§4.3). */
const CORE = 'displayName nickName profileUrl title userType preferredLanguage locale timezone externalId'.split(' ');
const NAME = 'formatted familyName givenName middleName honorificPrefix honorificSuffix'.split(' ').map((part) => `name.${part}`);
const ENTERPRISE_ATTRIBUTES = 'employeeNumber costCenter organization division department manager'.split(' ');
const KNOWN = [...CORE, ...NAME, ...ENTERPRISE_ATTRIBUTES];

/** `file` is what was read, sound or not: only what has the right shape is looked at. */
export function checkScim(file: unknown, report: Report): void {
  const { scim, provisioning, connections, domains } = (file ?? {}) as Partial<TenantFile>;
  const fields = scim?.fields;
  if (typeof fields === 'object' && fields !== null && !Array.isArray(fields)) checkFields(fields, report);
  if (provisioning?.initialMode !== 'scim') return;
  const enabled = Array.isArray(connections) && connections.some((one) => one?.enabled !== false);
  if (!enabled)
    report.error(
      ['provisioning', 'initialMode'],
      'the mode scim needs a connection that is enabled',
      'add one under connections:, people still sign in through it',
    );
  if (!Array.isArray(domains) || domains.length === 0)
    report.error(['provisioning', 'initialMode'], "the mode scim needs a domain of the organisation's own", 'list it under domains:');
}

function checkFields(fields: Record<string, unknown>, report: Report): void {
  const [attributes, filled] = [new Map<string, string>(), new Map<string, string>()];
  for (const [attribute, field] of Object.entries(fields)) {
    const at = ['scim', 'fields', attribute];
    const problem = problemOf(attribute);
    if (problem) report.keyError(at, problem.message, problem.hint);
    const twin = attributes.get(bare(attribute));
    if (twin !== undefined) report.keyError(at, `${quote(attribute)} is mapped twice`, `${quote(twin)} means the same attribute`);
    attributes.set(bare(attribute), attribute);
    const other = typeof field === 'string' ? filled.get(field) : undefined;
    if (other !== undefined) report.error(at, `field ${quote(String(field))} is filled twice`, `${quote(other)} fills it already`);
    if (typeof field === 'string') filled.set(field, attribute);
  }
}

/** `department` and its long form are one attribute. */
const bare = (attribute: string): string => {
  const folded = attribute.toLowerCase();
  const owner = [ENTERPRISE, CORE_USER].find((urn) => folded.startsWith(`${urn.toLowerCase()}:`));
  return owner ? folded.slice(owner.length + 1) : folded;
};

function problemOf(attribute: string): { message: string; hint: string } | null {
  if (/^urn:/i.test(attribute)) return urnProblem(attribute);
  if (KNOWN.some((known) => known.toLowerCase() === attribute.toLowerCase())) return null;
  const meant = nearest(attribute, KNOWN);
  return {
    message: `${quote(attribute)} is no attribute that a field can be filled from`,
    hint: meant ? `did you mean ${quote(meant)}?` : `one of ${KNOWN.join(', ')}, or an extension's with its URN: urn:acme:scim:2.0:User:costCode`,
  };
}

/** What is wrong with an attribute that is written with its schema's URN. */
export function urnProblem(attribute: string): { message: string; hint: string } | null {
  const at = attribute.lastIndexOf(':');
  const [urn, name] = [attribute.slice(0, at), attribute.slice(at + 1)];
  if (!/^urn:[a-z0-9][a-z0-9-]{0,31}:[^\s]+$/i.test(urn) || !/^[A-Za-z$][\w.$-]*$/.test(name))
    return {
      message: `${quote(attribute)} is no attribute with its URN`,
      hint: 'the URN of the schema, a colon, the attribute: urn:acme:scim:2.0:User:costCode',
    };
  const allowed =
    urn.toLowerCase() === ENTERPRISE.toLowerCase()
      ? ENTERPRISE_ATTRIBUTES
      : urn.toLowerCase() === CORE_USER.toLowerCase()
        ? [...CORE, ...NAME]
        : null;
  if (!allowed || allowed.some((known) => known.toLowerCase() === name.toLowerCase())) return null;
  const meant = nearest(name, allowed);
  return { message: `${quote(name)} is no attribute of that schema`, hint: meant ? `did you mean ${quote(meant)}?` : `one of ${allowed.join(', ')}` };
}
