/**
 * told: what an application is told of a person, and what differs from what it has. `attributes` of the tenant file is the allow-list: without it userName,
 * externalId, name, displayName, the work e-mail, title, locale, timezone and active are sent. A custom field is sent only where an attribute of its name
 * is listed (`urn:…:enterprise:2.0:User:costCenter` takes the field `cost_center`). userName and schemas always are, because no user is without.
 */
import type { ScimPlatform } from '../../core/tenant.ts';
import type { Person } from '../connector.ts';
import { isObject, type Json, type PatchOperation, textOf, USER } from './wire.ts';

export type Telling = Pick<ScimPlatform, 'attributes' | 'quirks'>;

/** `''` = unassigned. `keys`: where it is in the resource. */
interface Said {
  path: string;
  keys: string[];
  value: string | boolean;
}

const OWN: Record<string, (person: Person) => string | boolean> = {
  userName: ({ userName }) => userName,
  externalId: ({ id }) => id,
  'name.givenName': ({ givenName }) => givenName,
  'name.familyName': ({ familyName }) => familyName,
  displayName: ({ displayName }) => displayName,
  title: ({ title }) => title,
  locale: ({ locale }) => locale,
  timezone: ({ timezone }) => timezone,
  active: ({ active }) => active,
};

/** `name` allows `name.givenName`; `emails[type eq "work"].value` allows `emails`. */
export function sends(attribute: string, { attributes }: Pick<Telling, 'attributes'>): boolean {
  if (attributes === null || attribute === 'userName') return true;
  const wanted = attribute.toLowerCase();
  return attributes.some((one) => {
    const listed = one.toLowerCase();
    return listed === wanted || wanted.startsWith(`${listed}.`) || (wanted === 'emails' && /^emails[.[]/.test(listed));
  });
}

function saidOf(person: Person, telling: Telling): Said[] {
  const own = Object.entries(OWN).filter(([path]) => sends(path, telling));
  return [...own.map(([path, of]) => ({ path, keys: path.split('.'), value: of(person) })), ...customOf(person, telling)];
}

const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]/g, '');

/** What is listed and none of ours is looked for among the person's fields; a field that nobody has said is no business of ours. */
function customOf({ fields }: Person, { attributes }: Telling): Said[] {
  const ours = new Set([...Object.keys(OWN), 'name', 'emails', 'schemas', 'id', 'meta', 'groups', 'password'].map((name) => name.toLowerCase()));
  const named = new Map(Object.entries(fields).map(([ref, value]) => [plain(ref), value]));
  return (attributes ?? []).flatMap((path) => {
    const colon = path.lastIndexOf(':');
    const name = path.slice(colon + 1);
    const value = named.get(plain(name));
    if (ours.has(path.toLowerCase()) || /[.[]/.test(name) || value === undefined) return [];
    return [{ path, keys: colon === -1 ? [name] : [path.slice(0, colon), name], value }];
  });
}

/** `active` as this application wants it. */
const onWire = (value: string | boolean, { quirks }: Telling): string | boolean =>
  typeof value === 'boolean' && quirks.booleansAsText ? (value ? 'True' : 'False') : value;

/** Null = not said. */
export function truth(value: unknown): boolean | null {
  if (typeof value === 'boolean') return value;
  const text = textOf(value).toLowerCase();
  return text === 'true' ? true : text === 'false' ? false : null;
}

const at = (resource: Json, [first, second]: string[]): unknown => {
  const value = resource[first!];
  if (second === undefined) return value;
  return isObject(value) ? value[second] : undefined;
};

function isSame({ path, value }: Said, there: unknown): boolean {
  if (typeof value === 'boolean') return truth(there) === value;
  const text = there === undefined || there === null ? '' : String(there);
  return path === 'userName' ? text.toLowerCase() === value.toLowerCase() : text === value;
}

/** A new user. */
export const newUser = (person: Person, telling: Telling): Json => merged({ schemas: [USER] }, person, telling);

/** The whole user as it should be: what is there and not ours stays. Read-only attributes are not sent back. */
export function merged(there: Json, person: Person, telling: Telling): Json {
  const { meta: _meta, groups: _groups, password: _password, ...user } = there;
  const schemas = new Set(Array.isArray(user['schemas']) ? user['schemas'] : [USER]);
  for (const { keys, value } of saidOf(person, telling)) {
    const [first, second] = keys as [string, string?];
    const cleared = value === '';
    if (second === undefined) user[first] = cleared ? undefined : onWire(value, telling);
    else if (!cleared) user[first] = { ...(isObject(user[first]) ? user[first] : {}), [second]: value };
    else if (isObject(user[first])) user[first] = { ...user[first], [second]: undefined };
    if (first.includes(':') && !cleared) schemas.add(first);
  }
  const mail = mailChange(user['emails'], person, telling);
  return { ...user, schemas: [...schemas], ...(mail && { emails: mail.list }) };
}

/** What differs, one operation for each attribute; empty = nothing does. */
export function operationsFor(there: Json, person: Person, telling: Telling): PatchOperation[] {
  const differing = saidOf(person, telling).filter((one) => !isSame(one, at(there, one.keys)));
  const operations = differing.map(
    ({ path, value }): PatchOperation => (value === '' ? { op: 'remove', path } : { op: 'replace', path, value: onWire(value, telling) }),
  );
  const mail = mailChange(there['emails'], person, telling);
  return mail ? [...operations, mail.operation] : operations;
}

/**
 * One address is ours: that of type work. Others stay, and one that is there under another type is left as it is. An e-mail that we do not know any more
 * takes none away.
 */
function mailChange(emails: unknown, { email }: Person, telling: Telling): { operation: PatchOperation; list: Json[] } | null {
  if (!sends('emails', telling) || email === '') return null;
  const there = Array.isArray(emails) ? emails.filter(isObject) : [];
  const isOurs = (one: Json) => textOf(one['type']).toLowerCase() === 'work';
  const work = there.find(isOurs);
  if (sameMail(work?.['value'], email) || (!work && there.some(({ value }) => sameMail(value, email)))) return null;
  if (work)
    return {
      operation: { op: 'replace', path: 'emails[type eq "work"].value', value: email },
      list: there.map((one) => (isOurs(one) ? { ...one, value: email } : one)),
    };
  // An application that keeps no types has one address: ours takes its place, or it would get another with each change.
  const typed = there.filter(({ type }) => textOf(type) !== '');
  const element = { value: email, type: 'work', ...(!typed.some(({ primary }) => truth(primary)) && { primary: true }) };
  const list = [...typed, element];
  return {
    operation: typed.length < there.length ? { op: 'replace', path: 'emails', value: list } : { op: 'add', path: 'emails', value: [element] },
    list,
  };
}

const sameMail = (there: unknown, email: string): boolean => textOf(there).toLowerCase() === email.toLowerCase();

/** The account has this e-mail, as its name or among its addresses. */
export const hasMail = ({ userName, emails }: Json, email: string): boolean =>
  email !== '' && (sameMail(userName, email) || (Array.isArray(emails) && emails.some((one) => isObject(one) && sameMail(one['value'], email))));
