import { createSocket, type Socket } from 'node:dgram';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from '@jest/globals';
import { find, type Trial } from '../../src/proxy/check.ts';

/** On loopback everything answers, and nobody is a neighbour: each thing that is open is told, and nothing else. */
describe('trying a network', () => {
  const NOWHERE = { resolvConf: '/dev/null', addresses: '/dev/null' };
  const open: (Server | Socket)[] = [];
  afterEach(() => {
    for (const one of open.splice(0)) one.close();
  });
  const listen = async (answer: string): Promise<number> => {
    const server = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => socket.end(answer));
    });
    open.push(server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return (server.address() as { port: number }).port;
  };
  const proxyOf = async (status: string): Promise<Trial['proxy']> => ({
    address: '127.0.0.1',
    port: await listen(`HTTP/1.1 ${status}\r\n\r\n`),
  });
  const nothing = { tcp: [], resolvers: [], waitMs: 50 } as const;

  test('who accepts, and who refuses, was reached', async () => {
    const port = await listen('');
    const tcp = [
      ['127.0.0.1', port],
      ['127.0.0.1', 1],
    ] as const;
    const found = await find({ ...nothing, tcp, proxy: await proxyOf('403 Forbidden') }, NOWHERE);
    expect(found.proxy).toBe('HTTP/1.1 403 Forbidden');
    expect(found.open).toEqual(expect.arrayContaining([`tcp 127.0.0.1:${String(port)}`, 'tcp 127.0.0.1:1']));
  });

  test.each([
    ['that there is no such name', 0x83, true],
    ['an answer', 0x80, true],
    ['that it can ask nobody', 0x82, false],
    ['that it will not', 0x85, false],
  ])('a resolver that says %s', async (_, flags, isOpen) => {
    const resolver = createSocket('udp4');
    open.push(resolver);
    resolver.on('message', (question, from) => {
      const answer = Buffer.from(question);
      answer[3] = flags;
      resolver.send(answer, from.port, from.address);
    });
    const bound = await new Promise<boolean>((resolve) => {
      resolver.once('error', () => {
        resolve(false);
      });
      resolver.bind(53, '127.0.0.57', () => {
        resolve(true);
      });
    });
    // Port 53 is root's; the end-to-end tests have resolvers of their own.
    if (!bound) {
      open.pop();
      return;
    }
    const proxy = await proxyOf('403 Forbidden');
    const found = await find({ ...nothing, resolvers: ['127.0.0.57'], waitMs: 500, proxy }, NOWHERE);
    expect(found.open.includes('dns 127.0.0.57')).toBe(isOpen);
  });

  test('any address of IPv6 is told, but of loopback', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'para-check-'));
    const addresses = join(dir, 'if_inet6');
    const rows = [
      '00000000000000000000000000000001 01 80 10 80       lo',
      'fe800000000000001234567890abcdef 02 40 20 80     eth0',
    ];
    writeFileSync(addresses, `${rows.join('\n')}\n`);
    const proxy = await proxyOf('403 Forbidden');
    const { open: told } = await find({ ...nothing, proxy }, { ...NOWHERE, addresses });
    rmSync(dir, { recursive: true });
    expect(told.filter((what) => what.startsWith('ipv6 '))).toEqual([
      'ipv6 fe80::1234:5678:90ab:cdef of eth0',
    ]);
  });

  test('what the proxy says is told as it is', async () => {
    const said = async (status: string): Promise<string> =>
      (await find({ ...nothing, proxy: await proxyOf(status) }, NOWHERE)).proxy;
    expect(await said('200 OK')).toBe('HTTP/1.1 200 OK');
  });
});
