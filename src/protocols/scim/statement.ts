/** statement: from what a client wrote of a User to what the directory says, in the core's words. The same draft gives deeply equal statements. */
import type { DirectoryStatement } from '../../core/intent.ts';
import type { Profile } from '../../core/model.ts';
import { cleanAttribute, cleanEmail, cleanText } from '../../core/profile.ts';
import { HELD } from '../../core/statement.ts';
import { requireUserName, type UserDraft } from './draft.ts';
import { isObject, keyed, own } from './own.ts';
import { ENTERPRISE, type ResourceSchema, sameUrn, splitUrn, USER } from './schema.ts';

/** Throws `ScimError` invalidValue where there is no userName. */
export function statementOf(draft: UserDraft, _schema: ResourceSchema, fields: Readonly<Record<string, string>>): DirectoryStatement {
  requireUserName(draft);
  const { active, ...resource } = draft;
  return {
    resource,
    externalId: text(draft, 'externalId') || null,
    active: active !== false,
    profile: profileOf(draft),
    fields: fieldsOf(draft, fields),
    claims: claimsOf(draft),
  };
}

function profileOf(draft: UserDraft): Profile {
  const name = object(draft['name']);
  const [givenName, familyName] = [text(name, 'givenName'), text(name, 'familyName')];
  const userName = text(draft, 'userName');
  const displayName = text(draft, 'displayName') || text(name, 'formatted') || [givenName, familyName].filter(Boolean).join(' ');
  const clean = (attribute: Exclude<keyof Profile, 'userName' | 'email'>, value: string) => cleanAttribute(attribute, value) ?? '';
  return {
    userName,
    email: emailOf(draft) ?? cleanEmail(userName) ?? '',
    displayName: clean('displayName', displayName),
    givenName: clean('givenName', givenName),
    familyName: clean('familyName', familyName),
    locale: clean('locale', text(draft, 'locale') || text(draft, 'preferredLanguage')),
    timezone: clean('timezone', text(draft, 'timezone')),
    title: clean('title', text(draft, 'title')),
  };
}

/** The preferred one, else that of work, else the first that is an address. */
function emailOf(draft: UserDraft): string | null {
  const emails = elements(draft['emails']);
  const inOrder = [...emails.filter((e) => e['primary'] === true), ...emails.filter((e) => text(e, 'type').toLowerCase() === 'work'), ...emails];
  for (const one of inOrder) {
    const address = cleanEmail(text(one, 'value'));
    if (address) return address;
  }
  return null;
}

/** An extension's attribute counts in the spelling of the tenant file; those of the core and the enterprise schema whatever their case. */
function fieldsOf(draft: UserDraft, fields: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(fields).map(([path, field]) => [field, cleanText(fieldValue(draft, path), HELD.claimValue)]));
}

function fieldValue(draft: UserDraft, path: string): string {
  const { urn, name } = splitUrn(path);
  if (urn !== null && !sameUrn(urn, ENTERPRISE) && !sameUrn(urn, USER)) {
    const [, extension] = Object.entries(draft).find(([key]) => sameUrn(key, urn)) ?? [];
    return text(object(extension), name);
  }
  const [first = '', second] = name.split('.');
  const held = urn !== null && sameUrn(urn, USER) ? draft : { ...object(draft[ENTERPRISE]), ...draft };
  const value = keyed(held, first.toLowerCase());
  if (second !== undefined) return asText(keyed(object(value), second.toLowerCase()));
  return isObject(value) ? asText(value['value']) : asText(value);
}

/** What rules may ask for: simple attributes by name, lists by name with their values, extensions with their URN, enterprise ones both ways. */
function claimsOf(draft: UserDraft): Record<string, string[]> {
  const said = Object.entries(draft).flatMap(([key, value]): [string, string[]][] => {
    if (key === 'active' || key === 'userName' || key === 'externalId') return [];
    if (!key.includes(':')) return [[key, valuesOf(value)]];
    const own = Object.entries(object(value)).map(([name, one]): [string, string[]] => [`${key}:${name}`, valuesOf(one)]);
    return key === ENTERPRISE ? [...own, ...Object.entries(object(value)).map(([name, one]): [string, string[]] => [name, valuesOf(one)])] : own;
  });
  const kept = said.filter(([name, values]) => values.length > 0 && name.length <= HELD.groupName).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(kept.slice(0, HELD.claims));
}

function valuesOf(value: unknown): string[] {
  const list = Array.isArray(value) ? value : [value];
  const texts = list.map((one) => (isObject(one) ? asText(one['value']) : asText(one))).filter((one) => one !== '' && one.length <= HELD.claimValue);
  return [...new Set(texts.map((one) => cleanText(one, HELD.claimValue)))].sort().slice(0, HELD.claimValues);
}

const object = (value: unknown): Record<string, unknown> => (isObject(value) ? value : {});
const elements = (value: unknown): Record<string, unknown>[] => (Array.isArray(value) ? value.filter(isObject) : []);
const asText = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
const text = (holder: Record<string, unknown>, key: string): string => asText(own(holder, key));
