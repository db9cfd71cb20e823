/** How long to rest between two rounds of work that goes on for ever. */

/** A round that took `n` ms of CPU is followed by at least 50 times that: about two hundredths of a core. */
const REST = 50;
const MOST_MS = 15_000;

/** Measures one round; @returns the milliseconds to rest after it, `leastMs` or more where it took much. */
export function startRound(leastMs: number): () => number {
  const before = process.cpuUsage();
  return () => {
    const { user, system } = process.cpuUsage(before);
    return Math.max(leastMs, Math.min(MOST_MS, (REST * (user + system)) / 1000));
  };
}
