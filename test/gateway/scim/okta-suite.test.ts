/**
 * Okta's own specification test, as Okta publishes it: 92 of 92. It is no part of this repository; where it lies is told by MATRICULA_OKTA_SUITE,
 * or it is found beside the repository. Without it the suite is skipped by name; with REQUIRE_SERVICES=1 it fails.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { REQUIRED } from '../../services.ts';
import { type ScimWorld, startWorld } from './world.ts';

const RUNNER = 'okta-spec.mjs';
const SPEC = 'Okta-SCIM-20-SPEC-Test.json';
const PLACES = [process.env['MATRICULA_OKTA_SUITE'], resolve('../shared/suites'), '/work/shared/suites'];
const suite = PLACES.find((place) => place !== undefined && [RUNNER, SPEC].every((file) => existsSync(join(place, file))));

const body = (folder: string) => () => {
  let world: ScimWorld;
  beforeAll(async () => {
    world = await startWorld();
  });
  afterAll(() => world?.close());

  it('passes 92 of 92', async () => {
    const { base, token } = world.client;
    const child = spawn(process.execPath, [join(folder, RUNNER), join(folder, SPEC), '--seed'], {
      env: { PATH: process.env['PATH'], BASE: base, TOKEN: token ?? '' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const said: string[] = [];
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (text: Buffer) => void said.push(text.toString()));
    await once(child, 'close');
    const lines = said.join('').trim().split('\n');
    expect(lines).toEqual(['92 passed, 0 failed']);
  }, 60_000);
};

const name = 'the specification test of Okta';
if (suite !== undefined) describe(name, body(suite));
else if (REQUIRED) describe(name, () => void it(`needs ${SPEC}`, () => Promise.reject(new Error(`${SPEC} is required; set MATRICULA_OKTA_SUITE`))));
else describe.skip(`${name} (${SPEC} not found)`, body(''));
