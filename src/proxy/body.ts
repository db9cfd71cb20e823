/** Lets through the body of one request and not a byte more: what comes after it would be another request. */
import { Transform, type TransformCallback } from 'node:stream';
import type { Body } from './head.ts';

/** Passes the body on as it is, ends after it, and fails when it is not as its head said. */
export function bodyGate(body: Body): Transform {
  const rest = body === 'chunked' ? chunked() : counted(body.length);
  const gate = new Transform({
    transform(chunk: Buffer, _, done: TransformCallback) {
      try {
        const taken = rest.take(chunk);
        if (taken > 0) this.push(taken === chunk.length ? chunk : chunk.subarray(0, taken));
        if (rest.isDone()) this.push(null);
        done();
      } catch (error) {
        done(error as Error);
      }
    },
    flush(done) {
      done(rest.isDone() ? null : new Error('the body is cut short'));
    },
  });
  if (rest.isDone()) gate.push(null);
  return gate;
}

interface Counter {
  /** How many bytes of the chunk are still of the body. */
  take(chunk: Buffer): number;
  isDone(): boolean;
}

function counted(length: number): Counter {
  let left = length;
  return {
    take: (chunk) => {
      const taken = Math.min(left, chunk.length);
      left -= taken;
      return taken;
    },
    isDone: () => left === 0,
  };
}

/** How each line may begin, byte by byte: a size, or nothing. */
const SIZE = /^[0-9a-fA-F]{1,8}(\r\n?)?$/;
const EMPTY = /^\r\n?$/;

/** RFC 9112 §7.1 without extensions and trailers, which nobody needs. */
function chunked(): Counter {
  let line = '';
  let left = 0;
  let state: 'size' | 'data' | 'after data' | 'end' | 'done' = 'size';
  const read = (byte: number): void => {
    line += String.fromCharCode(byte);
    if (!(state === 'size' ? SIZE : EMPTY).test(line)) throw new Error('not a chunk');
    if (!line.endsWith('\n')) return;
    if (state === 'size') left = Number.parseInt(line, 16);
    if (state === 'size') state = left === 0 ? 'end' : 'data';
    else state = state === 'end' ? 'done' : 'size';
    line = '';
  };
  return {
    take: (chunk) => {
      let at = 0;
      while (at < chunk.length && state !== 'done') {
        if (state !== 'data') read(chunk[at++] ?? 0);
        else {
          const taken = Math.min(left, chunk.length - at);
          left -= taken;
          at += taken;
          if (left === 0) state = 'after data';
        }
      }
      return at;
    },
    isDone: () => state === 'done',
  };
}
