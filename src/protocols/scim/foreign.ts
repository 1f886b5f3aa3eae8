/** foreign: attributes of schemas that no table here describes. They are held as they are sent, within bounds: each change of a person looks at all of them. */
import { invalidValue } from './error.ts';
import { type ResourceSchema, sameUrn } from './schema.ts';

/** What one resource may hold of them. */
export const FOREIGN = { attributes: 500, extensions: 20 } as const;

type Draft = Readonly<Record<string, unknown>>;

/** Throws `ScimError` invalidValue, naming the schema. */
export function refuseForeign(draft: Draft, schema: ResourceSchema): void {
  const urns = urnsOf(draft);
  refuseMany(urns, schema);
  for (const urn of urns) refuseLarge(draft, urn);
}

/** The same after a step on one of them. */
export function refuseGrown(draft: Draft, urn: string, schema: ResourceSchema): void {
  refuseMany(urnsOf(draft), schema);
  refuseLarge(draft, urn);
}

const urnsOf = (draft: Draft): string[] => Object.keys(draft).filter((key) => key.includes(':'));

function refuseMany(urns: readonly string[], { extensions }: ResourceSchema): void {
  const unknown = urns.filter((urn) => !extensions.some(({ id }) => sameUrn(id, urn)));
  if (unknown.length > FOREIGN.extensions) throw invalidValue(`at most ${FOREIGN.extensions} schemas that are not known here`);
}

function refuseLarge(draft: Draft, urn: string): void {
  if (Object.keys((draft[urn] ?? {}) as object).length > FOREIGN.attributes)
    throw invalidValue(`${urn.slice(0, 200)}: at most ${FOREIGN.attributes} attributes`);
}
