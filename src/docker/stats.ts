/** The words of `stats`, which both engines print for people: "2.004MiB / 64MiB", "0.86%", "1m2.5s", "--". */
import type { UsageSample } from './driver.ts';
import type { Reader } from './parse.ts';

/** docker writes memory in powers of 1024 and the rest in powers of 1000, podman all in powers of 1000 (engines.md §3). */
const UNITS: Readonly<Record<string, number>> = {
  ...{ B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12, PB: 1e15 },
  ...{ KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, PiB: 2 ** 50 },
};

/** "--" and "N/A" stand for what is not known. */
const isUnknown = (text: string): boolean => /^(--|N\/A|)$/.test(text.trim());

/** Both halves of "a / b", in bytes. */
function amounts(row: Reader, key: string): readonly [number | undefined, number | undefined] {
  const text = row.text(key);
  if (isUnknown(text)) return [undefined, undefined];
  const [first, second, more] = text.split('/').map((part) => part.trim());
  if (first === undefined || second === undefined || more !== undefined)
    throw row.fail(`field ${key} is no pair of amounts`);
  return [bytes(row, key, first), bytes(row, key, second)];
}

function bytes(row: Reader, key: string, text: string): number | undefined {
  if (isUnknown(text)) return undefined;
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?(?:e[+-]?\d+)?)([A-Za-z]+)$/.exec(text) ?? [];
  const size = Object.hasOwn(UNITS, unit) ? UNITS[unit] : undefined;
  if (count === undefined || size === undefined) throw row.fail(`field ${key} is no amount`);
  return Math.round(Number(count) * size);
}

/** "0.86%". */
export function percent(row: Reader, key: string): number | undefined {
  const text = row.text(key);
  if (isUnknown(text)) return undefined;
  const [, count] = /^(\d+(?:\.\d+)?)%$/.exec(text) ?? [];
  if (count === undefined) throw row.fail(`field ${key} is no percentage`);
  return Number(count);
}

/** A whole number that is printed as a text. */
export function count(row: Reader, key: string): number | undefined {
  const text = row.text(key);
  if (isUnknown(text)) return undefined;
  if (!/^\d+$/.test(text)) throw row.fail(`field ${key} is no number`);
  return Number(text);
}

const NANOS: Readonly<Record<string, number>> = {
  h: 3.6e12,
  m: 6e10,
  s: 1e9,
  ms: 1e6,
  µs: 1e3,
  us: 1e3,
  ns: 1,
};

/** A duration as Go writes it, such as "466.962195ms" or "1h2m3.5s". */
export function nanos(row: Reader, key: string): number | undefined {
  const text = row.text(key);
  if (isUnknown(text)) return undefined;
  if (!/^(\d+(\.\d+)?(h|m|s|ms|µs|us|ns))+$/.test(text)) throw row.fail(`field ${key} is no duration`);
  return [...text.matchAll(/(\d+(?:\.\d+)?)(h|ms|m|s|µs|us|ns)/g)].reduce(
    (sum, [, number = '', unit = '']) => sum + Number(number) * (NANOS[unit] ?? 0),
    0,
  );
}

/** Keys of the three that are pairs. */
export function pairs(
  row: Reader,
  keys: { readonly memory: string; readonly net: string; readonly block: string },
): Pick<
  UsageSample,
  'memoryBytes' | 'memoryLimitBytes' | 'netRxBytes' | 'netTxBytes' | 'blockReadBytes' | 'blockWriteBytes'
> {
  const [memoryBytes, memoryLimitBytes] = amounts(row, keys.memory);
  const [netRxBytes, netTxBytes] = amounts(row, keys.net);
  const [blockReadBytes, blockWriteBytes] = amounts(row, keys.block);
  return { memoryBytes, memoryLimitBytes, netRxBytes, netTxBytes, blockReadBytes, blockWriteBytes };
}
