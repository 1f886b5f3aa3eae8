import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { createVault, randomToken, resolveSecret, SecretError, safeEqual } from '../../src/lib/secrets.ts';

describe('a secret reference', () => {
  let baseDir: string;
  beforeAll(() => {
    baseDir = mkdtempSync(join(tmpdir(), 'secrets-'));
    writeFileSync(join(baseDir, 'secret'), 'from a file\n');
    writeFileSync(join(baseDir, 'windows'), 'from a file\r\n');
    writeFileSync(join(baseDir, 'lines'), 'one\ntwo\n\n');
    writeFileSync(join(baseDir, 'empty'), '\n');
    writeFileSync(join(baseDir, 'large'), 'x'.repeat(70_000));
  });
  afterAll(() => rmSync(baseDir, { recursive: true }));
  const resolve = (ref: string, env: Record<string, string | undefined> = {}) => resolveSecret(ref, { baseDir, env });

  it('leads to the environment', () => expect(resolve('env:NAME', { NAME: 'value' })).toBe('value'));
  it.each([
    ['file:secret', 'from a file'],
    ['file:./windows', 'from a file'],
    ['file:lines', 'one\ntwo\n'],
  ])('leads to a file and loses one line break: %s', (ref, value) => expect(resolve(ref)).toBe(value));
  it('may be an absolute path', () => expect(resolve(`file:${join(baseDir, 'secret')}`)).toBe('from a file'));

  it.each([
    ['env:MISSING', 'env:MISSING is not set'],
    ['env:EMPTY', 'env:EMPTY is empty'],
    ['env:constructor', 'env:constructor is not set'],
    ['env:__proto__', 'env:__proto__ is not set'],
    ['file:nowhere', 'file:nowhere cannot be read (ENOENT)'],
    ['file:.', 'file:. cannot be read (EISDIR)'],
    ['file:empty', 'file:empty is empty'],
    ['file:large', 'file:large is larger than 65536 bytes'],
    ['hunter2', 'a secret is given as env:NAME or file:path'],
  ])('that leads nowhere says which, and never a value: %s', (ref, message) => {
    expect(() => resolve(ref, { EMPTY: '', hunter2: 'x' })).toThrow(new SecretError(message));
  });
});

describe('a vault', () => {
  const vault = createVault(randomBytes(32));
  const text = fc.string({ unit: 'grapheme', maxLength: 500 });

  it('opens what it sealed, for the same purpose only', () => {
    fc.assert(
      fc.property(text, (plain) => {
        const sealed = vault.seal(plain, 'scim-token');
        expect(vault.open(sealed, 'scim-token')).toBe(plain);
        expect(() => vault.open(sealed, 'webhook')).toThrow(SecretError);
      }),
    );
  });

  it('never seals the same text alike', () => {
    expect(vault.seal('same', 'p')).not.toBe(vault.seal('same', 'p'));
  });

  it('opens nothing that was altered anywhere', () => {
    const sealed = vault.seal('a secret', 'p');
    fc.assert(
      fc.property(fc.nat(sealed.length - 1), fc.string({ minLength: 0, maxLength: 2 }), (at, put) => {
        const altered = sealed.slice(0, at) + put + sealed.slice(at + 1);
        fc.pre(altered !== sealed);
        expect(() => vault.open(altered, 'p')).toThrow(SecretError);
      }),
    );
  });

  it('opens nothing that is no seal', () => {
    fc.assert(fc.property(fc.string(), (noise) => expect(() => vault.open(noise, 'p')).toThrow(SecretError)));
    for (const noise of ['', 'v1.', 'v1', 'v2.AAAA', `${vault.seal('x', 'p')}.x`, `${vault.seal('x', 'p')}=`])
      expect(() => vault.open(noise, 'p')).toThrow(SecretError);
  });

  it('opens nothing of another installation', () => {
    expect(() => createVault(randomBytes(32)).open(vault.seal('x', 'p'), 'p')).toThrow(SecretError);
  });

  it('hashes alike for one purpose, otherwise for another or with another secret', () => {
    const hash = vault.keyedHash('token', 'api-key');
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(vault.keyedHash('token', 'api-key')).toBe(hash);
    expect(vault.keyedHash('token', 'scim-token')).not.toBe(hash);
    expect(createVault(randomBytes(32)).keyedHash('token', 'api-key')).not.toBe(hash);
  });

  it('is the same after a restart', () => {
    const secret = randomBytes(32);
    expect(createVault(secret).open(createVault(secret).seal('x', 'p'), 'p')).toBe('x');
  });

  it('needs a secret of 32 bytes', () => {
    expect(() => createVault(randomBytes(31))).toThrow('at least 32 bytes');
  });
});

describe('a token', () => {
  it('is random and fit for an address', () => {
    expect(randomToken()).toMatch(/^[\w-]{43}$/);
    expect(randomToken(16)).toMatch(/^[\w-]{22}$/);
    expect(new Set(Array.from({ length: 100 }, () => randomToken())).size).toBe(100);
  });

  it('is compared as text', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => expect(safeEqual(a, b)).toBe(Buffer.from(a).equals(Buffer.from(b)))));
    expect(safeEqual('same', 'same')).toBe(true);
    expect(safeEqual('é', 'e')).toBe(false);
  });
});
