import { execFileSync } from 'node:child_process';
import path from 'node:path';
import { describe, expect, it } from '@jest/globals';
import { readSettings, SETTINGS } from '../../src/config/settings.ts';

const secret = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64');
const problems = (env: Record<string, string>) => {
  const read = readSettings(env);
  return read.ok ? [] : read.problems;
};

describe('settings', () => {
  it('an empty environment is a gateway on loopback with SQLite', () => {
    expect(readSettings({ PATH: '/bin', MATRICULA_REDIS: '' })).toEqual({
      ok: true,
      settings: {
        listen: { host: '127.0.0.1', port: 8080 },
        baseUrl: 'http://127.0.0.1:8080',
        database: 'sqlite:data/matricula.db',
        dns: null,
        redis: null,
        secret: null,
        tenants: 'config/tenants',
        sessionIdleMinutes: 60,
        sessionAbsoluteMinutes: 720,
        trustProxy: 0,
        logLevel: 'info',
        allowedNetworks: [],
        loopback: false,
        rateLimits: true,
      },
    });
  });

  it('everything can be set', () => {
    const read = readSettings({
      MATRICULA_LISTEN: '[::]:443',
      MATRICULA_BASE_URL: 'https://Matricula.acme.example/',
      MATRICULA_DATABASE: 'postgres://m:p@db/m',
      MATRICULA_REDIS: 'rediss://cache:6380/1',
      MATRICULA_DNS: '[::1]:5353',
      MATRICULA_SECRET: secret,
      MATRICULA_TENANTS: '/etc/matricula',
      MATRICULA_SESSION_IDLE_MINUTES: '5',
      MATRICULA_SESSION_ABSOLUTE_MINUTES: '5',
      MATRICULA_TRUST_PROXY: '2',
      MATRICULA_LOG_LEVEL: 'warn',
      MATRICULA_ALLOWED_NETWORKS: '10.20.0.0/16, fd12:3456::/32',
    });
    expect(read).toMatchObject({
      ok: true,
      settings: {
        listen: { host: '::', port: 443 },
        baseUrl: 'https://matricula.acme.example',
        dns: '[::1]:5353',
        redis: 'rediss://cache:6380/1',
        trustProxy: 2,
        logLevel: 'warn',
        allowedNetworks: ['10.20.0.0/16', 'fd12:3456::/32'],
      },
    });
    if (read.ok) expect(read.settings.secret?.toString('base64')).toBe(secret);
  });

  it('what exists for demo and tests is refused with a public address', () => {
    const env = {
      MATRICULA_BASE_URL: 'https://matricula.acme.example',
      MATRICULA_SECRET: secret,
      MATRICULA_LOOPBACK: 'allow',
      MATRICULA_RATE_LIMITS: 'off',
    };
    expect(problems(env)).toEqual([
      expect.stringMatching(/^MATRICULA_LOOPBACK=allow is refused/),
      expect.stringMatching(/^MATRICULA_RATE_LIMITS=off is refused/),
    ]);
    for (const base of ['http://localhost:8080', 'https://127.0.0.1:8443', 'http://[::1]:8080'])
      expect(problems({ ...env, MATRICULA_BASE_URL: base })).toEqual([]);
  });

  it('with a public address the secret is required, and the error says how to make one', () => {
    expect(problems({ MATRICULA_BASE_URL: 'https://matricula.acme.example' })).toEqual([
      expect.stringMatching(/MATRICULA_SECRET is missing .*openssl rand -base64 32/),
    ]);
  });

  it('a secret that is none is refused and never shown', () => {
    for (const bad of ['hunter2', Buffer.alloc(32).toString('base64'), Buffer.alloc(31, 'x1').toString('base64'), `${secret}AAAA`]) {
      const said = problems({ MATRICULA_SECRET: bad });
      expect(said).toEqual([expect.stringMatching(/^MATRICULA_SECRET cannot be used \(32 random bytes/)]);
      expect(said.join()).not.toContain(bad);
    }
  });

  it('listening to the world needs an address', () => {
    expect(problems({ MATRICULA_LISTEN: '0.0.0.0:8080' })).toEqual([expect.stringMatching(/^MATRICULA_BASE_URL is missing/)]);
  });

  it.each([
    ['MATRICULA_LISTEN', '8080'],
    ['MATRICULA_LISTEN', '127.0.0.1:99999'],
    ['MATRICULA_BASE_URL', 'http://matricula.acme.example'],
    ['MATRICULA_BASE_URL', 'https://acme.example/sso'],
    ['MATRICULA_BASE_URL', 'https://u:p@acme.example'],
    ['MATRICULA_BASE_URL', 'javascript:alert(1)'],
    ['MATRICULA_BASE_URL', 'http://127.0.0.1.acme.example'],
    ['MATRICULA_DATABASE', 'mysql://u:hunter2@db/m'],
    ['MATRICULA_REDIS', 'cache:6379'],
    ['MATRICULA_DNS', 'ns.acme.example'],
    ['MATRICULA_DNS', '127.0.0.1:0'],
    ['MATRICULA_DNS', '127.0.0.1:99999'],
    ['MATRICULA_DNS', '999.1.1.1:53'],
    ['MATRICULA_DNS', '[:::]:53'],
    ['MATRICULA_DNS', '::1'],
    ['MATRICULA_TRUST_PROXY', 'true'],
    ['MATRICULA_TRUST_PROXY', '-1'],
    ['MATRICULA_LOG_LEVEL', 'verbose'],
    ['MATRICULA_ALLOWED_NETWORKS', '10.20.0.0/16,'],
    ['MATRICULA_ALLOWED_NETWORKS', '10.20.0.1/16'],
    ['MATRICULA_ALLOWED_NETWORKS', '0.0.0.0/0'],
    ['MATRICULA_ALLOWED_NETWORKS', '169.254.169.254'],
    ['MATRICULA_ALLOWED_NETWORKS', '127.0.0.0/8'],
    ['MATRICULA_ALLOWED_NETWORKS', 'lms.acme.example'],
    ['MATRICULA_LOOPBACK', 'yes'],
    ['MATRICULA_RATE_LIMITS', 'false'],
    ['MATRICULA_SESSION_IDLE_MINUTES', '0'],
    ['MATRICULA_SESSION_IDLE_MINUTES', '1e3'],
  ])('%s=%s is refused with what would be right', (name, value) => {
    const said = problems({ [name]: value });
    expect(said).toEqual([expect.stringMatching(new RegExp(`^${name} cannot be used \\(.+\\)$`))]);
    expect(said.join()).not.toContain('hunter2');
  });

  it('every problem is told at once', () => {
    expect(problems({ MATRICULA_LISTEN: 'x', MATRICULA_REDIS: 'x', MATRICULA_LOG_LEVEL: 'x' })).toHaveLength(3);
    expect(problems({ MATRICULA_SESSION_ABSOLUTE_MINUTES: '10' })).toHaveLength(1);
  });

  it('a setting under a slightly wrong name is told; other names are free for secrets', () => {
    expect(problems({ MATRICULA_BASEURL: 'https://x.example' })).toEqual(['MATRICULA_BASEURL is no setting (did you mean MATRICULA_BASE_URL?)']);
    expect(problems({ MATRICULA_ACME_ENTRA: 'x' })).toEqual([]);
  });

  it('has one variable per setting', () => {
    const variables = Object.values(SETTINGS).map((entry) => entry.variable);
    expect(new Set(variables).size).toBe(variables.length);
  });
});

describe('what is made from the tables', () => {
  it('the page, the example and the JSON Schema are as committed', () => {
    const root = path.resolve(import.meta.dirname, '../..');
    execFileSync(process.execPath, ['--import', 'tsx', 'scripts/tenant-schema.ts', '--check'], {
      cwd: root,
      stdio: 'pipe',
      env: { ...process.env, NODE_OPTIONS: '' },
    });
  });
});
