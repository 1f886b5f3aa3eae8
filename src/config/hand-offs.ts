/** From a hand-off as written, over its preset, to the hand-off that flows and pages read. Call it on what the checks have passed. */
import type { HandOff, SignedHandOff } from '../core/tenant.ts';
import { secretPlaceOf } from './files.ts';
import { HAND_OFF_DEFAULTS as DEFAULTS, type HandOffFile, type SignedFile } from './hand-off-schema.ts';

type Written = Pick<SignedFile, 'url' | 'method' | 'parameter' | 'returnToParameter' | 'parameters' | 'algorithm' | 'claims' | 'requireTrustedEmail'>;

/**
 * What each product takes.
 * Zendesk: https://support.zendesk.com/hc/en-us/articles/4408845838874 (the JWT by POST; iat, jti, email and name needed).
 * Canny: https://help.canny.io/en/articles/1961021 and https://canny.io/docs/widget/sso (`companyID` is the customer's own).
 */
const PRESETS: Record<NonNullable<SignedFile['preset']>, Written> = {
  zendesk: {
    method: 'form',
    parameter: 'jwt',
    returnToParameter: 'return_to',
    algorithm: 'HS256',
    claims: { email: '{email}', name: '{displayName}', external_id: '{id}' },
    requireTrustedEmail: true,
  },
  canny: {
    url: 'https://canny.io/api/redirects/sso',
    method: 'query',
    parameter: 'ssoToken',
    returnToParameter: 'redirect',
    algorithm: 'HS256',
    claims: { id: '{id}', email: '{email}', name: '{displayName}' },
    requireTrustedEmail: true,
  },
};

/** As written, with what the preset fills in; claims and parameters one by one. */
export function overPreset(file: SignedFile): SignedFile {
  const preset: Written = file.preset === undefined ? {} : PRESETS[file.preset];
  return { ...preset, ...file, claims: { ...preset.claims, ...file.claims }, parameters: { ...preset.parameters, ...file.parameters } };
}

export function handOffOf(file: HandOffFile, baseDir: string): HandOff {
  const base = { id: file.id, name: file.name ?? file.id };
  switch (file.kind) {
    case 'thinkific':
      return {
        ...base,
        kind: 'thinkific',
        platform: file.platform,
        requireTrustedEmail: file.requireTrustedEmail ?? false,
        iatOffsetSeconds: file.iatOffset ?? DEFAULTS.iatOffset,
        returnTo: file.returnTo ?? null,
        errorUrl: file.errorUrl ?? null,
      };
    case 'signed':
      return { ...base, ...signedOf(overPreset(file), baseDir) };
    case 'discourse':
      return { ...base, kind: 'discourse', url: file.url, secret: secretPlaceOf(baseDir, file.secret) };
    case 'redirect':
      return { ...base, kind: 'redirect', url: file.url };
  }
}

function signedOf(file: SignedFile, baseDir: string): Omit<SignedHandOff, 'id' | 'name'> {
  return {
    kind: 'signed',
    url: file.url ?? '',
    method: file.method ?? DEFAULTS.method,
    parameter: file.parameter ?? DEFAULTS.parameter,
    returnToParameter: file.returnToParameter ?? null,
    parameters: file.parameters ?? {},
    algorithm: file.algorithm ?? DEFAULTS.algorithm,
    secret: file.secret === undefined ? null : secretPlaceOf(baseDir, file.secret),
    lifeSeconds: file.life ?? DEFAULTS.life,
    exp: file.exp ?? DEFAULTS.exp,
    issuer: file.issuer ?? null,
    audience: file.audience ?? null,
    claims: file.claims ?? {},
    requireTrustedEmail: file.requireTrustedEmail ?? false,
  };
}
