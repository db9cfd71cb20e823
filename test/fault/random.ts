/** Numbers that look random and come again with their seed. */

/** Of this run; a test that fails prints it, and PARA_FAULT_SEED takes it again. */
export const SEED = Number(process.env['PARA_FAULT_SEED'] ?? Math.floor(Date.now() / 1000));

/** mulberry32: from 0 to 1. */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
