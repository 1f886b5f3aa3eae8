/** What any kv promises. Called once per implementation by conformance.test.ts. */
import { afterAll, beforeAll, expect, it } from '@jest/globals';
import type { Kv } from '../../src/kv/kv.ts';
import { describeWith } from '../services.ts';

export interface KvUnderTest {
  name: string;
  needs: 'none' | 'postgres' | 'redis';
  /** Two handles on the same values, as two processes have them; `pass` lets that many milliseconds go by. */
  open: () => Promise<{ kv: Kv; other: Kv; pass: (ms: number) => Promise<void>; close: () => Promise<void> }>;
}

const TTL = 60_000;

export function kvSuite({ name, needs, open }: KvUnderTest): void {
  describeWith(needs, `kv on ${name}`, () => {
    let under: Awaited<ReturnType<KvUnderTest['open']>>;
    let kv: Kv;
    let other: Kv;
    beforeAll(async () => {
      under = await open();
      ({ kv, other } = under);
    });
    afterAll(() => under?.close());

    it('what was set is read by everyone, and replaced by the next', async () => {
      expect(await kv.get('login', 'a')).toBeNull();
      await kv.set('login', 'a', 'one', TTL);
      expect(await other.get('login', 'a')).toBe('one');
      await other.set('login', 'a', '{"two":"ä 😀 \\u0000"}', TTL);
      expect(await kv.get('login', 'a')).toBe('{"two":"ä 😀 \\u0000"}');
    });

    it('spaces never meet', async () => {
      await kv.set('login', 'same', 'l', TTL);
      await kv.set('session', 'same', 's', TTL);
      await kv.delete('login', 'same');
      expect([await kv.get('login', 'same'), await kv.get('session', 'same'), await kv.get('replay', 'same')]).toEqual([null, 's', null]);
    });

    it('what was deleted is gone, and deleting nothing is no error', async () => {
      await kv.set('login', 'gone', 'x', TTL);
      await kv.delete('login', 'gone');
      await kv.delete('login', 'gone');
      expect(await other.get('login', 'gone')).toBeNull();
    });

    it('of simultaneous adds exactly one is told yes, and its value stays', async () => {
      for (let round = 0; round < 5; round++) {
        const told = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? kv : other).add('replay', `once${round}`, `v${i}`, TTL)));
        expect(told.filter(Boolean)).toHaveLength(1);
        expect(await kv.get('replay', `once${round}`)).toBe(`v${told.indexOf(true)}`);
      }
    });

    it('of simultaneous takes at most one gets the value', async () => {
      for (let round = 0; round < 5; round++) {
        await kv.set('login', `take${round}`, 'value', TTL);
        const got = await Promise.all(Array.from({ length: 20 }, (_, i) => (i % 2 ? kv : other).take('login', `take${round}`)));
        expect(got.filter((value) => value !== null)).toEqual(['value']);
        expect(await kv.get('login', `take${round}`)).toBeNull();
      }
    });

    it('simultaneous increments count every one, and the window is the first one’s', async () => {
      const counted = await Promise.all(Array.from({ length: 30 }, (_, i) => (i % 2 ? kv : other).increment('rate', 'hits', TTL)));
      expect(counted.map((c) => c.count).sort((a, b) => a - b)).toEqual(Array.from({ length: 30 }, (_, i) => i + 1));
      const later = await kv.increment('rate', 'hits', 10 * TTL);
      expect(later.count).toBe(31);
      expect(later.resetInMs).toBeGreaterThan(0);
      expect(later.resetInMs).toBeLessThanOrEqual(TTL);
    });

    it('what ran out counts as absent, for every question', async () => {
      await kv.set('login', 'short', 'x', 300);
      await kv.set('login', 'untaken', 'x', 300);
      await kv.add('replay', 'short', 'x', 300);
      await kv.increment('rate', 'short', 300);
      expect(await kv.increment('rate', 'short', 300)).toMatchObject({ count: 2 });
      await under.pass(350);
      expect(await other.get('login', 'short')).toBeNull();
      expect(await other.take('login', 'untaken')).toBeNull();
      expect(await other.add('replay', 'short', 'again', TTL)).toBe(true);
      expect(await other.get('replay', 'short')).toBe('again');
      const fresh = await other.increment('rate', 'short', TTL);
      expect(fresh.count).toBe(1);
      expect(fresh.resetInMs).toBeGreaterThan(300);
    });

    it('simultaneous spenders get what the bucket holds and no more, then one for every interval', async () => {
      const bucket = { intervalMs: 400, burst: 5 };
      const waits = await Promise.all(Array.from({ length: 12 }, (_, i) => (i % 2 ? kv : other).spend('rate', 'bucket', bucket)));
      expect(waits.filter((wait) => wait === 0)).toHaveLength(5);
      for (const wait of waits.filter((one) => one !== 0)) expect(wait > 0 && wait <= 400).toBe(true);
      await under.pass(410);
      const again = await Promise.all([kv, other, kv].map((one) => one.spend('rate', 'bucket', bucket)));
      expect(again.filter((wait) => wait === 0)).toHaveLength(1);
      // Left alone it is full again, and never fuller.
      await under.pass(2500);
      const full = await Promise.all(Array.from({ length: 8 }, () => other.spend('rate', 'bucket', bucket)));
      expect(full.filter((wait) => wait === 0)).toHaveLength(5);
      expect(await kv.spend('rate', 'another bucket', bucket)).toBe(0);
    });

    it('setting again prolongs a life', async () => {
      await kv.set('session', 'long', 'x', 300);
      await kv.set('session', 'long', 'y', TTL);
      await under.pass(350);
      expect(await kv.get('session', 'long')).toBe('y');
    });

    it('any key is a key, whatever a stranger sends', async () => {
      const keys = ['', ' ', 'a\0b', '\ud800', '*', '%', '__proto__', "'; drop table kv; --", 'x'.repeat(100_000), 'é', 'e\u0301'];
      for (const [i, key] of keys.entries()) await kv.set('session', key, `${i}`, TTL);
      expect(await Promise.all(keys.map((key) => other.get('session', key)))).toEqual(keys.map((_, i) => `${i}`));
    });

    it('large values are kept whole', async () => {
      const large = 'ä'.repeat(200_000);
      await kv.set('session', 'large', large, TTL);
      expect(await other.get('session', 'large')).toBe(large);
    });

    it('answers a ping', async () => {
      await expect(kv.ping()).resolves.toBeUndefined();
    });
  });
}
