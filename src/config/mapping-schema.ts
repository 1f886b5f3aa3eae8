/** `groups:`, `rules:` and `tests:` as an administrator writes them. */
import * as z from 'zod';
import { ROLES } from '../core/model.ts';
import { choice, domain, flag, list, object, oneOrMore, slug, some, text } from './scalars.ts';

const groupName = text('a group name as the provider sends it', 256);
const claimValue = text('a value', 512);
const NO_TARGET = 'kind:slug, such as bundle:sales-onboarding, collection:executive or group:cohort-7';
const target = z.string({ error: NO_TARGET }).max(100, { error: NO_TARGET }).meta({ pattern: '^(bundle|collection|group):[a-z0-9][a-z0-9-]{0,62}$' });
const targets = list(target, `a list of ${NO_TARGET}`, 200);

const GROUP = 'a group name, { glob: "EU-*" }, or a list of them';
const groupTest = z.union(
  [
    groupName,
    object({ equals: groupName.optional(), glob: groupName.optional(), ignoreCase: flag().optional() }, 'such as { glob: "EU-*", ignoreCase: true }'),
  ],
  { error: GROUP },
);

const claimTest = object(
  {
    name: text('the claim as the provider calls it', 256),
    equals: claimValue.optional(),
    in: some(claimValue, 'a list of values').optional(),
    glob: claimValue.optional(),
    exists: flag().optional(),
    ignoreCase: flag().optional(),
  },
  'such as { name: department, equals: Sales }',
);

const WHEN = 'conditions, such as { group: Sales }';
export const condition = object(
  {
    group: z
      .union([groupTest, some(groupTest, 'a list of groups')], { error: GROUP })
      .optional()
      .describe('In this group. A list: in any of them.'),
    claim: claimTest.optional().describe('A claim has a value (equals, in, glob), or was sent at all (exists).'),
    emailDomain: oneOrMore(domain, 'a domain, or a list').optional().describe('The part of the e-mail behind the @. A list: any of them.'),
    connection: oneOrMore(slug('a connection', 'entra'), 'a connection, or a list').optional().describe('Signed in there. A list: at any of them.'),
    get any() {
      return some(condition, 'a list of conditions, of which one is enough', 200).optional();
    },
    get all() {
      return some(condition, 'a list of conditions that must all hold', 200).optional();
    },
    get not() {
      return condition.optional();
    },
  },
  WHEN,
).meta({ id: 'Condition', description: 'Several keys at one level: all of them must hold.' });

export const rule = object(
  {
    id: slug('an id', 'sales-team').describe('Enrolments remember it: keep it when you change the rule.'),
    when: z.union([z.literal('everyone'), condition], { error: 'everyone, or conditions such as { group: Sales }' }),
    enrol: targets.optional().describe('Bundles, collections and groups to enrol in.'),
    role: choice(ROLES).optional().describe('Raises the role, never lowers it.'),
  },
  'a rule: { id: sales, when: { group: Sales }, enrol: [bundle:sales-onboarding] }',
);

export const mappingTest = object(
  {
    name: text('what the test shows, in a few words', 200),
    given: object(
      {
        connection: slug('a connection', 'entra').optional().describe('May be left out where there is only one.'),
        email: text('an e-mail address', 254)
          .regex(/^[^\s@]{1,64}@[^\s@]+\.[^\s@]+$/, { error: 'an e-mail address, such as ada@acme.example' })
          .optional(),
        groups: list(groupName, 'a list of group names', 2000).optional(),
        claims: z
          .record(
            text('a claim name', 256),
            z.union([z.string({ error: 'text' }).max(512), list(z.string({ error: 'text' }).max(512), 'a list')], {
              error: 'text, or a list of texts',
            }),
            {
              error: 'claim name: value',
            },
          )
          .optional(),
      },
      'what the provider sends: { email: …, groups: [..], claims: {…} }',
    ),
    expect: object(
      { enrol: targets.describe('Exactly these; [] for none.'), role: choice(ROLES).optional() },
      'what it must lead to: { enrol: [..], role: learner }',
    ),
  },
  'a test: { name: …, given: {…}, expect: { enrol: [..] } }',
);

const id = text('an id as the provider sends it', 256);
export const groups = object(
  {
    aliases: z
      .record(groupName, oneOrMore(id, 'an id, or a list of ids'), { error: 'name: id' })
      .optional()
      .describe('Names for the ids that the provider sends. In rules and tests such a name then means these ids and nothing else.'),
  },
  '{ aliases: { Sales: 0f3c1d2e-… } }',
);

export type ConditionFile = z.input<typeof condition>;
export type GroupTestFile = z.input<typeof groupTest>;
export type RuleFile = z.input<typeof rule>;
export type TestFile = z.input<typeof mappingTest>;
