/** What a restricted container reaches of an internet that writes down all that arrives: nothing but by its proxy. */
import { readFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { openBridges } from '../support/firewall.ts';
import { internet, INTERNET, type Internet } from '../support/internet.ts';
import { makeWorld, repoId, type World } from '../support/para.ts';

let net: Internet;
let service: Server;
let port: number;
let reachedHost = 0;
beforeAll(async () => {
  net = await internet();
  service = createServer((socket) => {
    reachedHost += 1;
    socket.on('error', () => undefined);
    socket.end('the host\n');
  });
  await new Promise<void>((resolve) => service.listen(0, '0.0.0.0', resolve));
  port = (service.address() as { port: number }).port;
});
afterAll(() => {
  service.close();
  net.down();
});

/** A line that says what came back; each probe has two seconds. */
const tcp = (address: string, at: number | string): string =>
  `echo "tcp ${address}:${String(at)} $(echo x | timeout 2 nc -w 2 ${address} ${String(at)} 2>/dev/null | head -c 40)"`;

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  let closeBridges: () => void;
  const addressOf = (session: string): string => {
    const file = join(repo, '.para/state/docker', session, 'proxy/rules.json');
    const rules = JSON.parse(readFileSync(file, 'utf8')) as { listen: { address: string } };
    return rules.listen.address;
  };
  const next = (address: string, by: number): string =>
    address.replace(/\d+$/, (last) => String(Number(last) + by));
  const inside = async (session: string, script: string): Promise<string> => {
    const ended = await world.para(repo, ['docker', 'exec', session, '--', 'sh', '-c', script]);
    return ended.stdout;
  };

  beforeAll(async () => {
    closeBridges = openBridges(engine, '10.213.0.0/16');
    world = makeWorld(engine);
    repo = await world.repo();
    const allowed = [`${INTERNET.allowed}:443`, `${INTERNET.allowed}:80`];
    for (const session of ['a', 'b']) {
      const flags = allowed.flatMap((entry) => ['--allow-domain', entry]);
      const args = [
        'start',
        session,
        '--docker',
        '--image',
        testImages().busybox,
        '--port',
        '8080',
        ...flags,
      ];
      const { code, stderr } = await world.para(repo, args);
      if (code !== 0) throw new Error(stderr);
    }
    net.arrived();
  }, 90_000);
  afterAll(async () => {
    closeBridges();
    await world.remove();
  });

  test('an allowed host, by CONNECT and by plain HTTP', async () => {
    const proxy = 'nc -w 5 para-proxy 3128';
    const connect = `printf 'CONNECT ${INTERNET.allowed}:443 HTTP/1.1\\r\\nHost: ${INTERNET.allowed}:443\\r\\n\\r\\nGET / HTTP/1.1\\r\\n\\r\\n' | ${proxy}`;
    expect(await inside('a', connect)).toMatch(/^HTTP\/1\.1 200 [\s\S]*hello\n$/);
    const plain = `printf 'GET http://${INTERNET.allowed}/ HTTP/1.1\\r\\nHost: ${INTERNET.allowed}\\r\\n\\r\\n' | ${proxy}`;
    expect(await inside('a', plain)).toMatch(/hello\n$/);
    expect(net.arrived()).toEqual([`tcp ${INTERNET.allowed}:443`, `tcp ${INTERNET.allowed}:80`]);
  });

  test('nothing else: no packet, no name, not the host, not the neighbour', async () => {
    const own = addressOf('a');
    const neighbour = addressOf('b');
    const gateway = own.replace(/\d+$/, (last) => String(Math.floor(Number(last) / 16) * 16 + 1));
    const hosts = Object.values(networkInterfaces())
      .flatMap((all) => all ?? [])
      .filter(({ family, internal }) => family === 'IPv4' && !internal)
      .map(({ address }) => address);
    const name = `leak-${repoId(repo)}.evil.test`;
    const probes = [
      // Past the proxy, TCP, UDP and ICMP.
      ...[443, 80].flatMap((at) => [tcp(INTERNET.allowed, at), tcp(INTERNET.evil, at)]),
      `echo x | timeout 2 nc -u -w 1 ${INTERNET.evil} 9999; echo "udp"`,
      `echo "icmp $(timeout 2 ping -c 1 -W 1 ${INTERNET.evil} | grep -c 'bytes from')"`,
      // The host, by the network's gateway, by each of its own addresses, and where clouds keep what they know of it.
      tcp(gateway, port),
      ...hosts.slice(0, 12).map((address) => tcp(address, port)),
      tcp('169.254.169.254', 80),
      // Names: by its own resolver, by the gateway, straight, and by TCP.
      `echo "names $(timeout 3 nslookup own-${name} 2>&1 | grep -c NXDOMAIN)"`,
      ...[gateway, INTERNET.allowed, INTERNET.evil].map(
        (at) => `timeout 3 nslookup to-${name} ${at} >/dev/null 2>&1; echo names`,
      ),
      tcp(INTERNET.allowed, 53),
      // The neighbour: its container, its proxy, what it publishes, and by way of the own proxy.
      ...[8080, 3128].flatMap((at) => [tcp(neighbour, at), tcp(next(neighbour, 1), at)]),
      ...[
        `${next(neighbour, 1)}:8080`,
        `${INTERNET.evil}:443`,
        `${INTERNET.allowed}:8443`,
        `127.0.0.1:8080`,
      ].map(
        (target) =>
          `printf 'CONNECT ${target} HTTP/1.1\\r\\nHost: ${target}\\r\\n\\r\\n' | nc -w 3 para-proxy 3128 | head -n 1`,
      ),
    ];
    const before = reachedHost;
    const said = (await inside('a', probes.map((probe) => `(${probe}) &`).join('\n') + '\nwait')).split('\n');
    const refused = said.filter((line) => line.startsWith('HTTP/1.1 '));
    expect(refused).toHaveLength(4);
    for (const line of refused) expect(line).toMatch(/^HTTP\/1\.1 403 /);
    expect(said.filter((line) => /^tcp \S+ \S/.test(line))).toEqual([]);
    expect(said).toContain('icmp 0');
    expect(said).toContain('names 0');
    await sleep(200);
    expect(net.arrived()).toEqual([]);
    expect(reachedHost).toBe(before);
  }, 60_000);

  test('what is tried at each start finds a network open that is', async () => {
    const label = ['--label', `para.repo=${repoId(repo)}`];
    const name = `para-test-open-${repoId(repo)}`;
    await world.engine('network', 'create', ...label, name);
    const box = `para-${repoId(repo)}-a`;
    const image = await world.engine('inspect', '--format', '{{.Config.Image}}', `${box}--proxy`);
    const proxy = { address: '127.0.0.1', port: 1 };
    const trial = { tcp: [[INTERNET.evil, 443]], resolvers: [INTERNET.allowed], proxy, waitMs: 1_000 };
    const files = `${join(repo, '.para/state/docker/a/proxy')}:/run/para/proxy:ro`;
    await world.engine(
      ...['run', '-d', '--init', '--name', name, '--network', name, '--dns', INTERNET.allowed, ...label],
      ...['-v', files, '--entrypoint', '/para/node', image, '/run/para/proxy/check.cjs'],
    );
    const check = ['/para/node', '/run/para/proxy/check.cjs', JSON.stringify(trial)];
    const { open } = JSON.parse(await world.engine('exec', name, ...check)) as { open: readonly string[] };
    expect(open).toContain(`tcp ${INTERNET.evil}:443`);
    expect(open).toContain(`dns ${INTERNET.allowed}`);
    expect(open.some((what) => what.startsWith('neighbour '))).toBe(true);
    expect(net.arrived()).toContain('dns self-test.para.invalid');
  }, 60_000);
});
