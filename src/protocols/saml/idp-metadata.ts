/** The provider's side of a connection, from its metadata. What cannot be trusted makes the connection unusable. */
import { Refusal } from '../../core/refusal.ts';
import { certificatePem, checkCertificate, isRsa } from './certificates.ts';
import { parseDateTime } from './times.ts';
import { BINDING_POST, BINDING_REDIRECT, NAMESPACES } from './vocabulary.ts';
import { printable } from './xml-text.ts';
import { attribute, children, descend, readTree, type XmlElement } from './xml-tree.ts';

export interface IdpMetadata {
  entityId: string;
  ssoRedirectUrl: string | null;
  ssoPostUrl: string | null;
  /** PEM, every key that may sign; several while keys roll over. */
  certificates: string[];
  /** After this the metadata may not be used. */
  validUntil: Date | null;
  /** When the provider wants it read again. */
  cacheUntil: Date | null;
}

/** UTF-16 units of text; a federation's whole aggregate may be larger and does not belong here. */
export const MAX_METADATA_LENGTH = 5 * 1024 * 1024;
const LIMITS = { depth: 64, elements: 250_000, attributes: 64, allAttributes: 750_000 };

/**
 * One provider's metadata: an EntityDescriptor, or an EntitiesDescriptor out of which `entityId` picks one.
 * The document's signature is not verified: trust comes from where the operator got it, a file or an https address.
 * @throws Refusal `connection-unusable` with a `saml-metadata/…` check
 */
export function readIdpMetadata(xml: string, options: { now: Date; loopback: boolean; entityId?: string | null }): IdpMetadata {
  if (xml.length > MAX_METADATA_LENGTH) throw unusable('too-large', `${xml.length} characters`);
  const root = readTree(xml.replace(/^\ufeff/, ''), LIMITS, unusable);
  const path = pathToProvider(root, options.entityId ?? null);
  const entity = path.at(-1)!;
  const descriptor = theDescriptor(entity);
  const chain = [...path, descriptor];
  const validUntil = earliest(chain.map((element) => timeAttribute(element, 'validUntil')));
  if (validUntil && validUntil <= options.now) throw unusable('expired', validUntil.toISOString());
  return {
    entityId: attribute(entity, 'entityID')!,
    ssoRedirectUrl: locationOf(descriptor, BINDING_REDIRECT, options.loopback),
    ssoPostUrl: locationOf(descriptor, BINDING_POST, options.loopback),
    certificates: signingCertificates(descriptor),
    validUntil,
    cacheUntil: earliest(chain.map((element) => cacheEnd(element, options.now))),
  };
}

/** https, or http at loopback where that is allowed; no user info. @throws Refusal `connection-unusable` with the given check */
export function checkLocation(location: string, loopback: boolean, check: string): void {
  const url = URL.canParse(location) ? new URL(location) : null;
  const local = url?.protocol === 'http:' && /^(127(\.\d{1,3}){3}|localhost|\[::1\])$/.test(url.hostname);
  const fine = url && (url.protocol === 'https:' || (loopback && local)) && url.username === '' && url.password === '' && url.hash === '';
  if (!fine) throw new Refusal('connection-unusable', check, location.slice(0, 256));
}

/** From the root down to the one EntityDescriptor that is meant. */
function pathToProvider(root: XmlElement, entityId: string | null): XmlElement[] {
  if (root.name !== 'md:EntityDescriptor' && root.name !== 'md:EntitiesDescriptor') throw unusable('root', root.name);
  const found = entityPaths(root).filter((path) => {
    const entity = path.at(-1)!;
    return entityId === null ? children(entity, 'md:IDPSSODescriptor').length > 0 : attribute(entity, 'entityID') === entityId;
  });
  const [path, another] = found;
  if (!path) throw unusable(entityId === null ? 'no-provider' : 'entity-id', entityId ?? '');
  if (another) throw unusable('two-providers', `${found.length}`);
  if (!attribute(path.at(-1)!, 'entityID')) throw unusable('entity-id', 'absent');
  return path;
}

function entityPaths(element: XmlElement): XmlElement[][] {
  if (element.name === 'md:EntityDescriptor') return [[element]];
  const below = element.children.filter((e) => e.name === 'md:EntityDescriptor' || e.name === 'md:EntitiesDescriptor');
  return below.flatMap((e) => entityPaths(e).map((path) => [element, ...path]));
}

function theDescriptor(entity: XmlElement): XmlElement {
  const speaks = (e: XmlElement) => (attribute(e, 'protocolSupportEnumeration') ?? '').split(/\s+/).includes(NAMESPACES.samlp);
  const [descriptor, another] = children(entity, 'md:IDPSSODescriptor').filter(speaks);
  if (!descriptor) throw unusable('no-provider', 'no IDPSSODescriptor for SAML 2.0');
  if (another) throw unusable('two-providers', 'several IDPSSODescriptors');
  return descriptor;
}

function locationOf(descriptor: XmlElement, binding: string, loopback: boolean): string | null {
  const services = children(descriptor, 'md:SingleSignOnService').filter((service) => attribute(service, 'Binding') === binding);
  const locations = services.map((service) => attribute(service, 'Location') ?? '');
  for (const location of locations) checkLocation(location, loopback, 'saml-metadata/location');
  return locations[0] ?? null;
}

/** Keys for signing or for anything; of a chain the first, which holds the key. Kinds of key that cannot be verified here do not count. */
function signingCertificates(descriptor: XmlElement): string[] {
  const keys = children(descriptor, 'md:KeyDescriptor').filter((key) => (attribute(key, 'use') ?? 'signing') === 'signing');
  const first = keys.map((key) => [...descend(key)].find((element) => element.name === 'ds:X509Certificate'));
  const certificates = first.filter((element) => element !== undefined).map((element) => certificatePem(element.text, 'saml-metadata/certificate'));
  const usable = [...new Set(certificates)].filter((pem) => isRsa(pem, 'saml-metadata/certificate'));
  if (usable.length === 0) throw unusable('no-signing-key', '');
  for (const certificate of usable) checkCertificate(certificate, 'saml-metadata/certificate');
  return usable;
}

function timeAttribute(element: XmlElement, name: string): Date | null {
  const text = attribute(element, name);
  if (text === null) return null;
  const time = parseDateTime(text);
  if (time === null) throw unusable('date-time', `${name}: ${text.slice(0, 40)}`);
  return new Date(time);
}

const DURATION = /^P(?:(\d{1,4})Y)?(?:(\d{1,4})M)?(?:(\d{1,5})D)?(?:T(?:(\d{1,6})H)?(?:(\d{1,7})M)?(?:(\d{1,9})(?:\.\d+)?S)?)?$/;

/** xs:duration, with a month of 30 days: it only says when to read again. */
function cacheEnd(element: XmlElement, now: Date): Date | null {
  const text = attribute(element, 'cacheDuration');
  const parts = text === null ? null : DURATION.exec(text);
  if (!parts) return null;
  const [years, months, days, hours, minutes, seconds] = parts.slice(1).map((part) => Number(part ?? 0)) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return new Date(now.getTime() + ((((years * 365 + months * 30 + days) * 24 + hours) * 60 + minutes) * 60 + seconds) * 1000);
}

function earliest(dates: readonly (Date | null)[]): Date | null {
  const times = dates.filter((date) => date !== null).map((date) => date.getTime());
  return times.length === 0 ? null : new Date(Math.min(...times));
}

const unusable = (check: string, detail: string) => new Refusal('connection-unusable', `saml-metadata/${check}`, printable(detail));
