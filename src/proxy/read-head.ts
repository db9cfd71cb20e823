/** Takes the head of a request from a socket, as far as it is sent, and leaves what follows it there. */
import type { Socket } from 'node:net';
import { hopeless, type Refusal } from './head.ts';

/** Milliseconds for a client to say what it wants. */
const HEAD_MS = 10_000;

/** The head, why there will be none, or undefined when the client has gone. The socket is paused after a head. */
export function readHead(socket: Socket): Promise<string | Refusal | undefined> {
  return new Promise((done) => {
    let sofar = '';
    const timer = setTimeout(() => {
      stop({ status: 408, reason: 'no request within ten seconds' });
    }, HEAD_MS);
    const stop = (result: string | Refusal | undefined): void => {
      clearTimeout(timer);
      socket.off('data', onData).off('end', onGone).off('close', onGone);
      done(result);
    };
    const onGone = (): void => {
      socket.destroy();
      stop(undefined);
    };
    const onData = (chunk: Buffer): void => {
      sofar += chunk.toString('latin1');
      const end = sofar.indexOf('\r\n\r\n');
      const problem = hopeless(end < 0 ? sofar : sofar.slice(0, end + 2));
      if (problem !== undefined) {
        stop(problem);
        return;
      }
      if (end < 0) return;
      socket.pause();
      const rest = sofar.slice(end + 4);
      if (rest !== '') socket.unshift(Buffer.from(rest, 'latin1'));
      stop(sofar.slice(0, end));
    };
    socket.on('data', onData).on('end', onGone).on('close', onGone);
  });
}
