/** Containers without IPv6. */
import { existsSync } from 'node:fs';
import type { ContainerSpec } from './driver.ts';

/**
 * In a closed network nobody speaks IPv6: it is not asked for there, and engines leave the link-local addresses, by which
 * everything on the link is reached, the host too. A kernel without it does not know the settings.
 */
export function withoutIpv6(settings = '/proc/sys/net/ipv6'): ContainerSpec['sysctls'] {
  if (process.platform === 'linux' && !existsSync(settings)) return undefined;
  return { 'net.ipv6.conf.all.disable_ipv6': '1', 'net.ipv6.conf.default.disable_ipv6': '1' };
}
