/**
 * The services that some tests need. Where one is missing, its suites are skipped by name;
 * with REQUIRE_SERVICES=1 (CI) a missing one fails instead.
 */
import { randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import net from 'node:net';
import { describe, it } from '@jest/globals';

export const REQUIRED = process.env['REQUIRE_SERVICES'] === '1';
export const postgresUrl = process.env['TEST_POSTGRES_URL'] ?? 'postgres://postgres@127.0.0.1:5432/postgres';
export const redisUrl = process.env['TEST_REDIS_URL'] ?? 'redis://127.0.0.1:6379';
export const chromiumPath = process.env['TEST_CHROMIUM'] ?? '/usr/bin/chromium';

const answers = (url: string) =>
  new Promise<boolean>((resolve) => {
    const { hostname, port } = new URL(url);
    const socket = net.connect({ host: hostname, port: Number(port) });
    socket.setTimeout(1000, () => done(false));
    socket.on('connect', () => done(true)).on('error', () => done(false));
    const done = (yes: boolean) => {
      socket.destroy();
      resolve(yes);
    };
  });

export const available = {
  postgres: await answers(postgresUrl),
  redis: await answers(redisUrl),
  chromium: existsSync(chromiumPath),
};

/** `describe`, or a suite skipped by name where the service is not there and not required. */
export function describeWith(service: keyof typeof available | 'none', name: string, body: () => void): void {
  if (service === 'none' || available[service]) describe(name, body);
  else if (REQUIRED) describe(name, () => void it(`needs ${service}`, () => Promise.reject(new Error(`${service} is required and not there`))));
  else describe.skip(`${name} (${service} not found)`, body);
}

/** A name that no other test run uses. */
export const uniqueName = (prefix: string) => `${prefix}_${randomUUID().replaceAll('-', '').slice(0, 16)}`;
