/** Networks that an operator allows calls to although they are not public. Written as CIDR (RFC 4632, RFC 4291): an address and the length of its prefix. */
import { BlockList, isIP } from 'node:net';
import { isNeverAllowed, unmapped } from './address.ts';

export interface Network {
  address: string;
  prefix: number;
  family: 'ipv4' | 'ipv6';
}

/** Wider than any private network: a slip of the pen. */
const SHORTEST = { ipv4: 8, ipv6: 7 };
const LENGTH = { ipv4: 32, ipv6: 128 };

/**
 * `10.1.0.0/16`, `fd12::/16`; an address alone is a network of one. Null where it is none: a bit is set behind the prefix, it is wider than any private
 * network, an IPv4 address is written as IPv6, or it begins where nothing is ever allowed.
 */
export function parseNetwork(text: string): Network | null {
  const [, address = '', written] = /^([0-9a-fA-F.:]+)(?:\/(\d{1,3}))?$/.exec(text) ?? [];
  const version = isIP(address);
  if (version === 0 || unmapped(address) !== address || isNeverAllowed(address)) return null;
  const family = version === 4 ? 'ipv4' : 'ipv6';
  const prefix = written === undefined ? LENGTH[family] : Number(written);
  if (prefix < SHORTEST[family] || prefix > LENGTH[family]) return null;
  const behind = (1n << BigInt(LENGTH[family] - prefix)) - 1n;
  return (numberOf(address, family) & behind) === 0n ? { address, prefix, family } : null;
}

/** Whether an IP address lies in one of them and may be called: never this machine, a metadata service, or an address that carries another one. */
export function inNetworks(networks: readonly string[]): (ip: string) => boolean {
  const list = new BlockList();
  for (const text of networks) {
    const network = parseNetwork(text);
    if (!network) throw new TypeError(`${text} is no network`);
    list.addSubnet(network.address, network.prefix, network.family);
  }
  return (text) => {
    const ip = unmapped(text.replace(/^\[|\]$/g, ''));
    const version = isIP(ip);
    return version !== 0 && !isNeverAllowed(ip) && list.check(ip, version === 4 ? 'ipv4' : 'ipv6');
  };
}

function numberOf(address: string, family: Network['family']): bigint {
  if (family === 'ipv4') return address.split('.').reduce((value, part) => (value << 8n) | BigInt(part), 0n);
  // The URL parser writes all groups as hex, and one run of zeros as `::`.
  const [head = '', tail = ''] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const [before, after] = [head, tail].map((part) => part.split(':').filter(Boolean)) as [string[], string[]];
  const groups = [...before, ...Array<string>(8 - before.length - after.length).fill('0'), ...after];
  return groups.reduce((value, group) => (value << 16n) | BigInt(`0x${group}`), 0n);
}
