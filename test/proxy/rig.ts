/** A proxy in this process, between servers of the test: names lead where the test says. */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { createLog } from '../../src/proxy/log.ts';
import { createProxy, type Proxy } from '../../src/proxy/proxy.ts';
import { parseProxyRules, type ProxyRules, type Rules } from '../../src/proxy/rules.ts';

/** Rules as the file has them, with what a test does not care about filled in. */
export function rulesOf(file: Partial<ProxyRules>): Rules {
  const listen = { address: '127.0.0.1', port: 3128 };
  return parseProxyRules(JSON.stringify({ schema: 1, listen, allow: [], ...file }));
}

/** The rig; everything of it is closed by `close`. */
export class Rig {
  readonly names = new Map<string, readonly string[]>();
  /** Every name that was looked up, in order. */
  readonly asked: string[] = [];
  readonly log: Record<string, unknown>[] = [];
  private readonly open = new Set<Server | Socket>();

  /** A server on loopback. @returns its port */
  async server(serve: (socket: Socket) => void): Promise<number> {
    const server = createServer({ allowHalfOpen: true }, (socket) => {
      this.keep(socket);
      serve(socket);
    });
    return this.listen(server);
  }

  async listen(server: Server): Promise<number> {
    this.open.add(server);
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return (server.address() as AddressInfo).port;
  }

  async proxy(file: Partial<ProxyRules>): Promise<Proxy & { readonly port: number }> {
    const write = (line: string): void => void this.log.push(JSON.parse(line) as Record<string, unknown>);
    const proxy = createProxy(rulesOf(file), {
      log: createLog(write, Date.now),
      resolve: (name) => {
        this.asked.push(name);
        return Promise.resolve(this.names.get(name) ?? []);
      },
    });
    return { ...proxy, port: await this.listen(proxy.server) };
  }

  async client(port: number): Promise<Socket> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    this.keep(socket);
    await once(socket, 'connect');
    return socket;
  }

  /** Sends bytes, and takes all that comes back until the end. */
  async say(port: number, bytes: string): Promise<string> {
    const socket = await this.client(port);
    socket.write(Buffer.from(bytes, 'latin1'));
    const answer = await read(socket);
    socket.destroy();
    return answer;
  }

  private keep(socket: Socket): void {
    this.open.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => this.open.delete(socket));
  }

  close(): void {
    for (const end of this.open) if ('destroy' in end) end.destroy();
    for (const end of this.open) if ('close' in end) end.close();
  }
}

/** All that a socket says until it ends. */
export async function read(socket: Socket): Promise<string> {
  let text = '';
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')));
  await ended(socket);
  return text;
}

/** Waits until a socket has said its last, well or not. */
export async function ended(socket: Socket): Promise<void> {
  await Promise.race([once(socket, 'end'), once(socket, 'close')]).catch(() => undefined);
}

/** Waits until a socket has said all of `text`. */
export async function readUntil(socket: Socket, text: string): Promise<string> {
  let sofar = '';
  for (;;) {
    const [chunk] = (await once(socket, 'data')) as [Buffer];
    sofar += chunk.toString('latin1');
    if (sofar.includes(text)) return sofar;
  }
}
