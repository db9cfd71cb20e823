/**
 * What a restricted container reaches of an internet that writes down all that arrives, on a machine that asks somebody
 * outside for names and on one that asks itself: nothing but by its proxy, and what is not allowed is not even looked up.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages, type TestEngine } from '../support/engines.ts';
import { INTERNET, machine, NAME, type Machine, type ResolverKind } from '../support/machine.ts';
import { makeWorld, repoId, type World } from '../support/para.ts';

/** What a probe knows of the place that it is in. */
interface Place {
  readonly gateway: string;
  /** The machine's own addresses. */
  readonly machine: readonly string[];
  /** The other session's container, and its proxy. */
  readonly neighbour: readonly [container: string, proxy: string];
  /** In every name that is asked for. */
  readonly mark: string;
}

/** Shell commands that run at once; each prints what it has got, which is to be nothing. */
interface Probe {
  readonly what: string;
  readonly tries: (at: Place) => readonly string[];
}

const tcp = (address: string, ...ports: readonly number[]): readonly string[] =>
  ports.map((port) => `echo x | timeout 2 nc -w 2 ${address} ${String(port)} | head -c 40`);
/** Any answer is one, even that there is no such name. */
const dns = (name: string, server = ''): string =>
  `timeout 3 nslookup ${name} ${server} | grep -E 'NXDOMAIN|No answer|Name:'`;

const PROBES: readonly Probe[] = [
  {
    what: 'TCP past the proxy',
    tries: () => [INTERNET.named, INTERNET.listed, INTERNET.evil].flatMap((at) => tcp(at, 22, 80, 443)),
  },
  { what: 'UDP', tries: () => [`timeout 2 tftp -g -r x -l /tmp/x ${INTERNET.evil} 9999`] },
  { what: 'ICMP', tries: () => [`timeout 2 ping -c 1 -W 1 ${INTERNET.evil} | grep 'bytes from'`] },
  { what: 'the machine by the gateway of the network', tries: ({ gateway }) => tcp(gateway, 22, 80) },
  {
    what: 'the machine by each of its addresses',
    tries: (at) => at.machine.flatMap((address) => tcp(address, 80)),
  },
  { what: 'where clouds keep what they know', tries: () => tcp('169.254.169.254', 80) },
  {
    what: 'a name, by the resolver that it has',
    tries: ({ mark }) => [dns(`own-${mark}.evil.test`), dns(NAME)],
  },
  {
    what: 'a name, by any other',
    tries: ({ gateway, mark, machine: [own = ''] }) => [
      ...[gateway, own, INTERNET.resolver, INTERNET.evil].map((at) => dns(`to-${mark}.evil.test`, at)),
      ...tcp(INTERNET.resolver, 53),
    ],
  },
  {
    what: 'the neighbour and its proxy',
    tries: ({ neighbour }) => neighbour.flatMap((at) => tcp(at, 8080, 3128)),
  },
];

/** What the proxy answers to these lines. */
const toProxy = (...lines: readonly string[]): string =>
  `printf '${[...lines, '', ''].join('\\r\\n')}' | nc -w 5 para-proxy 3128`;

/** All of them as one script: lines of `NUMBER what it got`, and `NUMBER .` for each try that was made. */
const script = (at: Place): string =>
  `${PROBES.flatMap(({ tries }, nth) =>
    tries(at).map((one) => `(${one}; echo .) 2>/dev/null | sed 's/^/${String(nth)} /' &`),
  ).join('\n')}\nwait`;

/** By probe: what its tries got. */
function read(said: string, at: Place): readonly (readonly string[])[] {
  return PROBES.map(({ tries }, nth) => {
    const own = said
      .split('\n')
      .flatMap((line) => (line.startsWith(`${String(nth)} `) ? [line.slice(2)] : []));
    expect(own.filter((line) => line.endsWith('.'))).toHaveLength(tries(at).length);
    return own.map((line) => line.replace(/\.$/, '')).filter((line) => line !== '');
  });
}

let here: Machine;
beforeAll(async () => {
  here = await machine();
}, 60_000);
afterAll(() => here.down());

const where = testEngines().flatMap(({ id }) =>
  (['outside', 'loopback'] as const).map((kind) => [id, kind] as const),
);

