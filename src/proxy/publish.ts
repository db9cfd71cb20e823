/** Lets in what is published: the box has no way in of its own, so the proxy hands connections on. */
import { connect, createServer, type Server } from 'node:net';
import { join, SOCKET } from './relay.ts';
import type { Rules } from './rules.ts';

/** Connections at once, for each port. */
const MOST_CONNECTIONS = 256;

/** A server that hands each connection on to one port of the box; it is to be told where to listen. */
export function createRelay(to: Rules['publish'][number]['to']): Server {
  const server = createServer({ ...SOCKET, pauseOnConnect: true }, (near) => {
    const far = connect({ ...SOCKET, host: to.address, port: to.port });
    join(near, far, () => undefined);
  });
  server.maxConnections = MOST_CONNECTIONS;
  return server;
}
