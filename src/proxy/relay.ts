/** Joins two sockets: what one side says the other hears, at the pace of the slower, until both are done. */
import type { Socket } from 'node:net';
import type { Duplex, Transform } from 'node:stream';

/**
 * How every socket is. Ends are told one way at a time; and little is held, whatever node's own measure is, as there may
 * be many: 256 joined pairs that nobody reads from are 16 MiB.
 */
export const SOCKET = { allowHalfOpen: true, noDelay: true, highWaterMark: 16_384 } as const;

/** Milliseconds without a byte either way, after which nobody is there any more. */
export const IDLE_MS = 600_000;

/** Milliseconds for a client to hang up after an answer; it may still be sending what nobody reads. */
const LAST_WORDS_MS = 5000;

/** A pair of joined sockets. */
export interface Joined {
  /** Ends both at once. */
  cut(): void;
}

/**
 * Joins them. A `gate` stands on the way from `near` to `far` where only one request may pass; `far` then has the last
 * word. `ended` is called once, when both are closed.
 */
export function join(near: Socket, far: Socket, ended: () => void, gate?: Transform): Joined {
  const all: readonly Duplex[] = gate === undefined ? [near, far] : [near, gate, far];
  // Not an end like any other: half an answer must not look whole.
  const cut = (): void => {
    gate?.destroy();
    for (const socket of [near, far]) socket.resetAndDestroy();
  };
  let open = 2;
  for (const socket of [near, far]) {
    socket.setTimeout(IDLE_MS, cut);
    socket.setKeepAlive(true, 60_000);
    socket.once('close', () => {
      if (--open === 0) ended();
    });
  }
  for (const stream of all) stream.on('error', cut);
  if (gate === undefined) near.pipe(far);
  else {
    near.pipe(gate).pipe(far, { end: false });
    far.once('end', () => far.end());
    near.once('finish', () => setTimeout(() => near.destroy(), LAST_WORDS_MS).unref());
  }
  far.pipe(near);
  return { cut };
}
