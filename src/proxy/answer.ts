/** What the proxy itself says to a client: short text, with what to type, and the end of the connection. */
import type { Socket } from 'node:net';
import { hostText, type Host } from './host.ts';

const WORDS = {
  400: 'Bad Request',
  403: 'Forbidden',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  505: 'HTTP Version Not Supported',
} as const;

/** A status that the proxy answers with. */
export type Status = keyof typeof WORDS;

/** Milliseconds for the client to read it; then the connection is gone. */
const READ_MS = 2000;

/** Says it and closes. What the client still sends is read, or its end would reach it before the answer. */
export function answer(socket: Socket, status: Status, text: string): void {
  const body = `para: ${text}\n`;
  const head = [
    `HTTP/1.1 ${String(status)} ${WORDS[status]}`,
    'content-type: text/plain; charset=utf-8',
    `content-length: ${String(Buffer.byteLength(body))}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  socket.resume();
  setTimeout(() => socket.destroy(), READ_MS).unref();
}

/** For a host that is not on the list. */
export function notAllowed(host: Host, port: number): string {
  const entry = `${hostText(host)}${port === 443 || port === 80 ? '' : `:${String(port)}`}`;
  return [
    `${entry} is not on the allow-list of this session.`,
    `To allow it, on the host: para docker update --allow-domain ${entry}`,
    'What else was refused: para docker network learn',
  ].join('\n');
}
