/** `handOffs:` as an administrator writes it. */
import * as z from 'zod';
import { address, choice, flag, list, object, origin, secretPlace, slug, text, whole } from './scalars.ts';

export const HAND_OFF_PRESETS = ['zendesk', 'canny'] as const;

/** What a claim's template may name, besides `field.<custom field>`. */
export const PLACEHOLDERS = [
  'id',
  'userName',
  'email',
  'displayName',
  'givenName',
  'familyName',
  'locale',
  'timezone',
  'title',
  'role',
  'tenant',
  'enrolments',
] as const;

/** Made at the moment of the hand-over (RFC 7519 §4.1), never written. */
export const RESERVED_CLAIMS = ['iat', 'exp', 'nbf', 'jti', 'iss', 'aud'] as const;

/** What counts where neither the file nor a preset says otherwise. The editor's schema shows the same. */
export const HAND_OFF_DEFAULTS = { iatOffset: 0, method: 'query', parameter: 'jwt', algorithm: 'HS256', life: 60, exp: true } as const;

const common = {
  id: slug('an id', 'school').describe('Part of the address of the hand-over, /t/{tenant}/go/{id}. Never change it.'),
  name: text('what learners see, such as Acme Academy', 100).optional().describe('What learners see. Without it, the id.'),
};

export const thinkificHandOff = object(
  {
    ...common,
    kind: z.literal('thinkific').describe("Thinkific's own sign-in by JWT, signed with the API key of the platform."),
    platform: slug('the id of a platform of kind thinkific', 'school').describe('Which of the platforms, by its id.'),
    iatOffset: whole(-14_400, 300, 'seconds')
      .optional()
      .meta({ default: HAND_OFF_DEFAULTS.iatOffset })
      .describe("Seconds that are added to the time in the JWT, where the school's clock is known to be off."),
    requireTrustedEmail: flag()
      .optional()
      .describe(
        "true: nobody enters with an e-mail outside the tenant's domains, or one that no provider whose word counts has said. For schools where learners can change their own e-mail.",
      ),
    returnTo: address('the https address where learners begin')
      .optional()
      .describe('Where the school sends learners who asked for no place. Without it, its own choice.'),
    errorUrl: address('the https address to which errors lead')
      .optional()
      .describe('Where the school sends learners when it refuses the sign-in. Without it, its own page.'),
  },
  'a hand-off',
);

const parameterName = z
  .string({ error: 'the name of a parameter, such as jwt' })
  .regex(/^[A-Za-z0-9_.~-]{1,64}$/, { error: 'the name of a parameter: letters, digits and _.~- , such as jwt' });

export const signedHandOff = object(
  {
    ...common,
    kind: z.literal('signed').describe('A signed JWT in the address or in a form: most applications with a single sign-on of their own.'),
    preset: choice(HAND_OFF_PRESETS)
      .optional()
      .describe('Which product it is: it fills in parameters, claims and algorithm. What is written here counts more.'),
    url: address('the https address that takes the JWT').optional().describe('Takes the JWT. Only the preset canny knows it already.'),
    method: choice(['query', 'form'])
      .optional()
      .meta({ default: HAND_OFF_DEFAULTS.method })
      .describe('query: in the address. form: by a form that sends itself, so that the JWT is in no address.'),
    parameter: parameterName.optional().meta({ default: HAND_OFF_DEFAULTS.parameter }).describe('The parameter that carries the JWT.'),
    returnToParameter: parameterName.optional().describe('The parameter that carries where to go, if a learner asked for a place.'),
    parameters: z
      .record(parameterName, text('the value of a parameter', 500), { error: 'parameter: value, such as { companyID: "5f3c" }' })
      .optional()
      .describe('Further parameters, sent as they are.'),
    algorithm: choice(['HS256', 'RS256', 'ES256'])
      .optional()
      .meta({ default: HAND_OFF_DEFAULTS.algorithm })
      .describe('HS256: with the secret. RS256, ES256: with a key of our own, published at /t/{tenant}/go/{id}/jwks.json.'),
    secret: secretPlace('env:ACME_SSO_SECRET or file:secrets/sso').optional().describe('Place of the secret that both sides know, for HS256.'),
    life: whole(10, 300, 'seconds').optional().meta({ default: HAND_OFF_DEFAULTS.life }).describe('How long the JWT can be used.'),
    exp: flag()
      .optional()
      .meta({ default: HAND_OFF_DEFAULTS.exp })
      .describe('false: the JWT does not say when it ends, for applications that refuse the claim exp.'),
    issuer: text('what the application knows us as', 512).optional().describe('The claim iss.'),
    audience: text('what the application calls itself', 512).optional().describe('The claim aud.'),
    claims: z
      .record(text('the name of a claim', 128), text('a text such as "{email}"', 1000), { error: 'claim: text, such as { email: "{email}" }' })
      .optional()
      .describe('What the application is told. {email}, {id}, {field.cost_center} and the like are replaced; {enrolments} alone becomes a list.'),
    requireTrustedEmail: flag()
      .optional()
      .describe(
        "true: nobody enters with an e-mail outside the tenant's domains, or one that no provider whose word counts has said. The presets do so: these products take a learner for whoever has the e-mail there.",
      ),
  },
  'a hand-off',
);

export const discourseHandOff = object(
  {
    ...common,
    kind: z.literal('discourse').describe('DiscourseConnect: the forum asks, with its nonce, and is answered.'),
    url: origin.describe('Where the forum is: scheme and host only.'),
    secret: secretPlace('env:DISCOURSE_SECRET or file:secrets/discourse').describe("Place of the forum's discourse_connect_secret."),
  },
  'a hand-off',
);

export const redirectHandOff = object(
  {
    ...common,
    kind: z.literal('redirect').describe('Leads there and says nothing of who comes.'),
    url: address('the https address where it leads').describe('Where it leads.'),
  },
  'a hand-off',
);

export const handOff = z.discriminatedUnion('kind', [thinkificHandOff, signedHandOff, discourseHandOff, redirectHandOff], {
  error: 'a hand-off with kind: thinkific, signed, discourse or redirect',
});

export const handOffs = list(handOff, 'a list of hand-offs', 20);

export type ThinkificHandOffFile = z.input<typeof thinkificHandOff>;
export type SignedFile = z.input<typeof signedHandOff>;
export type HandOffFile = z.input<typeof handOff>;
