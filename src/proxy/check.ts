/**
 * Tries, from inside a closed network, whether it is one: run by para in a container of its own that ends at once.
 * Takes what to try as JSON in its first argument, and prints what it found open as JSON. Runs on node alone.
 */
import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { connect, isIPv6 } from 'node:net';
import { parseHost, SELF_TEST_NAME } from './host.ts';

/** What is tried. */
export interface Trial {
  /** Address and port; one that is refused was reached too. */
  readonly tcp: readonly (readonly [address: string, port: number])[];
  /** Resolvers besides the container's own. */
  readonly resolvers: readonly string[];
  readonly proxy: { readonly address: string; readonly port: number };
  /** Milliseconds for each. */
  readonly waitMs: number;
}

/** What came of it; nothing in `open` is what is hoped for. */
export interface Finding {
  readonly open: readonly string[];
  /** The status line with which the proxy met a request for a host that nobody allows, or why it did not. */
  readonly proxy: string;
}

/** Milliseconds for a proxy that has just been started to listen. */
const PROXY_MS = 5_000;

/** What tells of the place that it is in: the resolvers that a program would ask, and the addresses of IPv6. */
const FILES = { resolvConf: '/etc/resolv.conf', addresses: '/proc/net/if_inet6' };

/** Tries everything at once. */
export async function find(trial: Trial, { resolvConf, addresses } = FILES): Promise<Finding> {
  const own = ownResolvers(resolvConf);
  const [proxy, ...open] = await Promise.all([
    askProxy(trial),
    ...trial.tcp.map(([address, port]) => reaches(address, port, trial.waitMs)),
    ...[...new Set([...own, ...trial.resolvers])].map((address) => resolves(address, trial.waitMs)),
  ]);
  const found = open.filter((what) => what !== undefined);
  return { open: [...found, ...neighbours(trial.proxy.address), ...ipv6In(read(addresses))], proxy };
}

/** A reset comes from somebody: only silence, or no way there, is closed. */
function reaches(address: string, port: number, waitMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: address, port });
    const end = (isOpen: boolean): void => {
      socket.destroy();
      resolve(isOpen ? `tcp ${address}:${String(port)}` : undefined);
    };
    socket.setTimeout(waitMs, () => {
      end(false);
    });
    socket.once('connect', () => {
      end(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      end(error.code === 'ECONNREFUSED' || error.code === 'ECONNRESET');
    });
  });
}

/** An answer about the name, even that there is none; a resolver that can ask nobody says SERVFAIL or REFUSED. */
function resolves(address: string, waitMs: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const socket = createSocket(isIPv6(address) ? 'udp6' : 'udp4');
    const end = (isOpen: boolean): void => {
      clearTimeout(timer);
      socket.close();
      resolve(isOpen ? `dns ${address}` : undefined);
    };
    const timer = setTimeout(end, waitMs, false);
    socket.once('error', () => {
      end(false);
    });
    socket.once('message', (answer) => {
      const code = (answer[3] ?? 2) & 0xf;
      end(code === 0 || code === 3);
    });
    socket.send(question(SELF_TEST_NAME), 53, address, (error) => {
      if (error !== null) end(false);
    });
  });
}

/** A question for an A record (RFC 1035 §4). */
function question(name: string): Buffer {
  const labels = name.split('.').map((label) => Buffer.from([label.length, ...Buffer.from(label)]));
  const header = Buffer.from([0x70, 0x61, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0]);
  return Buffer.concat([header, ...labels, Buffer.from([0, 0, 1, 0, 1])]);
}

function ownResolvers(resolvConf: string): readonly string[] {
  const lines = read(resolvConf).split('\n');
  return lines.flatMap((line) => /^nameserver\s+([\d.]+|[\da-f:]+)\s*$/i.exec(line)?.[1] ?? []);
}

/** Who answers on the link: all that leaves it goes by a neighbour, and there is to be none but the proxy. */
function neighbours(proxy: string): readonly string[] {
  const rows = read('/proc/net/arp').split('\n').slice(1);
  return rows.flatMap((row) => {
    const [address = '', , flags = '0'] = row.split(/\s+/);
    const isComplete = (Number(flags) & 2) !== 0;
    return isComplete && address !== proxy ? [`neighbour ${address}`] : [];
  });
}

/** Any address of IPv6 but loopback's reaches all that is on the link, whatever is tried (proc(5): one a line, in hex). */
function ipv6In(rows: string): readonly string[] {
  return rows.split('\n').flatMap((row) => {
    const [hex = '', , , , , device = ''] = row.trim().split(/\s+/);
    if (device === '' || device === 'lo') return [];
    const address = parseHost(`[${hex.match(/.{4}/g)?.join(':') ?? ''}]`)?.text ?? hex;
    return [`ipv6 ${address} of ${device}`];
  });
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

async function askProxy({ proxy }: Trial): Promise<string> {
  const until = Date.now() + PROXY_MS;
  for (;;) {
    const said = await requestOf(proxy).catch((error: unknown) => String(error));
    if (said.startsWith('HTTP/') || Date.now() > until) return said;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** @returns the status line */
function requestOf({ address, port }: Trial['proxy']): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: address, port });
    let said = '';
    const end = (): void => {
      socket.destroy();
      resolve(said.split('\r\n')[0] ?? '');
    };
    socket.setTimeout(2_000, () => {
      socket.destroy(new Error('no answer'));
    });
    socket.once('error', reject);
    socket.once('end', end);
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
      if (said.includes('\r\n') || said.length > 4_096) end();
    });
    socket.write(`CONNECT ${SELF_TEST_NAME}:443 HTTP/1.1\r\nHost: ${SELF_TEST_NAME}:443\r\n\r\n`);
  });
}
