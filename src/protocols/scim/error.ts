/** The errors of RFC 7644 §3.12 and RFC 9865 §2.2: what a SCIM client is told. `detail` is for the client's administrator, and names the attribute or operation. */

/** RFC 7644 table 9, and RFC 9865's three. Only on 400, 403 and 409. */
export type ScimType =
  | 'invalidFilter'
  | 'tooMany'
  | 'uniqueness'
  | 'mutability'
  | 'invalidSyntax'
  | 'invalidPath'
  | 'noTarget'
  | 'invalidValue'
  | 'invalidVers'
  | 'sensitive'
  | 'invalidCursor'
  | 'expiredCursor'
  | 'invalidCount';

const ERROR = 'urn:ietf:params:scim:api:messages:2.0:Error';

/** An expected answer, like a `Refusal`: thrown by protocols/scim and flows/directory, written by whoever answers the client. */
export class ScimError extends Error {
  override readonly name = 'ScimError';
  readonly status: number;
  readonly scimType: ScimType | null;
  /** `detail` holds no secret and no other person's data. */
  constructor(status: number, scimType: ScimType | null, detail: string) {
    super(detail);
    this.status = status;
    this.scimType = scimType;
  }
}

/** RFC 7644 §3.12: `status` is a string. */
export const errorBody = ({ status, scimType, message }: ScimError): object => ({
  schemas: [ERROR],
  status: String(status),
  ...(scimType && { scimType }),
  detail: message,
});

export const invalidFilter = (detail: string) => new ScimError(400, 'invalidFilter', detail);
export const invalidPath = (detail: string) => new ScimError(400, 'invalidPath', detail);
export const invalidValue = (detail: string) => new ScimError(400, 'invalidValue', detail);
export const invalidSyntax = (detail: string) => new ScimError(400, 'invalidSyntax', detail);
export const mutability = (detail: string) => new ScimError(400, 'mutability', detail);
export const noTarget = (detail: string) => new ScimError(400, 'noTarget', detail);
