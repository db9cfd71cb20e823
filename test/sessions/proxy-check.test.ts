import { describe, expect, test } from '@jest/globals';
import { judge, trialOf } from '../../src/sessions/proxy-check.ts';

const place = { proxy: '10.213.7.18', address: '10.213.7.19' };
const subnet = '10.213.7.16/28';

describe('what is tried', () => {
  test('the gateway, the host by all its addresses, and what is beyond', async () => {
    const { tcp, resolvers, proxy } = await trialOf({ place, subnet, selfTest: true });
    expect(tcp).toContainEqual(['10.213.7.17', 22]);
    expect(tcp).toContainEqual(['198.51.100.1', 443]);
    expect(resolvers).toContain('10.213.7.17');
    expect(proxy).toEqual({ address: '10.213.7.18', port: 3128 });
    expect(tcp.some(([address]) => address.startsWith('127.') || address === place.proxy)).toBe(false);
  });

  test('without the self-test only whether the proxy is at work', async () => {
    expect(await trialOf({ place, subnet, selfTest: false })).toMatchObject({ tcp: [], resolvers: [] });
  });
});

describe('what is made of it', () => {
  const of = (said: object | string, selfTest = true): Promise<void> =>
    judge(typeof said === 'string' ? said : JSON.stringify(said), { session: 's', subnet, selfTest });
  const REFUSED = 'HTTP/1.1 403 Forbidden';

  test('closed, and the proxy refuses: all is well', async () => {
    await of({ open: [], proxy: REFUSED });
    await of({ open: ['tcp 10.0.0.1:22'], proxy: REFUSED }, false);
  });

  test.each<[string, object | string, RegExp]>([
    [
      'something is open',
      { open: ['dns 10.0.0.1'], proxy: REFUSED },
      /is not closed: it reaches dns 10\.0\.0\.1$/,
    ],
    [
      'much is open',
      { open: ['a', 'b', 'c', 'd', 'e'], proxy: REFUSED },
      /is not closed: it reaches a, b, c and 2 more$/,
    ],
    ['the proxy lets it pass', { open: [], proxy: 'HTTP/1.1 200 OK' }, /does not refuse what is not allowed/],
    ['the proxy is not there', { open: [], proxy: 'Error: no answer' }, /is not reached in its network/],
    ['nothing was tried', { proxy: REFUSED }, /is not reached in its network: the test ended/],
    ['it could not be run', '', /is not reached in its network: the test ended with ""/],
    ['it is cut off', '{"open":[', /is not reached in its network: the test ended/],
  ])('%s: no box', async (_, said, message) => {
    await expect(of(said)).rejects.toMatchObject({ code: 'NETWORK_NOT_CLOSED', exit: 7 });
    await expect(of(said)).rejects.toThrow(message);
  });

  test('the proxy counts without the self-test too', async () => {
    await expect(of({ open: [], proxy: 'HTTP/1.1 502 Bad' }, false)).rejects.toThrow(/does not refuse/);
  });
});
