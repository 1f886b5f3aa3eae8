/** `platforms:` as an administrator writes it. */
import * as z from 'zod';
import { address, choice, flag, list, object, origin, secretPlace, slug, some, text, whole, wrong } from './scalars.ts';

/** What counts where the file is silent. The editor's schema shows the same. */
export const PLATFORM_DEFAULTS = {
  enabled: true,
  api: 'https://api.thinkific.com',
  provider: 'SSO',
  perMinute: { thinkific: 120, webhook: null, scim: null },
  concurrent: 4,
  groups: 'create',
  update: 'patch',
  findBy: 'externalId',
  booleansAsText: false,
  memberBatch: 100,
} as const;

/** Of a SCIM user (RFC 7643 §4.1), what there is to send besides custom fields; `name` is both of its parts. */
export const SCIM_ATTRIBUTES = [
  'userName',
  'active',
  'displayName',
  'externalId',
  'name',
  'name.givenName',
  'name.familyName',
  'emails',
  'title',
  'locale',
  'timezone',
] as const;

/** The platform refuses an eleventh request at the same time. */
const THINKIFIC_CONCURRENT = 10;

const limits = (perMinute: number | null, concurrent: number) =>
  object(
    {
      perMinute: whole(1, 100_000, 'requests')
        .optional()
        .meta(perMinute === null ? {} : { default: perMinute })
        .describe(`Requests a minute${perMinute === null ? '. Without it there is no limit' : ''}. All nodes of the gateway share it.`),
      concurrent: whole(1, concurrent, 'requests')
        .optional()
        .meta({ default: PLATFORM_DEFAULTS.concurrent })
        .describe('Requests at the same time, of each node.'),
    },
    'such as { perMinute: 120, concurrent: 4 }',
  )
    .optional()
    .describe('How much it may be asked. Leave some for other tools that use the same account.');

const common = {
  id: slug('an id', 'school').describe('Under this id the gateway remembers what was delivered. Never change it.'),
  name: text('what operators and learners see, such as Acme Academy', 100)
    .optional()
    .describe('What operators and learners see. Without it, the id.'),
  enabled: flag().optional().meta({ default: PLATFORM_DEFAULTS.enabled }).describe('false: nothing is delivered there, and nothing waits for it.'),
};

const SUBDOMAIN = 'the part before .thinkific.com, such as acme-academy';
const subdomain = z
  .string({ error: SUBDOMAIN })
  .refine((value) => !/[./:]/.test(value), { error: (issue) => subdomainHint(String(issue.input)) })
  .refine((value) => /[./:]/.test(value) || /^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(value), { error: `${SUBDOMAIN}, in lower case` });

function subdomainHint(value: string): string {
  const found = /^(?:https?:\/\/)?([a-z0-9-]+)\.thinkific\.com(?:\/|$)/i.exec(value)?.[1];
  return found ? `write ${found.toLowerCase()}` : `${SUBDOMAIN}; the school's own domain goes to site:`;
}

export const thinkificPlatform = object(
  {
    ...common,
    kind: z.literal('thinkific').describe('A Thinkific school: courses, bundles, collections and groups.'),
    subdomain: subdomain.describe('The part before .thinkific.com.'),
    apiKey: secretPlace('env:THINKIFIC_API_KEY or file:secrets/thinkific')
      .optional()
      .describe("Place of the site's API key. It also signs hand-offs. At least one of apiKey and accessToken is needed."),
    accessToken: secretPlace('env:THINKIFIC_TOKEN or file:secrets/thinkific-token')
      .optional()
      .describe('Place of an API access token. With it, people are also taken out of groups; without, somebody must do that by hand.'),
    site: origin.optional().describe("Where learners go: the school's own domain. Without it, https://<subdomain>.thinkific.com."),
    api: origin.optional().meta({ default: PLATFORM_DEFAULTS.api }).describe('Where its API is.'),
    provider: choice(['SSO', 'OPENID_CONNECT'])
      .optional()
      .meta({ default: PLATFORM_DEFAULTS.provider })
      .describe('Under which provider our ids are known there. The hand-over by JWT uses SSO.'),
    limits: limits(PLATFORM_DEFAULTS.perMinute.thinkific, THINKIFIC_CONCURRENT),
  },
  'a platform',
);

export const webhookPlatform = object(
  {
    ...common,
    kind: z.literal('webhook').describe('Any application that takes signed messages (Standard Webhooks).'),
    url: address('the https address that takes the messages').describe('Takes the messages, by POST.'),
    secrets: list(secretPlace('env:HOOK_SECRET or file:secrets/hook'), 'a list such as [env:HOOK_SECRET]', 2)
      .min(1, { error: 'at least one: no message is sent unsigned' })
      .describe('Places of the signing secrets (whsec_… or whsk_…): one, or two during a rotation, the newest first.'),
    limits: limits(PLATFORM_DEFAULTS.perMinute.webhook, 50),
  },
  'a platform',
);

const quirks = object(
  {
    update: choice(['patch', 'put'])
      .optional()
      .meta({ default: PLATFORM_DEFAULTS.update })
      .describe('put: replaces the whole user, for applications without PATCH.'),
    findBy: choice(['externalId', 'userName']).optional().meta({ default: PLATFORM_DEFAULTS.findBy }).describe('By what a user is looked for first.'),
    booleansAsText: flag().optional().meta({ default: PLATFORM_DEFAULTS.booleansAsText }).describe('active is sent as the text "True" or "False".'),
    memberBatch: whole(1, 1000, 'members')
      .optional()
      .meta({ default: PLATFORM_DEFAULTS.memberBatch })
      .describe('How many members one PATCH of a group names at most.'),
  },
  'such as { update: put, findBy: userName }',
);

/** No query and no fragment: paths are put behind it. */
const baseAddress = address('the https address of its SCIM, such as https://app.example/scim/v2').refine(
  (value) => !/[?#]/.test(value),
  wrong('has a query or fragment', 'the base address alone, such as https://app.example/scim/v2'),
);

export const scimPlatform = object(
  {
    ...common,
    kind: z.literal('scim').describe('Any application that takes users and groups by SCIM 2.0.'),
    url: baseAddress.describe('Its base address, to which /Users and /Groups are added.'),
    token: secretPlace('env:SCIM_TOKEN or file:secrets/scim').describe('Place of its bearer token.'),
    attributes: some(text('an attribute such as displayName', 256), 'a list such as [userName, active, displayName, externalId]', 50)
      .optional()
      .describe(
        `What it is told of people: ${SCIM_ATTRIBUTES.join(', ')}; also custom fields, by name or with the URN of an extension. Without it, all but custom fields.`,
      ),
    groups: choice(['create', 'existing', 'none'])
      .optional()
      .meta({ default: PLATFORM_DEFAULTS.groups })
      .describe('A missing group is made, or must be there already; none: users only.'),
    quirks: quirks.optional().describe('Where the application deviates from the standard.'),
    limits: limits(PLATFORM_DEFAULTS.perMinute.scim, 50),
  },
  'a platform',
);

export const platform = z.discriminatedUnion('kind', [thinkificPlatform, webhookPlatform, scimPlatform], {
  error: 'a platform with kind: thinkific, webhook or scim',
});

export const platforms = list(platform, 'a list of platforms', 10);

export type ThinkificFile = z.input<typeof thinkificPlatform>;
export type WebhookFile = z.input<typeof webhookPlatform>;
export type ScimPlatformFile = z.input<typeof scimPlatform>;
export type PlatformFile = z.input<typeof platform>;
