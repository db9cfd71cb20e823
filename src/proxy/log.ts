/** What was asked of the proxy, one JSON line each, at a rate that fills no disk. */

/** What is told of one request; a host only in its canonical text, all else in words of ours. */
export interface Told {
  readonly verdict: 'allowed' | 'denied' | 'failed';
  readonly method?: string | undefined;
  readonly host?: string | undefined;
  readonly port?: number | undefined;
  readonly reason?: string | undefined;
  /** Bytes from the box, and to it. */
  readonly sent?: number;
  readonly received?: number;
}

/** Lines at once, and lines a second in the long run: half a kilobyte a second, 40 MB a day at worst. */
const BURST = 200;
const PER_SECOND = 2;

/** Where requests are told. */
export interface RequestLog {
  request(told: Told): void;
  /** What became of the proxy itself; never left out. */
  event(event: string, facts?: Readonly<Record<string, unknown>>): void;
}

/** Writes through `write`; `now` in milliseconds. What is left out is counted, and told with the next line. */
export function createLog(write: (line: string) => void, now: () => number): RequestLog {
  let tokens = BURST;
  let filled = now();
  let left = 0;
  const line = (facts: object): void => {
    write(`${JSON.stringify({ schema: 1, time: new Date(now()).toISOString(), ...facts })}\n`);
  };
  return {
    request: (told) => {
      const time = now();
      tokens = Math.min(BURST, tokens + ((time - filled) / 1000) * PER_SECOND);
      filled = time;
      if (tokens < 1) {
        left += 1;
        return;
      }
      tokens -= 1;
      if (left > 0) line({ verdict: 'more', count: left });
      left = 0;
      line(told);
    },
    event: (event, facts = {}) => {
      line({ event, ...facts });
    },
  };
}
