/** Finds the address of a host and connects to exactly that one, if it may be reached. */
import { Resolver } from 'node:dns/promises';
import { connect, type Socket } from 'node:net';
import { isPublic } from './address.ts';
import { parseHost, type Host } from './host.ts';
import { isAllowed } from './host-rule.ts';
import { SOCKET } from './relay.ts';
import type { Rules } from './rules.ts';

/** All addresses of a name, A and AAAA; empty when it has none. */
export type Resolve = (name: string, servers: readonly string[] | undefined) => Promise<readonly string[]>;

/** Why nothing was dialled, or nothing answered. */
export class DialError extends Error {
  readonly status: 403 | 502;

  constructor(status: 403 | 502, message: string) {
    super(message);
    this.status = status;
  }
}

/** Milliseconds for one address to answer, and how many are tried. */
const CONNECT_MS = 8000;
const MOST_ADDRESSES = 4;

/** Connects to a host that the list allows. @throws DialError */
export async function dial(
  target: { readonly host: Host; readonly port: number },
  rules: Rules,
  resolve: Resolve,
): Promise<Socket> {
  const { host, port } = target;
  const found = host.kind === 'address' ? [host.text] : await resolve(host.text, rules.dns);
  if (found.length === 0) throw new DialError(502, 'the name has no address');
  const may = found.filter((address) => isPublic(address) || isOpened(address, port, rules));
  if (may.length === 0) throw new DialError(403, 'its address is not one of the internet');
  for (const address of may.slice(0, MOST_ADDRESSES)) {
    const socket = await tryAddress(address, port);
    if (socket !== undefined) return socket;
  }
  throw new DialError(502, 'it does not answer');
}

function isOpened(address: string, port: number, { open }: Rules): boolean {
  const host = parseHost(address.includes(':') ? `[${address}]` : address);
  return host !== undefined && isAllowed(open, host, port);
}

function tryAddress(address: string, port: number): Promise<Socket | undefined> {
  return new Promise((done) => {
    const socket = connect({ ...SOCKET, host: address, port });
    const fail = (): void => {
      socket.destroy();
      done(undefined);
    };
    socket.setTimeout(CONNECT_MS, fail);
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', fail).off('timeout', fail);
      done(socket);
    });
  });
}

/** Asks name servers itself: no hosts file, no search domains, and both kinds of address. */
export const resolveName: Resolve = async (name, servers) => {
  const resolver = new Resolver({ timeout: 3000, tries: 2 });
  if (servers !== undefined) resolver.setServers(servers);
  const answers = await Promise.allSettled([resolver.resolve4(name), resolver.resolve6(name)]);
  return answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []));
};
