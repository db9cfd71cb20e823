/**
 * Which addresses are of the internet. All others are the host's, its neighbours' or nobody's: a name that leads to one
 * leads somewhere that only somebody inside should reach. From the IANA special-purpose address registries.
 */
import { BlockList, isIPv6 } from 'node:net';

/** Not globally reachable, or a service of the place that one is in. */
const NOT_PUBLIC_4: readonly (readonly [string, number])[] = [
  ['0.0.0.0', 8], // this network
  ['10.0.0.0', 8], // private
  ['100.64.0.0', 10], // shared by a provider's customers
  ['127.0.0.0', 8], // loopback
  ['168.63.129.16', 32], // the platform beneath a machine on Azure
  ['169.254.0.0', 16], // link-local, with the clouds' metadata
  ['172.16.0.0', 12], // private
  ['192.0.0.0', 24], // protocol assignments
  ['192.0.2.0', 24], // documentation
  ['192.88.99.0', 24], // 6to4 relays
  ['192.168.0.0', 16], // private
  ['198.18.0.0', 15], // benchmarks
  ['198.51.100.0', 24], // documentation
  ['203.0.113.0', 24], // documentation
  ['224.0.0.0', 4], // multicast
  ['240.0.0.0', 4], // reserved, broadcast
];

/** What is given out to the internet at all; IPv4 in IPv6 (mapped, NAT64) is outside of it. */
const GLOBAL_6 = ['2000::', 3] as const;

/** Of that, what is not globally reachable or carries IPv4 inside. */
const NOT_PUBLIC_6: readonly (readonly [string, number])[] = [
  ['2001::', 23], // protocol assignments: Teredo, benchmarks, ORCHID
  ['2001:db8::', 32], // documentation
  ['2002::', 16], // 6to4
  ['3fff::', 20], // documentation
];

const blocked4 = blockList(NOT_PUBLIC_4, 'ipv4');
const blocked6 = blockList(NOT_PUBLIC_6, 'ipv6');
const global6 = blockList([GLOBAL_6], 'ipv6');

/** True for an address of the internet. */
export function isPublic(address: string): boolean {
  if (!isIPv6(address)) return !blocked4.check(address, 'ipv4');
  return global6.check(address, 'ipv6') && !blocked6.check(address, 'ipv6');
}

function blockList(ranges: readonly (readonly [string, number])[], family: 'ipv4' | 'ipv6'): BlockList {
  const list = new BlockList();
  for (const [network, prefix] of ranges) list.addSubnet(network, prefix, family);
  return list;
}
