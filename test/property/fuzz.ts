/**
 * Properties that hold for any input (P1 to P10). Each is tried on 2 000 inputs, with PARA_FUZZ=1 on 100 000. What a run
 * has found is written to fixtures/fuzz, to be committed, and is tried first from then on.
 */
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const RUNS = process.env['PARA_FUZZ'] === '1' ? 100_000 : 2_000;
const SEEDS = join(import.meta.dirname, '../../fixtures/fuzz');
/** Most that one input may cost. */
const MOST_CPU_MS = 1_000;
const MOST_MEMORY = 200 * 1024 * 1024;

interface Seed {
  readonly seed: number;
  readonly path: string;
}

/**
 * One property: its test prints how many inputs were tried, and what they cost. `holds` says whether the input was taken,
 * rather than refused: a property of what is refused alone says little.
 */
export function fuzz<T>(
  id: `P${number}`,
  what: string,
  inputs: fc.Arbitrary<T>,
  holds: (input: T) => boolean | Promise<boolean>,
): void {
  test(`${id}: ${what}`, async () => {
    let [slowest, taken] = [0, 0];
    const property = fc.asyncProperty(inputs, async (input) => {
      const before = process.cpuUsage();
      if (await holds(input)) taken += 1;
      const { user, system } = process.cpuUsage(before);
      slowest = Math.max(slowest, (user + system) / 1000);
    });
    for (const { seed, path } of readSeeds(id)) await run(id, property, { seed, path, numRuns: 1 });
    const [started, memory] = [performance.now(), liveMemory()];
    await run(id, property, { numRuns: RUNS });
    const grown = liveMemory() - memory;
    const seconds = ((performance.now() - started) / 1000).toFixed(1);
    process.stderr.write(
      `${id.padEnd(4)}${what.padEnd(64)}${String(RUNS).padStart(7)} inputs ${String(taken).padStart(7)} taken ${seconds.padStart(6)} s, slowest ${slowest.toFixed(0).padStart(4)} ms, memory ${(grown / 1024 ** 2).toFixed(0).padStart(4)} MiB\n`,
    );
    expect(taken).toBeGreaterThan(RUNS / 20);
    expect(slowest).toBeLessThan(MOST_CPU_MS);
    expect(grown).toBeLessThan(MOST_MEMORY);
  }, 3_600_000);
}

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes that are still held once all that nobody holds is gone. */
function liveMemory(): number {
  collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function run<T>(
  id: string,
  property: fc.IAsyncProperty<[T]>,
  parameters: fc.Parameters<[T]>,
): Promise<void> {
  const found = await fc.check(property, parameters);
  if (!found.failed) return;
  const { seed, counterexamplePath: path } = found;
  if (path !== null) keepSeed(id, { seed, path });
  throw new Error(await fc.asyncDefaultReportMessage(found));
}

function readSeeds(id: string): readonly Seed[] {
  const file = join(SEEDS, `${id}.json`);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Seed[]) : [];
}

function keepSeed(id: string, seed: Seed): void {
  const known = readSeeds(id);
  if (known.some((one) => one.seed === seed.seed && one.path === seed.path)) return;
  mkdirSync(SEEDS, { recursive: true });
  writeFileSync(join(SEEDS, `${id}.json`), `${JSON.stringify([...known, seed], undefined, 2)}\n`);
}
