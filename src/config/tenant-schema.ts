/** The tenant file as an administrator writes it: what may be written where. What it means together is checked in check-*.ts. */
import * as z from 'zod';
import { ROLES } from '../core/model.ts';
import { connection, fieldRef } from './connection-schema.ts';
import { handOffs } from './hand-off-schema.ts';
import { groups, mappingTest, rule } from './mapping-schema.ts';
import { platforms } from './platform-schema.ts';
import { address, choice, domain, flag, list, object, slug, text, whole } from './scalars.ts';

/** What counts where the file is silent. The editor's schema shows the same. */
export const DEFAULTS = {
  initialMode: 'jit',
  linking: 'verified-email',
  defaultRole: 'learner',
  whenGroupsMissing: 'keep',
  share: '10%',
  atLeast: 10,
  leaseWarn: 14,
  leaseGrace: 7,
  leaseLapse: 'hold',
  sameName: 'allow',
  matchLocal: true,
} as const;

const provisioning = object(
  {
    initialMode: z
      .enum(['jit', 'manual', 'scim'], { error: 'jit, manual or scim' })
      .optional()
      .meta({ default: DEFAULTS.initialMode })
      .describe('Used once, when the tenant is first seen. Afterwards the mode is changed by operators, not by this file.'),
    linking: choice(['verified-email', 'never'])
      .optional()
      .meta({ default: DEFAULTS.linking })
      .describe(
        'May a first sign-in be linked to an existing account by e-mail? Only ever in domains listed above, and where the provider can be trusted.',
      ),
    defaultRole: choice(ROLES).optional().meta({ default: DEFAULTS.defaultRole }),
    whenGroupsMissing: choice(['keep', 'clear'])
      .optional()
      .meta({ default: DEFAULTS.whenGroupsMissing })
      .describe('A provider that sends no group claim at all: keep what groups gave, or take it away.'),
    retention: whole(1, 3650, 'days')
      .optional()
      .describe('Days after which people who were deprovisioned are erased for good. Without it they are kept.'),
    lease: object(
      {
        days: whole(1, 3650, 'days').describe('How long access lasts from the last sign-in.'),
        warn: whole(0, 365, 'days').optional().meta({ default: DEFAULTS.leaseWarn }),
        grace: whole(0, 365, 'days').optional().meta({ default: DEFAULTS.leaseGrace }),
        lapse: choice(['hold', 'expire'])
          .optional()
          .meta({ default: DEFAULTS.leaseLapse })
          .describe('Enrolments by rules then wait for an operator, or go.'),
      },
      'such as { days: 90, warn: 14, grace: 7, lapse: hold }',
    )
      .optional()
      .describe('In mode jit: who does not sign in for so long loses what rules gave, until the next sign-in. Without it access has no end.'),
    limits: object(
      {
        removals: object(
          {
            share: z
              .string({ error: 'a share of all people, such as 10%' })
              .regex(/^(100|[1-9]?[0-9])%$/, { error: 'a share of all people from 0% to 100%, such as 10%' })
              .optional()
              .meta({ default: DEFAULTS.share }),
            atLeast: whole(0, 1_000_000, 'people').optional().meta({ default: DEFAULTS.atLeast }),
          },
          '{ share: 10%, atLeast: 10 }',
        ).optional(),
      },
      '{ removals: { share: 10%, atLeast: 10 } }',
    )
      .optional()
      .describe('When more people than this would lose something at once, an operator is asked first.'),
  },
  'such as { initialMode: jit, defaultRole: learner }',
);

