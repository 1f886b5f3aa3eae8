import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { isNeverAllowed } from '../../src/lib/address.ts';
import { inNetworks, parseNetwork } from '../../src/lib/networks.ts';

describe('a network that an operator allows', () => {
  it.each([
    ['10.0.0.0/8', '10.255.255.255', '11.0.0.0'],
    ['10.20.30.40', '10.20.30.40', '10.20.30.41'],
    ['192.168.4.0/23', '192.168.5.255', '192.168.6.0'],
    ['169.254.0.0/16', '169.254.1.1', '169.254.169.254'],
    ['fd12:3456::/32', 'fd12:3456:ffff::1', 'fd12:3457::'],
    ['fe80::/10', 'fe80::1', 'fe80::a9fe:a9fe'],
    ['FD00::/8', 'fd00:ec2::253', 'fd00:ec2::254'],
  ])('%s holds %s and not %s', (network, inside, outside) => {
    const holds = inNetworks([network]);
    expect([holds(inside), holds(outside)]).toEqual([true, false]);
  });

  it.each([
    '',
    'hooks.acme.example',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.1/8',
    '10.0.0/8',
    '010.0.0.0/8',
    '0.0.0.0/0',
    '8.0.0.0/5',
    '::/0',
    'fd12::1/64',
    'fd12::/129',
    '::ffff:10.0.0.0/104',
    '127.0.0.0/8',
    '127.0.0.1',
    '::1',
    '0.0.0.0/8',
    '169.254.169.254',
    '100.100.100.200/32',
    'fd00:ec2::254',
    '64:ff9b::/96',
    '2002::/16',
    '224.0.0.0/8',
    'fe80::1%eth0',
    '10.0.0.0/8 ',
    '10.0.0.0/+8',
  ])('is none when it is written %j', (text) => {
    expect(parseNetwork(text)).toBeNull();
  });

  it('holds an address however it is spelt, and never what is never allowed', () => {
    const wide = inNetworks(['10.0.0.0/8', '100.64.0.0/10', '169.254.0.0/16', '192.0.0.0/24', 'fc00::/7', 'fe80::/10']);
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (ip) => {
        expect(wide(ip) && isNeverAllowed(ip)).toBe(false);
        if (!ip.includes(':')) expect(wide(`::ffff:${ip}`)).toBe(wide(ip));
      }),
    );
    expect(wide('[fd00::7]')).toBe(true);
  });

  it('is exactly its prefix', () => {
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 32 }), fc.nat(0xffffff), fc.nat(0xffffff), (prefix, at, other) => {
        const text = (n: number) => `10.${(n >>> 16) & 255}.${(n >>> 8) & 255}.${n & 255}`;
        const shift = 32 - prefix;
        const start = shift >= 24 ? 0 : (at >>> shift) << shift;
        expect(inNetworks([`${text(start)}/${prefix}`])(text(other))).toBe(shift >= 24 || other >>> shift === start >>> shift);
      }),
    );
  });
});
