/** Okta's own specification test, as Okta publishes it (fixtures/scim/okta-spec): 92 of 92. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type ScimWorld, startWorld } from './world.ts';

const FOLDER = 'fixtures/scim/okta-spec';

describe('the specification test of Okta', () => {
  let world: ScimWorld;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world?.close());

  it('passes 92 of 92', async () => {
    const { base, token } = world.client;
    const child = spawn(process.execPath, [`${FOLDER}/okta-spec.mjs`, `${FOLDER}/Okta-SCIM-20-SPEC-Test.json`, '--seed'], {
      env: { PATH: process.env['PATH'], BASE: base, TOKEN: token ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => void said.push(text.toString()));
    await once(child, 'close');
    expect(said.join('').trim().split('\n')).toEqual(['92 passed, 0 failed']);
  }, 60_000);
});
