/** What a hand-off's keys mean together, to the platforms, and what its claims may say. */
import { nearest } from '../core/near.ts';
import { type Checked, suggestion } from './check-names.ts';
import { checkPlace, type Places } from './check-platforms.ts';
import { filledFields, UNFILLED } from './check-scim-platform.ts';
import { HAND_OFF_DEFAULTS, PLACEHOLDERS, RESERVED_CLAIMS, type SignedFile, type ThinkificHandOffFile } from './hand-off-schema.ts';
import { overPreset } from './hand-offs.ts';
import type { Item } from './parts.ts';
import type { ThinkificFile } from './platform-schema.ts';
import { type Path, quote, type Report } from './problem.ts';

export function checkHandOffs(checked: Checked, baseDir: string): void {
  const places: Places = { report: checked.report, baseDir };
  for (const { value, path } of checked.parts.handOffs) {
    if (value.kind === 'signed' || value.kind === 'discourse') checkPlace(places, [...path, 'secret'], value.secret);
    if (value.kind === 'thinkific') checkThinkific(checked, { value, path });
    if (value.kind === 'signed') checkSigned(checked, { value, path });
  }
}

function checkThinkific({ parts, report }: Checked, { value, path }: Item<ThinkificHandOffFile>): void {
  const at = [...path, 'platform'];
  const known = parts.declared.platforms;
  const platform = parts.platforms.find((one) => one.value.id === value.platform)?.value;
  if (!known.includes(value.platform))
    report.error(at, `unknown platform ${quote(value.platform)}`, suggestion(value.platform, known, 'add it under platforms:'));
  else if (platform?.kind === 'thinkific') checkSchool(report, platform, at);
  else if (platform) report.error(at, `platform ${quote(platform.id)} is of kind ${platform.kind}`, 'the id of a platform of kind thinkific');
}

function checkSchool(report: Report, platform: ThinkificFile, at: Path): void {
  if (platform.apiKey === undefined)
    report.error(at, `platform ${quote(platform.id)} has no "apiKey"`, 'add apiKey: there; the platform takes no other signature');
  if (platform.enabled === false)
    report.warning(
      at,
      `platform ${quote(platform.id)} is not enabled, so nobody can be handed over to it`,
      'enabled: true there, or leave the hand-off out',
    );
  if (platform.provider === 'OPENID_CONNECT')
    report.warning(
      at,
      `platform ${quote(platform.id)} knows our ids under OPENID_CONNECT, and the hand-over signs in under SSO`,
      'provider: SSO there; accounts may else be found by e-mail only',
    );
}

function checkSigned(checked: Checked, { value, path }: Item<SignedFile>): void {
  const { report } = checked;
  const file = overPreset(value);
  if (file.url === undefined) report.error(path, '"url" is missing', URLS[value.preset ?? 'none'] ?? URLS.none);
  if (value.preset === 'canny' && file.parameters?.['companyID'] === undefined)
    report.error([...path, 'parameters'], '"companyID" is missing', 'parameters: { companyID: … }, as in the settings of Canny');
  if (Object.keys(file.claims ?? {}).length === 0)
    report.error(
      [...path, 'claims'],
      '"claims" is missing',
      'what the application is told, such as { sub: "{id}", email: "{email}", name: "{displayName}" }',
    );
  checkSignature(report, file, path);
  checkParameters(report, file, path);
  const fields = filledFields(checked.parts);
  for (const [claim, template] of Object.entries(value.claims ?? {})) {
    const at = [...path, 'claims', claim];
    if ((RESERVED_CLAIMS as readonly string[]).includes(claim))
      report.keyError(at, `the claim ${quote(claim)} cannot be set`, INSTEAD[claim] ?? MADE);
    checkTemplate(report, { template, at, fields });
  }
}

const URLS: Record<string, string> & { none: string } = {
  none: 'the https address that takes the JWT',
  zendesk: 'url: https://<subdomain>.zendesk.com/access/jwt',
};
const MADE = 'it is made at the moment of the hand-over';
const INSTEAD: Record<string, string> = {
  iss: 'write issuer: beside claims:',
  aud: 'write audience: beside claims:',
  exp: 'write life: with the seconds, beside claims:',
};

function checkSignature(report: Report, { algorithm = HAND_OFF_DEFAULTS.algorithm, secret }: SignedFile, path: Path): void {
  if (algorithm === 'HS256' && secret === undefined)
    report.error(path, '"secret" is missing', 'secret: env:NAME or file:path; or algorithm: RS256, which needs none');
  if (algorithm !== 'HS256' && secret !== undefined)
    report.error(
      [...path, 'secret'],
      `"secret" is given, and ${algorithm} needs none`,
      'leave it out: the key is our own, and its public half is published',
    );
}

/** The JWT has its parameter to itself: with two of one name, each receiver believes another one. */
function checkParameters(report: Report, file: SignedFile, path: Path): void {
  const parameter = file.parameter ?? HAND_OFF_DEFAULTS.parameter;
  const hint = `another name: ${quote(parameter)} carries the JWT`;
  if (Object.hasOwn(file.parameters ?? {}, parameter))
    report.keyError([...path, 'parameters', parameter], `the parameter ${quote(parameter)} is used twice`, hint);
  if (file.returnToParameter === parameter) report.error([...path, 'returnToParameter'], `the parameter ${quote(parameter)} is used twice`, hint);
  for (const name of new Set(file.url === undefined ? [] : new URL(file.url).searchParams.keys()))
    if (name === parameter || name === file.returnToParameter || Object.hasOwn(file.parameters ?? {}, name))
      report.error([...path, 'url'], `the parameter ${quote(name)} is used twice`, 'leave it out of the address');
}

interface Template {
  template: string;
  at: Path;
  /** Custom fields that something fills; null = not known. */
  fields: string[] | null;
}

type Wrong = [message: string, hint: string];

function checkTemplate(report: Report, { template, at, fields }: Template): void {
  const problem = wrongBraces(template);
  if (problem) report.error(at, ...problem);
  else
    for (const name of new Set([...template.matchAll(/\{([^{}]*)\}/g)].map(([, inside]) => inside!))) {
      const field = /^field\.([a-z][a-z0-9_]{0,62})$/.exec(name)?.[1];
      if (field === undefined && !(PLACEHOLDERS as readonly string[]).includes(name)) report.error(at, ...wrongName(name, fields ?? []));
      else if (field !== undefined && fields && !fields.includes(field))
        report.warning(at, `nothing fills the field ${quote(field)}`, suggestion(field, fields, UNFILLED));
    }
}

function wrongBraces(template: string): Wrong | null {
  if (template.includes('${')) return [`${quote(template)} has a $ before a brace`, 'write {email}, without the $'];
  const rest = template.replace(/\{[^{}]*\}/g, '');
  return /[{}]/.test(rest) ? [`${quote(template)} has a brace too many or too few`, 'single braces around one name, such as {email}'] : null;
}

function wrongName(name: string, fields: string[]): Wrong {
  const near = nearest(name, [...PLACEHOLDERS, ...fields.map((one) => `field.${one}`)]);
  const all = PLACEHOLDERS.map((one) => `{${one}}`).join(', ');
  return [
    `unknown placeholder ${quote(`{${name}}`)}`,
    near ? `did you mean ${quote(`{${near}}`)}?` : `one of ${all}, or a field: {field.cost_center}`,
  ];
}
