import { describe, expect, test } from '@jest/globals';
import { addressIn, subnetsOf } from '../../src/docker/subnet.ts';

describe('subnets of a pool', () => {
  test('each comes up once, all are in the pool, and the order hangs on the seed', () => {
    const all = subnetsOf('10.213.0.0/16', 'a', 10_000);
    expect(all).toHaveLength(4096);
    expect(new Set(all).size).toBe(4096);
    for (const subnet of all) expect(subnet).toMatch(/^10\.213\.\d{1,3}\.\d{1,3}\/28$/);
    expect(subnetsOf('10.213.0.0/16', 'a', 3)).toEqual(all.slice(0, 3));
    expect(subnetsOf('10.213.0.0/16', 'b', 3)).not.toEqual(all.slice(0, 3));
  });

  test('an address in the middle of the pool stands for the pool', () => {
    expect(subnetsOf('10.213.7.9/24', 'a', 16).every((one) => one.startsWith('10.213.7.'))).toBe(true);
    expect(subnetsOf('192.168.1.16/28', 'a', 5)).toEqual(['192.168.1.16/28']);
  });

  test.each(['', '10.0.0.0', '10.0.0.0/29', '10.0.0.0/7', '10.0.0.256/16', 'fd00::/16', '10.0.0.0/16 '])(
    '%j is no pool',
    (pool) => {
      expect(() => subnetsOf(pool, 'a', 1)).toThrow(/is not an IPv4 subnet/);
    },
  );

  test('addresses are counted from its beginning', () => {
    expect(addressIn('10.213.255.240/28', 1)).toBe('10.213.255.241');
    expect(addressIn('10.213.255.240/28', 14)).toBe('10.213.255.254');
  });
});
