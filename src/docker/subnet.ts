/** Small subnets out of a large one. IPv4 only. Pure. */
import { createHash } from 'node:crypto';
import { isIPv4 } from 'node:net';
import { ParaError } from '../errors.ts';

/** 14 addresses: the gateway that engines keep for themselves, a proxy, a container, and some to spare. */
const BITS = 28;
const SIZE = 2 ** (32 - BITS);

/**
 * At most `most` subnets of the pool, each once: another order for each `seed`, the same every time.
 * @throws CONFIG_INVALID when the pool is none, or smaller than one of them
 */
export function subnetsOf(pool: string, seed: string, most: number): readonly string[] {
  const { first, count } = readPool(pool);
  const hash = createHash('sha256').update(seed).digest();
  const start = hash.readUInt32BE(0) % count;
  // Odd, and the count is a power of two: so every one comes up.
  const stride = (hash.readUInt32BE(4) % count) | 1;
  return Array.from({ length: Math.min(most, count) }, (_, index) => {
    const nth = (start + index * stride) % count;
    return `${toText(first + nth * SIZE)}/${String(BITS)}`;
  });
}

/** The nth address of a subnet. */
export function addressIn(subnet: string, nth: number): string {
  return toText(toNumber(subnet.split('/')[0] ?? '') + nth);
}

function readPool(pool: string): { readonly first: number; readonly count: number } {
  const [, address = '', digits = ''] = /^([\d.]+)\/(\d{1,2})$/.exec(pool) ?? [];
  const bits = Number(digits);
  if (!isIPv4(address) || digits === '' || bits < 8 || bits > BITS)
    throw new ParaError(
      'CONFIG_INVALID',
      `${JSON.stringify(pool)} is not an IPv4 subnet from /8 to /${String(BITS)}`,
      {
        hint: 'For example: 10.213.0.0/16',
      },
    );
  const size = 2 ** (32 - bits);
  return { first: Math.floor(toNumber(address) / size) * size, count: size / SIZE };
}

function toNumber(address: string): number {
  return address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
}

function toText(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}
