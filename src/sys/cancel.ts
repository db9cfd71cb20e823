import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';

/**
 * Who may interrupt what. Normal work hangs on the user's Ctrl-C; undoing hangs on a deadline of its own,
 * never on the signal that was already raised (facts/style.md §3.7).
 */
export interface Cancellation {
  /** The signal that work started now has to obey. */
  current: () => AbortSignal;
  /** True once the user asked to stop. */
  readonly requested: boolean;
  /** Asks everything that is not shielded to stop. `signalNumber` becomes part of the exit code. */
  request(signalNumber: number): void;
  /** 2 for SIGINT and so on; 0 when nothing was asked. */
  readonly signalNumber: number;
  /** Runs `work` while another program has the terminal: a Ctrl-C typed there is for that program. */
  lend<T>(work: () => Promise<T>): Promise<T>;
  /** Runs `work` under a fresh deadline in milliseconds instead of the user's signal. */
  shield<T>(deadlineMs: number, work: () => Promise<T>): Promise<T>;
}

const SIGINT = 2;
/** Shorter than anybody types two things. */
const LATE_MS = 30;

/** Makes the one cancellation of this process. */
export function createCancellation(): Cancellation {
  const user = new AbortController();
  // Every process that runs listens, and how many there are is no sign of a leak.
  setMaxListeners(0, user.signal);
  let shielded: AbortSignal | undefined;
  let signalNumber = 0;
  let isLent = false;
  return {
    current: () => shielded ?? user.signal,
    get requested() {
      return user.signal.aborted;
    },
    get signalNumber() {
      return signalNumber;
    },
    request(number) {
      if (isLent && number === SIGINT) return;
      signalNumber = number;
      user.abort();
    },
    async lend(work) {
      isLent = true;
      try {
        return await work();
      } finally {
        // A signal may come by another thread than the word of the end that it caused, and later.
        await sleep(LATE_MS);
        isLent = false;
      }
    },
    async shield(deadlineMs, work) {
      const outer = shielded;
      shielded = AbortSignal.timeout(deadlineMs);
      try {
        return await work();
      } finally {
        shielded = outer;
      }
    },
  };
}