describe.each(where)('on %s, names from %s', (id: TestEngine['id'], kind: ResolverKind) => {
  let engine: TestEngine;
  let world: World;
  let repo: string;
  let place: Place;
  let got: readonly (readonly string[])[];
  let arrived: readonly string[];
  const addressOf = (session: string): string => {
    const file = join(repo, '.para/state/docker', session, 'proxy/rules.json');
    const rules = JSON.parse(readFileSync(file, 'utf8')) as { listen: { address: string } };
    return rules.listen.address;
  };
  const plus = (address: string, by: number): string =>
    address.replace(/\d+$/, (last) => String(Number(last) + by));
  const inside = async (text: string): Promise<string> =>
    (await world.para(repo, ['docker', 'exec', 'a', '--', 'sh', '-c', text])).stdout;
  const start = async (session: string): Promise<void> => {
    const allowed = [NAME, INTERNET.listed].flatMap((host) =>
      [80, 443].flatMap((port) => ['--allow-domain', `${host}:${String(port)}`]),
    );
    const image = ['--docker', '--image', testImages().busybox, '--port', '8080'];
    const { code, stderr } = await world.para(repo, ['start', session, ...image, ...allowed]);
    if (code !== 0) throw new Error(stderr);
  };

  beforeAll(async () => {
    const found = here.engines.find((one) => one.id === id);
    if (found === undefined) throw new Error(`there is no ${id}`);
    engine = found;
    here.resolveBy(kind);
    here.arrived();
    world = makeWorld(engine);
    repo = await world.repo();
    await Promise.all(['a', 'b'].map(start));
    const [own, other] = [addressOf('a'), addressOf('b')];
    place = {
      gateway: own.replace(/\d+$/, (last) => String(Math.floor(Number(last) / 16) * 16 + 1)),
      machine: here.addresses(),
      neighbour: [other, plus(other, 1)],
      mark: `${id}-${kind}`,
    };
    got = read(await inside(script(place)), place);
    await sleep(200);
    // Of both starts as well.
    arrived = here.arrived();
  }, 90_000);
  afterAll(() => world.remove());

  test.each(PROBES.map(({ what }, nth) => [what, nth] as const))('%s: nothing', (_what, nth) => {
    expect(got[nth]).toEqual([]);
  });

  test('nothing has arrived anywhere, and no name was asked for', () => {
    expect(arrived).toEqual([]);
  });

  test('what is not allowed is refused by its proxy, unseen by anybody', async () => {
    const targets = [
      ...[`${place.neighbour[1]}:8080`, `${INTERNET.evil}:443`, `${INTERNET.listed}:8443`, '127.0.0.1:8080'],
      ...[`${NAME}:8443`, `to-${place.mark}.evil.test:443`, `${place.machine[0] ?? ''}:80`],
    ];
    const asked = targets.map(
      (target) => `${toProxy(`CONNECT ${target} HTTP/1.1`, `Host: ${target}`)} | head -n 1`,
    );
    const said = await inside(asked.join(' &\n') + ' &\nwait');
    expect(said).toMatch(new RegExp(`^(HTTP/1\\.1 403 .*\\s+){${String(targets.length)}}$`));
    expect(here.arrived()).toEqual([]);
  });

  test('an allowed name and an allowed address, by CONNECT and by plain HTTP', async () => {
    for (const [host, address] of [
      [NAME, INTERNET.named],
      [INTERNET.listed, INTERNET.listed],
    ] as const) {
      const tunnel = await inside(
        toProxy(`CONNECT ${host}:443 HTTP/1.1`, `Host: ${host}:443`, '', 'GET / HTTP/1.1'),
      );
      expect(tunnel).toMatch(/^HTTP\/1\.1 200 [\s\S]*hello\n$/);
      expect(await inside(toProxy(`GET http://${host}/ HTTP/1.1`, `Host: ${host}`))).toMatch(/hello\n$/);
      const seen = here.arrived();
      expect(seen.filter((what) => what.includes(' tcp '))).toEqual(
        [443, 80].map((port) => `internet tcp ${address}:${String(port)}`),
      );
      // The machine's resolver was asked, and for nothing else.
      const names = new Set(seen.filter((what) => what.includes(' dns ')));
      const asked = `${kind === 'outside' ? 'internet' : 'machine'} dns ${NAME}`;
      expect([...names]).toEqual(host === NAME ? [asked] : []);
    }
  });

  test('the same probes, and what is tried at each start, find a network open that is', async () => {
    const label = ['--label', `para.repo=${repoId(repo)}`];
    const name = `para-test-open-${repoId(repo)}`;
    await world.engine('network', 'create', ...label, name);
    const proxy = `para-${repoId(repo)}-a--proxy`;
    const image = await world.engine('inspect', '--format', '{{.Config.Image}}', proxy);
    const trial = {
      tcp: [[INTERNET.evil, 443]],
      resolvers: [INTERNET.resolver],
      proxy: { address: '127.0.0.1', port: 1 },
      waitMs: 1_000,
    };
    const files = `${join(repo, '.para/state/docker/a/proxy')}:/run/para/proxy:ro`;
    const [node, program] = ['/para/node', '/run/para/proxy/check.cjs'];
    // podman 4.3 takes 20 seconds to tell that one has ended which it was attached to.
    const open = ['run', '-d', '--init', '--stop-timeout', '0', '--network', name, ...label];
    const ipv6 = ['--sysctl', 'net.ipv6.conf.all.disable_ipv6=0'];
    const [checking, probing] = await Promise.all([
      world.engine(...open, ...ipv6, '-v', files, '--entrypoint', node, image, program),
      world.engine(...open, testImages().busybox, 'sleep', '60'),
    ]);
    const [found, said] = await Promise.all([
      world.engine('exec', checking, node, program, JSON.stringify(trial)),
      world.engine('exec', probing, 'sh', '-c', script(place)),
    ]);
    const finding = (JSON.parse(found) as { open: readonly string[] }).open;
    expect(finding).toContain(`tcp ${INTERNET.evil}:443`);
    expect(finding).toContain(`dns ${INTERNET.resolver}`);
    expect(finding.some((what) => what.startsWith('neighbour '))).toBe(true);
    expect(finding.some((what) => /^ipv6 fe80:\S+ of eth0$/.test(what))).toBe(true);
    // Nothing answers to UDP, slirp4netns to no echo, and no network of an engine leads to another one's containers.
    const blind = PROBES.filter((_, nth) => read(said, place)[nth]?.length === 0).map(({ what }) => what);
    expect(blind).toEqual(['UDP', ...(id === 'rootless' ? ['ICMP'] : []), 'the neighbour and its proxy']);
    const seen = here.arrived();
    expect(seen).toContain('internet udp 9999');
    expect(seen).toContain(`${kind === 'outside' ? 'internet' : 'machine'} dns own-${place.mark}.evil.test`);
  }, 60_000);
});
