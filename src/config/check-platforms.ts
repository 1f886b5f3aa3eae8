/** What a platform's keys mean together, and to the catalogue. */
import type { Checked } from './check-names.ts';
import { checkScimPlatform } from './check-scim-platform.ts';
import { OUTSIDE, secretRef } from './files.ts';
import type { Item } from './parts.ts';
import type { PlatformFile, ThinkificFile, WebhookFile } from './platform-schema.ts';
import { type Path, quote, type Report } from './problem.ts';

export interface Places {
  report: Report;
  baseDir: string;
}

export function checkPlatforms(checked: Checked, baseDir: string): void {
  const { parts, report } = checked;
  const withGroups = parts.declared.targets.some((target) => target.startsWith('group:'));
  for (const { value, path } of parts.platforms) {
    checkSecrets({ report, baseDir }, value, path);
    if (value.kind === 'thinkific') checkThinkific(report, { value, path }, withGroups);
    if (value.kind === 'webhook') checkWebhook(report, { value, path });
    if (value.kind === 'scim') checkScimPlatform(checked, { value, path });
  }
  checkRefs(checked);
}

function checkSecrets(places: Places, value: PlatformFile, path: Path): void {
  const at = (key: string, written: string | undefined) => checkPlace(places, [...path, key], written);
  if (value.kind === 'thinkific') {
    at('apiKey', value.apiKey);
    at('accessToken', value.accessToken);
  } else if (value.kind === 'scim') at('token', value.token);
  else value.secrets.forEach((written, i) => void checkPlace(places, [...path, 'secrets', i], written));
}

/** A secret's file is below the tenant file's folder, or named from the root. */
export function checkPlace({ report, baseDir }: Places, path: Path, written: string | undefined): void {
  if (written === undefined || secretRef(baseDir, written) !== null) return;
  const key = path.findLast((step) => typeof step === 'string') as string;
  report.error(path, `${quote(key)} leaves the folder of this file`, OUTSIDE);
}

function checkThinkific(report: Report, { value, path }: Item<ThinkificFile>, withGroups: boolean): void {
  if (value.apiKey === undefined && value.accessToken === undefined)
    report.error(path, '"apiKey" is missing', 'apiKey: env:NAME or file:path, or accessToken: for an API access token; better both');
  else if (value.accessToken === undefined && withGroups)
    report.warning(
      path,
      'nobody can be taken out of a group there: that becomes a task for an operator',
      'add accessToken: with the place of an API access token, which the platform demands for it',
    );
}

function checkWebhook(report: Report, { value, path }: Item<WebhookFile>): void {
  if (value.secrets[1] !== undefined && value.secrets[1] === value.secrets[0])
    report.warning([...path, 'secrets', 1], 'the same secret is listed twice', 'once is enough; two only during a rotation');
}

/** Two offers that are one thing at the platform: allowed, and rarely meant. */
function checkRefs({ parts, report, lineAt }: Checked): void {
  const first = new Map<string, Path>();
  for (const { kind, value, path } of parts.offers) {
    if (value.ref === undefined) continue;
    const key = `${kind}:${value.ref}`;
    const before = first.get(key);
    if (before)
      report.warning(
        [...path, 'ref'],
        `two ${kind}s have the ref ${quote(value.ref)}: they are the same thing at the platforms`,
        `another one, unless that is meant; the first is on line ${lineAt(before)}`,
      );
    else first.set(key, [...path, 'ref']);
  }
}
