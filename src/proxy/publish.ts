/** Lets in what is published: the box has no way in of its own, so the proxy hands connections on. */
import { connect, createServer, type Server } from 'node:net';
import { join } from './relay.ts';
import type { Rules } from './rules.ts';

/** Connections at once, for each port. */
const MOST_CONNECTIONS = 256;

/** A server that hands each connection on to one port of the box; it is to be told where to listen. */
export function createRelay(to: Rules['publish'][number]['to']): Server {
  const server = createServer({ allowHalfOpen: true, noDelay: true, pauseOnConnect: true }, (near) => {
    const far = connect({ host: to.address, port: to.port, allowHalfOpen: true, noDelay: true });
    join(near, far, () => undefined);
  });
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}
