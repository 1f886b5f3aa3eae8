/**
 * Which network addresses an administrator's URL may lead to. Sources: the IANA special-purpose address registries
 * (RFC 6890 and successors) and the metadata addresses of the large clouds. Texts that are no IP address are never public.
 */
import { BlockList, isIP, isIPv4 } from 'node:net';

/**
 * `public`: reachable by anyone. `private`: a company's own network (RFC 1918, RFC 4193, RFC 6598 shared space).
 * `loopback`: this machine. `reserved`: everything else, link-local and metadata services among it; never a sensible destination.
 */
export type AddressKind = 'public' | 'private' | 'loopback' | 'reserved';

type Subnet = readonly [address: string, prefix: number];

const LOOPBACK: readonly Subnet[] = [
  ['127.0.0.0', 8],
  ['::1', 128],
];

const PRIVATE: readonly Subnet[] = [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['100.64.0.0', 10], // shared address space of carriers
  ['fc00::', 7], // unique local
];

/** Wins over PRIVATE: what only looks like a company's network. */
const METADATA: readonly Subnet[] = [
  ['169.254.169.254', 32], // AWS, Azure, Google Cloud, OpenStack and others
  ['169.254.170.2', 32], // AWS: credentials of containers
  ['169.254.170.23', 32], // AWS: credentials of pods
  ['169.254.0.23', 32], // Tencent Cloud
  ['169.254.42.42', 32], // Scaleway
  ['192.0.0.192', 32], // Oracle Cloud
  ['100.100.100.200', 32], // Alibaba Cloud
  ['168.63.129.16', 32], // Azure's host, outside every special range
  ['fd00:ec2::254', 128], // AWS over IPv6
  ['fd00:ec2::23', 128], // AWS: credentials of pods over IPv6
  ['fd20:ce::254', 128], // Google Cloud over IPv6
  ['fd00:42::42', 128], // Scaleway over IPv6
  ['fe80::a9fe:a9fe', 128], // OpenStack over IPv6
];

/** No destination whoever allows it, besides loopback and METADATA: this machine, everybody at once, and addresses that carry another one unjudged. */
const NEVER: readonly Subnet[] = [
  ['0.0.0.0', 8], // this host
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // future use and broadcast
  ['::', 96], // unspecified, loopback and IPv4-compatible
  ['64:ff9b::', 96], // NAT64
  ['64:ff9b:1::', 48], // NAT64 of a network's own
  ['2001::', 32], // Teredo
  ['2002::', 16], // 6to4
  ['ff00::', 8], // multicast
];

const RESERVED: readonly Subnet[] = [
  ['0.0.0.0', 8], // this host
  ['169.254.0.0', 16], // link-local, most metadata services
  ['192.0.0.0', 24],
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays
  ['198.18.0.0', 15], // benchmarking
  ['198.51.100.0', 24],
  ['203.0.113.0', 24],
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // future use and broadcast
];

/** The one part of IPv6 that is global unicast; all outside it is reserved. */
const GLOBAL_IPV6: readonly Subnet[] = [['2000::', 3]];
const RESERVED_IPV6: readonly Subnet[] = [
  ['2001::', 23], // protocol assignments, Teredo among them: it carries an IPv4 address
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4: it carries an IPv4 address
  ['3fff::', 20], // documentation
];

function blockList(subnets: readonly Subnet[]): BlockList {
  const list = new BlockList();
  for (const [address, prefix] of subnets) list.addSubnet(address, prefix, isIPv4(address) ? 'ipv4' : 'ipv6');
  return list;
}

const loopback = blockList(LOOPBACK);
const privateNetworks = blockList(PRIVATE);
const metadata = blockList(METADATA);
const never = blockList([...LOOPBACK, ...METADATA, ...NEVER]);
const reserved = blockList(RESERVED);
const globalIpv6 = blockList(GLOBAL_IPV6);
const reservedIpv6 = blockList(RESERVED_IPV6);

/** Kind of one IP address in its text form, with or without the brackets of a URL. An IPv4 address mapped into IPv6 is judged as IPv4. */
export function addressKind(text: string): AddressKind {
  const ip = unmapped(text.startsWith('[') && text.endsWith(']') ? text.slice(1, -1) : text);
  const version = isIP(ip);
  if (version === 0) return 'reserved';
  const family = version === 4 ? 'ipv4' : 'ipv6';
  if (loopback.check(ip, family)) return 'loopback';
  if (metadata.check(ip, family)) return 'reserved';
  if (privateNetworks.check(ip, family)) return 'private';
  if (family === 'ipv4') return reserved.check(ip, family) ? 'reserved' : 'public';
  return globalIpv6.check(ip, family) && !reservedIpv6.check(ip, family) ? 'public' : 'reserved';
}

/** Loopback, metadata services and what is no destination at all: refused even in a network that an operator allows. */
export function isNeverAllowed(text: string): boolean {
  const ip = unmapped(text);
  const version = isIP(ip);
  return version === 0 || never.check(ip, version === 4 ? 'ipv4' : 'ipv6');
}

export const isPublicAddress = (ip: string): boolean => addressKind(ip) === 'public';
export const isLoopbackAddress = (ip: string): boolean => addressKind(ip) === 'loopback';

/** `localhost` or a loopback address: the only hosts that plain http is ever allowed for. `hostname` as `URL` gives it. */
export const isLoopbackHost = (hostname: string): boolean => hostname === 'localhost' || isLoopbackAddress(hostname);

/** `::ffff:a.b.c.d` in any spelling → `a.b.c.d`; anything else unchanged. */
export function unmapped(ip: string): string {
  if (isIP(ip) !== 6) return ip;
  // The URL parser writes every spelling of one address alike.
  const match = /^\[::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})\]$/.exec(canonical(ip));
  if (!match) return ip;
  const value = (Number.parseInt(match[1]!, 16) << 16) | Number.parseInt(match[2]!, 16);
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

function canonical(ip: string): string {
  try {
    return new URL(`http://[${ip}]/`).hostname;
  } catch {
    return ''; // a zone index: link-local only, and no URL can name it
  }
}