const scim = object(
  {
    fields: z
      .record(text('an attribute', 256), fieldRef, { error: 'attribute: field, such as { costCenter: cost_center }' })
      .optional()
      .describe('Custom fields: SCIM attribute, an extension’s with its URN and exactly as the directory spells it → field, in lower case.'),
    groups: object(
      {
        sameName: choice(['allow', 'refuse'])
          .optional()
          .meta({ default: DEFAULTS.sameName })
          .describe('May the directory have two groups of one name?'),
        matchLocal: flag()
          .optional()
          .meta({ default: DEFAULTS.matchLocal })
          .describe('A group made by hand is taken over by the directory’s group of the same name.'),
      },
      '{ sameName: allow, matchLocal: true }',
    ).optional(),
  },
  'fields: and groups:',
);

const title = text('a title', 200);
const course = object(
  {
    slug: slug('a course', 'spin-selling'),
    title,
    description: z.string({ error: 'text' }).max(2000, { error: 'at most 2000 characters' }).optional(),
    url: address('where the course is opened: an https address').optional(),
  },
  'a course: { slug: spin-selling, title: SPIN selling, url: https://… }',
);
const offer = (what: string, example: string) =>
  object(
    {
      slug: slug(what, example),
      title,
      ref: text(`${what}'s slug, name or id at the learning platforms`, 200)
        .optional()
        .describe('What it is called at the learning platforms: its slug, name or id there. Without it, it is found by the slug, then by the title.'),
      courses: list(slug('a course', 'spin-selling'), 'a list of course slugs', 500).optional(),
    },
    `${what}: { slug: ${example}, title: …, courses: [..] }`,
  );

const catalogue = object(
  {
    courses: list(course, 'a list of courses', 2000).optional(),
    bundles: list(offer('a bundle', 'sales-onboarding'), 'a list of bundles', 1000).optional(),
    collections: list(offer('a collection', 'executive'), 'a list of collections', 1000).optional(),
    groups: list(offer('a group', 'cohort-7'), 'a list of groups', 1000).optional(),
  },
  'courses:, bundles:, collections: and groups:',
);

export const tenantFile = object(
  {
    name: text("the organisation's name", 100),
    contact: text('whom a refused learner may ask, such as helpdesk@acme.example', 200).optional(),
    domains: list(domain, 'a list such as [acme.example]', 200)
      .optional()
      .describe("E-mail domains that are this organisation's own: you vouch for them."),
    provisioning: provisioning.optional(),
    connections: list(connection, 'a list of connections', 50)
      .optional()
      .describe('Identity providers. Where two say different things of a person, the first counts.'),
    scim: scim.optional().describe('How the directory’s (SCIM) people and groups are taken.'),
    seats: whole(1, 10_000_000, 'active users').optional().describe('How many users may be active at once. Without it there is no ceiling.'),
    groups: groups.optional(),
    catalogue: catalogue.optional().describe('What can be enrolled in, and which courses that opens.'),
    platforms: platforms
      .optional()
      .describe('Learning platforms, and other applications, that are told what people are enrolled in. Without any, it is seen here only.'),
    handOffs: handOffs
      .optional()
      .describe('How a signed-in learner enters a platform; the first is where a sign-in leads. Without any, the page of learning here.'),
    rules: list(rule, 'a list of rules', 5000)
      .optional()
      .describe('Who is enrolled in what. Every rule that matches counts; their order does not matter.'),
    tests: list(mappingTest, 'a list of tests', 2000).optional().describe('Examples, checked before the file is taken in.'),
    returnTo: list(address('an https address'), 'a list of https addresses', 100)
      .optional()
      .describe('Where a sign-in may lead to: addresses that start like one of these.'),
  },
  'name:, connections:, rules: …',
).meta({ title: 'A Matricula tenant file' });

export type TenantFile = z.input<typeof tenantFile>;
export type CatalogueFile = NonNullable<TenantFile['catalogue']>;

/** For editors (draft 7, which yaml-language-server reads). Written to config/tenant.schema.json by `npm run schema`. */
export function tenantJsonSchema(): Record<string, unknown> {
  return z.toJSONSchema(tenantFile, { io: 'input', target: 'draft-7' }) as Record<string, unknown>;
}
