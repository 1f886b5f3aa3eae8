/** People for SCIM tests: each created over HTTP, none known to another test. */
import { expect } from '@jest/globals';
import type { Answer, Body, ScimClient } from './client.ts';

let count = 0;
export const uniqueName = (prefix = 'person'): string => `${prefix}-${++count}@acme.example`;

/** The created user. Throws unless it was created. */
export async function hire(client: ScimClient, attributes: Record<string, unknown> = {}): Promise<Body> {
  return created(await client.post('/Users', { userName: uniqueName(), ...attributes }));
}

export async function hireMany(client: ScimClient, many: number): Promise<Body[]> {
  const all: Body[] = [];
  for (let i = 0; i < many; i++) all.push(await hire(client));
  return all;
}

export async function form(client: ScimClient, attributes: Record<string, unknown> = {}): Promise<Body> {
  return created(await client.post('/Groups', { displayName: uniqueName('group'), ...attributes }));
}

function created({ status, body }: Answer): Body {
  if (status !== 201) throw new Error(`it was not created: ${status} ${JSON.stringify(body)}`);
  return body;
}

export const valuesOf = (elements: { value: string }[] | undefined): string[] => (elements ?? []).map(({ value }) => value).sort();
export const idsOf = ({ body }: Answer): string[] => body.Resources.map(({ id }) => id);

export function expectError({ status, headers, body }: Answer, wanted: { status: number; scimType?: string; detail?: RegExp }): void {
  expect(body).toMatchObject({ schemas: ['urn:ietf:params:scim:api:messages:2.0:Error'], detail: expect.any(String) });
  expect({ ...body, http: status }).toMatchObject({ http: wanted.status, status: String(wanted.status) });
  expect(body.scimType).toBe(wanted.scimType);
  expect(headers['content-type']).toMatch(/^application\/scim\+json/);
  if (wanted.detail) expect(body.detail).toMatch(wanted.detail);
}
