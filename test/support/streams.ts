/** A stream that remembers what was written to it. */
import { Writable } from 'node:stream';

export interface FakeStream extends NodeJS.WriteStream {
  readonly text: () => string;
}

/** `tty`: says it is a terminal of 80 columns. */
export function fakeStream(tty = false): FakeStream {
  let written = '';
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      written += chunk.toString('utf8');
      done();
    },
  });
  const extra = { isTTY: tty, columns: 80, rows: 24, text: () => written, hasColors: () => false };
  return Object.assign(stream, extra) as unknown as FakeStream;
}
