/** Every example in `fixtures/scim` as a conversation with a running gateway, each with a tenant of its own. Words of a file: fixtures/scim/README.md. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'yaml';
import type { Answer, ScimClient } from './client.ts';
import { company, type ScimWorld, startWorld } from './world.ts';

interface Step {
  send: string;
  body?: object;
  text?: string;
  with?: Record<string, string>;
  token?: 'none' | 'wrong';
  status: number;
  answer?: Record<string, unknown>;
  absent?: string[];
  answers?: Record<string, string>;
  keep?: Record<string, string>;
}
interface Example {
  name: string;
  headers?: Record<string, string>;
  steps: Step[];
}

const FOLDER = 'fixtures/scim';
const examples = readdirSync(FOLDER, { withFileTypes: true })
  .filter((entry) => entry.isDirectory() && entry.name !== 'okta-spec')
  .flatMap(({ name: directory }) =>
    readdirSync(join(FOLDER, directory)).map((file) => ({
      directory,
      tenant: `${directory}-${file.replace(/\.yaml$/, '')}`,
      example: parse(readFileSync(join(FOLDER, directory, file), 'utf8')) as Example,
    })),
  );

let world: ScimWorld;
beforeAll(async () => {
  world = await startWorld({ tenants: Object.fromEntries(examples.map(({ tenant }) => [tenant, company()])) });
}, 60_000);
afterAll(() => world?.close());

describe.each([...new Set(examples.map(({ directory }) => directory))])('%s', (directory) => {
  const here = examples.filter((one) => one.directory === directory);
  it.each(here.map(({ tenant, example }) => [tenant.slice(directory.length + 1), example.name, { tenant, example }] as const))(
    '%s: %s',
    async (_file, _name, { tenant, example }) => {
      const client = world.clientOf(tenant);
      const kept = new Map([['base', client.base]]);
      for (const step of example.steps) await take(client, step, { example, kept });
    },
  );
});

async function take(client: ScimClient, step: Step, { example, kept }: { example: Example; kept: Map<string, string> }): Promise<void> {
  const filled = fill(step, kept);
  const [method = '', ...rest] = filled.send.split(' ');
  const answer = await client.raw({
    method,
    path: rest.join(' '),
    headers: { ...(filled.with ?? example.headers ?? ours(filled)), ...authorization(client, filled) },
    ...(filled.body !== undefined && { body: filled.body }),
    ...(filled.text !== undefined && { body: filled.text }),
  });
  expect({ step: step.send, status: answer.status, body: answer.body }).toMatchObject({
    step: step.send,
    status: filled.status,
    body: (filled.answer && expected(filled.answer)) ?? {},
  });
  for (const path of filled.absent ?? [])
    expect({ step: step.send, path, value: at(answer, path) }).toEqual({ step: step.send, path, value: 'nothing' });
  for (const [name, value] of Object.entries(filled.answers ?? {})) expect(answer.headers[name]).toEqual(expected(value));
  ofEveryAnswer(answer);
  for (const [name, path] of Object.entries(filled.keep ?? {})) kept.set(name, String(at(answer, path)));
}

const ours = ({ body }: Step): Record<string, string> => ({
  Accept: 'application/scim+json',
  ...(body && { 'Content-Type': 'application/scim+json' }),
});

function authorization({ token }: ScimClient, step: Step): Record<string, string> {
  if (step.token === 'none') return {};
  return { Authorization: `Bearer ${step.token === 'wrong' ? `${token?.slice(0, -4)}0000` : token}` };
}

/** E12 and the checklist: whatever was asked. */
function ofEveryAnswer({ status, headers, text, body }: Answer): void {
  if (status === 204) expect({ text, type: headers['content-type'] }).toEqual({ text: '', type: undefined });
  else expect(headers['content-type']).toMatch(/^application\/scim\+json(;|$)/);
  if (status >= 400) expect(body.status).toBe(String(status));
}

/** Kept values in place of their names, wherever they stand. */
function fill<T>(value: T, kept: Map<string, string>): T {
  const text = JSON.stringify(value).replace(/\$\{(\w+)\}/g, (whole, name: string) => {
    if (name === 'any') return whole;
    const found = kept.get(name);
    if (found === undefined) throw new Error(`nothing was kept as ${name}`);
    return JSON.stringify(found).slice(1, -1);
  });
  return JSON.parse(text) as T;
}

/** `${any}` and `/pattern/` as jest's matchers. */
function expected(value: unknown): unknown {
  if (typeof value === 'string' && /^\$\{any\}$/.test(value)) return expect.anything();
  if (typeof value === 'string' && /^\/.+\/$/s.test(value)) return expect.stringMatching(new RegExp(value.slice(1, -1)));
  if (typeof value === 'string' && value === 'application/scim+json') return expect.stringMatching(/^application\/scim\+json/);
  if (Array.isArray(value)) return value.map(expected);
  if (typeof value === 'object' && value !== null) return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, expected(one)]));
  return value;
}

/** A path of dots; a URN is one name. What is null or empty is nothing. */
function at({ body }: Answer, path: string): unknown {
  const names = path.startsWith('urn:') ? [path] : path.split('.');
  const value = names.reduce<unknown>(
    (here, name) => (typeof here === 'object' && here !== null ? (here as Record<string, unknown>)[name] : undefined),
    body,
  );
  const nothing = value === undefined || value === null || value === '' || (Array.isArray(value) && value.length === 0);
  return nothing ? 'nothing' : value;
}
