/** Trying a closed network from inside: what is tried, in which container, and what to make of the answer. */
import { readFile } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import type { ContainerSpec } from '../docker/driver.ts';
import { withoutIpv6 } from '../docker/ipv6.ts';
import { PROXY_PORT, type ClosedPlace } from '../docker/spec.ts';
import { addressIn } from '../docker/subnet.ts';
import { ParaError } from '../errors.ts';
import type { Finding, Trial } from '../proxy/check.ts';

/** Of the host's addresses; each is tried at once. */
const MOST_ADDRESSES = 32;
/** Milliseconds for each try. */
const WAIT_MS = 600;
/** In the net of addresses for documentation (RFC 5737): the container is to have no way to any such. */
export const PUBLIC = ['198.51.100.1', 443] as const;

/** What is to be out of reach: the host, the gateway, whoever resolves names for the host, and all beyond. */
export async function trialOf({
  place,
  subnet,
  selfTest,
}: {
  readonly place: ClosedPlace;
  readonly subnet: string;
  readonly selfTest: boolean;
}): Promise<Trial> {
  const proxy = { address: place.proxy, port: PROXY_PORT };
  if (!selfTest) return { tcp: [], resolvers: [], proxy, waitMs: 1 };
  const gateway = addressIn(subnet, 1);
  const [own, beyond] = [hostAddresses(), await hostGateways()];
  const resolvers = await hostResolvers();
  return {
    tcp: [
      ...[gateway, ...own].flatMap((address) => [22, 9].map((port) => [address, port] as const)),
      ...beyond.map((address) => [address, 53] as const),
      PUBLIC,
    ],
    resolvers: [...new Set([gateway, ...resolvers, ...beyond])],
    proxy,
    waitMs: WAIT_MS,
  };
}

/** Of this machine, which is the engine's. Those of a link need no try: the trial looks whether there is any IPv6 at all. */
function hostAddresses(): readonly string[] {
  const all = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? []);
  return all
    .filter(({ internal, address }) => !internal && !address.startsWith('fe80:'))
    .map(({ address }) => address)
    .slice(0, MOST_ADDRESSES);
}

/** By which the host itself goes out (proc(5), net/route: little-endian hex). */
async function hostGateways(): Promise<readonly string[]> {
  const text = await readFile('/proc/net/route', 'utf8').catch(() => '');
  return text.split('\n').flatMap((row) => {
    const [, destination, gateway = ''] = row.split('\t');
    if (destination !== '00000000' || !/^[0-9A-F]{8}$/i.test(gateway)) return [];
    return [[...Buffer.from(gateway, 'hex')].reverse().join('.')];
  });
}

async function hostResolvers(): Promise<readonly string[]> {
  const text = await readFile('/etc/resolv.conf', 'utf8').catch(() => '');
  const found = text
    .split('\n')
    .flatMap((line) => /^nameserver\s+(\d+\.\d+\.\d+\.\d+)/.exec(line)?.[1] ?? []);
  return found.filter((address) => !address.startsWith('127.'));
}

/** The container in which it is tried: as hardened as the proxy, of its image, and in the closed network alone. */
export function checkSpec(
  like: ContainerSpec,
  own: {
    readonly name: string;
    readonly closed: string;
    readonly address: string;
    readonly proxy: string;
    readonly command: readonly string[];
  },
): ContainerSpec {
  const { name, closed, address, proxy, command } = own;
  return {
    ...like,
    ...{ name, command, ports: [], sysctls: withoutIpv6() },
    labels: { ...like.labels, 'para.role': 'check' },
    network: { mode: 'closed', name: closed, address, proxy },
  };
}

/** @throws NETWORK_NOT_CLOSED when anything was open, or the proxy does not answer, or lets pass what nobody allows */
export async function judge(
  said: string,
  {
    session,
    subnet,
    selfTest,
  }: { readonly session: string; readonly subnet: string; readonly selfTest: boolean },
): Promise<void> {
  const { open, proxy } = read(said);
  if (!proxy.startsWith('HTTP/'))
    throw new ParaError(
      'NETWORK_NOT_CLOSED',
      `the proxy of ${session} is not reached in its network: ${proxy}`,
      {
        hint: await firewallHint(subnet),
      },
    );
  if (!/^HTTP\/1\.[01] 403\b/.test(proxy))
    throw new ParaError(
      'NETWORK_NOT_CLOSED',
      `the proxy of ${session} does not refuse what is not allowed: ${proxy}`,
      {
        hint: 'para doctor',
      },
    );
  if (!selfTest || open.length === 0) return;
  const more = open.length > 3 ? ` and ${String(open.length - 3)} more` : '';
  throw new ParaError(
    'NETWORK_NOT_CLOSED',
    `the network of ${session} is not closed: it reaches ${open.slice(0, 3).join(', ')}${more}`,
    {
      hint: 'Something on this machine lets containers out. With no network at all:\n--network none',
      details: { open },
    },
  );
}

/**
 * docker has everything dropped that it does not know, and where the kernel asks the firewall about bridges too, that is
 * what two containers of podman's say to each other in a network without a way out (netavark makes no rule for one).
 */
async function firewallHint(subnet: string): Promise<string> {
  const asks = await readFile('/proc/sys/net/bridge/bridge-nf-call-iptables', 'utf8').catch(() => '0');
  if (asks.trim() !== '1') return 'para doctor';
  const pool = subnet.replace(/\.\d+\.\d+\/\d+$/, '.0.0/16');
  return `A firewall, such as docker's, may drop what goes on inside of closed networks. To let that pass, and nothing else:
sudo iptables -I FORWARD -m physdev --physdev-is-bridged -s ${pool} -d ${pool} -j ACCEPT`;
}

function read(said: string): Finding {
  const nothing = `the test ended with ${JSON.stringify(said.slice(0, 200))}`;
  return parseFinding(said) ?? { open: [], proxy: nothing };
}

/** What the test has printed; undefined when that is no answer, and proves nothing. */
export function parseFinding(said: string): Finding | undefined {
  try {
    const { open, proxy } = JSON.parse(said) as Partial<Finding>;
    return Array.isArray(open) ? { open: open.map(String), proxy: proxy ?? 'it was not asked' } : undefined;
  } catch {
    return undefined;
  }
}
