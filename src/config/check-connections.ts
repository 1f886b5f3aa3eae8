/** What a connection's keys mean together, and to the tenant. */
import type { Checked } from './check-names.ts';
import type { ConnectionFile, OidcFile, SamlFile } from './connection-schema.ts';
import { claimsOf } from './connections.ts';
import { OUTSIDE, placeOf, readCertificate, secretRef } from './files.ts';
import { type Path, quote, type Report } from './problem.ts';
import { asList } from './scalars.ts';

interface At<T> {
  file: T;
  path: Path;
  report: Report;
  baseDir: string;
}

export function checkConnections({ parts, report }: Checked, baseDir: string): void {
  for (const { value, path } of parts.connections) {
    const at = { path, report, baseDir };
    checkDomains({ ...at, file: value }, parts.declared.domains);
    checkClaims({ ...at, file: value });
    if (value.protocol === 'saml') checkSaml({ ...at, file: value });
    else checkOidc({ ...at, file: value }, parts.declared.domains);
  }
}

function checkDomains({ file, path, report }: At<ConnectionFile>, tenantDomains: string[]): void {
  file.domains?.forEach((domain, i) => {
    if (!tenantDomains.includes(domain))
      report.error(
        [...path, 'domains', i],
        `${quote(domain)} is not one of the tenant's domains`,
        `add it to domains: at the top of the file, if it is the organisation's own`,
      );
  });
  if (file.trustEmail === 'domains' && !file.domains?.length)
    report.error(
      [...path, 'trustEmail'],
      '"trustEmail" is domains, and the connection has none',
      'list the domains of this connection, or write never',
    );
  if (file.protocol === 'saml' && file.trustEmail === 'verified-claim')
    report.error([...path, 'trustEmail'], 'SAML has no claim that verifies an e-mail', 'domains or never');
}

function checkClaims({ file, path, report }: At<ConnectionFile>): void {
  const [ours, foreign] = file.protocol === 'saml' ? ['@nameid', '@sub'] : ['@sub', '@nameid'];
  for (const [attribute, written] of Object.entries(file.claims ?? {})) {
    if (['fields', 'drop', 'active', 'groups'].includes(attribute)) continue;
    for (const name of asList(written as string | string[]))
      if (name.startsWith('@') && name !== ours)
        report.error(
          [...path, 'claims', attribute],
          `${quote(name)} means nothing in ${file.protocol}`,
          name === foreign ? `write "${ours}"` : `"${ours}" or a claim name`,
        );
  }
  const seen = new Map<string, string>();
  for (const [claim, field] of Object.entries(file.claims?.fields ?? {})) {
    const other = seen.get(field);
    if (other !== undefined)
      report.error([...path, 'claims', 'fields', claim], `field ${quote(field)} is filled twice`, `${quote(other)} fills it already`);
    seen.set(field, claim);
  }
  const { groups } = claimsOf(file);
  if (groups.delimiter !== null && groups.claims.length === 0)
    report.error([...path, 'claims', 'groups'], 'no claim is named that could be split', 'add claim: with the name of the group claim');
}

function checkSaml({ file, path, report, baseDir }: At<SamlFile>): void {
  const { metadata, idp } = file;
  if (!metadata && !idp)
    report.error(path, '"metadata" is missing', 'metadata: { url: https://… }, or idp: with the addresses and certificates by hand');
  if (metadata && idp) report.error([...path, 'idp'], '"metadata" and "idp" are both given', 'one of them; metadata already says what idp would');
  if (metadata) {
    const given = ['url', 'file', 'xml'].filter((key) => Object.hasOwn(metadata, key));
    if (given.length !== 1)
      report.error(
        [...path, 'metadata'],
        `"metadata" has ${given.length === 0 ? 'no source' : given.join(' and ')}`,
        'exactly one of url, file and xml',
      );
    if (metadata.file !== undefined && placeOf(baseDir, metadata.file) === null)
      report.error([...path, 'metadata', 'file'], '"file" leaves the folder of this file', OUTSIDE);
  }
  if (idp) checkIdp({ file, path, report, baseDir }, idp);
}

function checkIdp({ file, path, report, baseDir }: At<SamlFile>, idp: NonNullable<SamlFile['idp']>): void {
  const needed = file.binding === 'post' ? 'ssoPostUrl' : 'ssoUrl';
  if (idp[needed] === undefined)
    report.error([...path, 'idp'], `"${needed}" is missing`, `the provider's sign-in address for binding: ${file.binding ?? 'redirect'}`);
  idp.certificates.forEach((written, i) => {
    const read = readCertificate(baseDir, written);
    if (!read.ok) report.error([...path, 'idp', 'certificates', i], `certificate ${i + 1} ${read.message}`, read.hint);
  });
}

function checkOidc({ file, path, report, baseDir }: At<OidcFile>, tenantDomains: string[]): void {
  checkIssuer({ file, path, report, baseDir });
  if (file.clientSecret === undefined && file.clientKey === undefined)
    report.error(path, '"clientSecret" is missing', 'clientSecret: env:NAME or file:path, or clientKey: for a private key');
  if (file.clientSecret !== undefined && file.clientKey !== undefined)
    report.error([...path, 'clientKey'], '"clientSecret" and "clientKey" are both given', 'one of them, as registered at the provider');
  for (const key of ['clientSecret', 'clientKey'] as const) {
    const written = file[key];
    if (written !== undefined && secretRef(baseDir, written) === null)
      report.error([...path, key], `"${key}" leaves the folder of this file`, OUTSIDE);
  }
  for (const key of ['clientKeyId', 'clientKeyAlg'] as const)
    if (file[key] !== undefined && file.clientKey === undefined)
      report.error([...path, key], `"${key}" without "clientKey"`, 'only together with clientKey:');
  if (file.clientAuth !== undefined && file.clientKey !== undefined)
    report.error([...path, 'clientAuth'], '"clientAuth" is about a secret, and there is a key', 'leave it out; a key is always private_key_jwt');
  if (file.preset === 'google' && !file.domains?.length && tenantDomains.length === 0 && !Object.hasOwn(file.require ?? {}, 'hd'))
    report.error(path, 'any Google account in the world could sign in', 'list the Workspace domains under domains:');
}

const MICROSOFT = /^login\.(microsoftonline\.(com|us)|partner\.microsoftonline\.cn)$/;
const GUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** Compared exactly with what tokens say; a directory-independent Entra issuer would let every Microsoft customer in. */
function checkIssuer({ file, path, report }: At<OidcFile>): void {
  const wrong = wrongIssuer(file.issuer, new URL(file.issuer));
  if (wrong) report.error([...path, 'issuer'], ...wrong);
}

function wrongIssuer(issuer: string, url: URL): [message: string, hint: string] | null {
  const discovery = issuer.indexOf('/.well-known/');
  if (discovery !== -1) return ['"issuer" is the address of the discovery document', `write ${issuer.slice(0, discovery)}`];
  if (/[?#]/.test(issuer)) return ['"issuer" has a query or fragment', 'the address alone, exactly as in the discovery document'];
  if (!MICROSOFT.test(url.hostname)) return null;
  const right = `https://${url.hostname}/<directory id>/v2.0 with the directory (tenant) id of the customer`;
  const directory = url.pathname.split('/')[1] ?? '';
  if (['common', 'organizations', 'consumers'].includes(directory.toLowerCase()))
    return [`${quote(directory)} would let in people of every organisation`, right];
  if (!GUID.test(directory)) return [`${quote(directory)} is no directory id`, right];
  return /^\/[^/]+\/v2\.0$/.test(url.pathname) ? null : ['"issuer" is not of version 2', right];
}
