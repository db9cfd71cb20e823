/** The proxy: for each connection one request, which is refused, or dialled and joined. */
import { createServer, type Server, type Socket } from 'node:net';
import { answer, notAllowed, type Status } from './answer.ts';
import { bodyGate } from './body.ts';
import { dial, DialError, type Resolve } from './dial.ts';
import { isRefusal, parseHead, type ProxyRequest } from './head.ts';
import { isAllowed } from './host-rule.ts';
import type { RequestLog, Told } from './log.ts';
import { readHead } from './read-head.ts';
import { join, SOCKET, type Joined } from './relay.ts';
import type { Rules } from './rules.ts';

/** Connections at once. */
const MOST_CONNECTIONS = 256;

/** What a proxy is made of. */
export interface ProxyParts {
  readonly log: RequestLog;
  readonly resolve: Resolve;
}

/** A running proxy. */
export interface Proxy {
  readonly server: Server;
  /** Goes on with other rules; what they do not allow any more is cut. */
  use(rules: Rules): void;
}

/** One that is at work. */
interface Work extends ProxyParts {
  rules: Rules;
  readonly tunnels: Set<Tunnel>;
}

type Tunnel = Joined & Pick<ProxyRequest, 'host' | 'port'>;

/** Makes one; its server is to be told where to listen. */
export function createProxy(rules: Rules, parts: ProxyParts): Proxy {
  const work: Work = { ...parts, rules, tunnels: new Set() };
  let connections = 0;
  const server = createServer(SOCKET, (socket) => {
    connections += 1;
    socket.once('close', () => (connections -= 1));
    socket.on('error', () => socket.destroy());
    if (connections > MOST_CONNECTIONS) refuse(work, socket, [503, 'too many connections at once']);
    else void serve(work, socket);
  });
  // Past this nobody gets even an answer.
  server.maxConnections = MOST_CONNECTIONS * 2;
  return {
    server,
    use: (next) => {
      work.rules = next;
      for (const tunnel of work.tunnels) if (!isAllowed(next.allow, tunnel.host, tunnel.port)) tunnel.cut();
    },
  };
}

async function serve(work: Work, socket: Socket): Promise<void> {
  const head = await readHead(socket);
  if (head === undefined) return;
  const request = typeof head === 'string' ? parseHead(head) : head;
  if (isRefusal(request)) {
    refuse(work, socket, [request.status, request.reason]);
    return;
  }
  const { host, port } = request;
  if (!isAllowed(work.rules.allow, host, port)) {
    refuse(work, socket, [403, 'not on the allow-list', notAllowed(host, port)], request);
    return;
  }
  try {
    const far = await dial(request, work.rules, work.resolve);
    // The list may have changed, and the client may have gone, while a name was looked for.
    if (!socket.destroyed && isAllowed(work.rules.allow, host, port)) begin(work, { socket, far, request });
    else for (const end of [far, socket]) end.destroy();
  } catch (error) {
    const { status, message } =
      error instanceof DialError ? error : new DialError(502, 'it can not be reached');
    refuse(work, socket, [status, message, `${host.text}: ${message}`], request);
  }
}

function begin(
  { tunnels, log }: Work,
  { socket, far, request }: { readonly socket: Socket; readonly far: Socket; readonly request: ProxyRequest },
): void {
  const { host, port, forward } = request;
  const ended = (): void => {
    tunnels.delete(tunnel);
    const { bytesRead: sent, bytesWritten: received } = socket;
    log.request({ verdict: 'allowed', ...told(request), sent, received });
  };
  if (forward === undefined) socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
  else far.write(forward.head, 'latin1');
  const gate = forward === undefined ? undefined : bodyGate(forward.body);
  const tunnel: Tunnel = { ...join(socket, far, ended, gate), host, port };
  tunnels.add(tunnel);
}

function refuse(
  { log }: Work,
  socket: Socket,
  [status, reason, text = reason]: readonly [status: Status, reason: string, text?: string],
  request?: ProxyRequest,
): void {
  log.request({ verdict: status === 502 || status === 503 ? 'failed' : 'denied', ...told(request), reason });
  answer(socket, status, text);
}

function told(request: ProxyRequest | undefined): Pick<Told, 'method' | 'host' | 'port'> {
  return request === undefined ? {} : { method: request.method, host: request.host.text, port: request.port };
}
