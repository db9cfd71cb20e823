/**
 * What a restricted container reaches by its link alone: sent by a device of its own choice, past all routes, and by the
 * addresses of IPv6 that every link has. What is tried is shown to arrive as soon as the link is not shut.
 */
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages, type TestEngine } from '../support/engines.ts';
import { machine, NAME, type Machine } from '../support/machine.ts';
import { makeWorld, repoId, type Running, type World } from '../support/para.ts';

/** perl as it is here, with what it is linked with, in one directory: the small image has no program that binds to a device. */
const COPY = `mkdir "$1"; cp "$(readlink -f "$(command -v perl)")" "$1/perl"
for file in $(ldd "$1/perl" | grep -o '/[^ ]*'); do cp "$file" "$1/"; done; cp "$1"/ld*.so.* "$1/ld.so"; chmod -R a+rX "$1"`;

/**
 * SO_BROADCAST, SO_DONTROUTE (docker's route leads by a gateway that is not there), SO_BINDTODEVICE; to port 9998, each
 * address its own name. Prints how many went out.
 */
const SEND = `for my $to (@ARGV) { socket(S, 2, 2, 0); setsockopt(S, 1, $_, pack("i", 1)) or die "$!" for 6, 5;
setsockopt(S, 1, 25, "eth0\\0") or die "$!"; send(S, $to, 0, pack("S n C4 x8", 2, 9998, split(/\\./, $to))) and $n++ } print $n+0`;

/** To everybody on the link, and to a group that every host is in (RFC 1112). */
const MANY = ['255.255.255.255', '224.0.0.1'];

let here: Machine;
beforeAll(async () => {
  here = await machine();
}, 60_000);
afterAll(() => here.down());

describe.each(testEngines().map(({ id }) => [id] as const))('on %s', (id: TestEngine['id']) => {
  let world: World;
  let repo: string;
  let bridge: string;
  let targets: readonly string[];
  let listening: Running | undefined;
  const box = (): string => `para-${repoId(repo)}-s`;

  /** A script where the engine's bridges are. */
  const beside = (script: string): Promise<string> =>
    id === 'rootless'
      ? world.engine('unshare', '--rootless-netns', 'sh', '-ec', script)
      : world.out(['sh', '-ec', script]);
  const inside = async (text: string): Promise<string> =>
    (await world.para(repo, ['docker', 'exec', 's', '--', 'sh', '-c', text])).stdout;
  const para = async (...args: string[]): Promise<string> => {
    const { code, stdout, stderr } = await world.para(repo, args);
    if (code !== 0) throw new Error(`para ${args.join(' ')}: ${stderr}`);
    return stdout;
  };
  /** As a kernel has it where nobody has set anything. */
  const open = (): Promise<string> =>
    beside(`cd /proc/sys/net; for name in all ${bridge}; do echo 0 >ipv4/conf/$name/rp_filter
echo 0 >ipv4/conf/$name/arp_ignore; echo 0 >ipv6/conf/$name/disable_ipv6; done`);
  const send = (): Promise<string> =>
    inside(
      `cd /workspace/perl && ./ld.so --library-path . ./perl -e '${SEND}' ${[...targets, ...MANY].join(' ')}`,
    );
  /** All that has arrived, as soon as it is enough; or what there is after a while. */
  const arrived = async (isEnough: (all: readonly string[]) => boolean): Promise<readonly string[]> => {
    const all: string[] = [];
    for (let tries = 0; tries < 10; tries += 1) {
      all.push(...here.arrived());
      if (isEnough(all)) break;
      await sleep(100);
    }
    return all;
  };
  const verdict = async (): Promise<string | undefined> => {
    const { stdout } = await world.para(repo, ['doctor', '--session', 's', '--json']);
    const { checks } = JSON.parse(stdout) as { checks: { check: string; verdict: string }[] };
    return checks.find(({ check }) => check === 'this machine takes nothing from its network')?.verdict;
  };

  beforeAll(async () => {
    const engine = here.engines.find((one) => one.id === id);
    if (engine === undefined) throw new Error(`there is no ${id}`);
    world = makeWorld(engine);
    repo = await world.repo();
    await para('start', 's', '--docker', '--image', testImages().busybox, '--allow-domain', NAME);
    execFileSync('sh', ['-ec', COPY, 'sh', join(repo, '.para/worktrees/s/perl')]);
    const [network] = JSON.parse(await world.engine('network', 'inspect', box())) as [
      { Id: string; network_interface: string },
    ];
    bridge = id === 'docker' ? `br-${network.Id.slice(0, 12)}` : network.network_interface;
    const addresses = [...(await beside('ip -4 -o addr')).matchAll(/inet ([\d.]+)/g)];
    targets = addresses.map(([, address = '']) => address).filter((address) => !address.startsWith('127.'));
    here.arrived();
    if (id !== 'rootless') return;
    const command = ['podman', 'unshare', '--rootless-netns', ...here.listener('machine')];
    listening = world.start(command, { open: true });
    for (let tries = 0; tries < 20; tries += 1)
      if ((await arrived((all) => all.length > 0)).length > 0) break;
  }, 60_000);
  afterAll(async () => {
    listening?.child.stdin?.end();
    await listening?.ended;
    await world.remove();
  });

  test('the machine takes nothing that is sent by the device, and says that it has no such address', async () => {
    expect(targets.length).toBeGreaterThan(0);
    expect(await send()).toBe(String(targets.length + MANY.length));
    expect(await arrived((all) => all.length > 0)).toEqual([]);
    const known = await inside('cat /proc/net/arp');
    for (const address of targets) expect(known).not.toMatch(new RegExp(`^${address} +0x1 +0x2 `, 'm'));
    expect(await verdict()).toBe('held');
  });

  test('what was sent arrives where the bridge is open; a start shuts it again', async () => {
    await open();
    const all = [...targets, ...MANY].map((address) => `machine udp ${address}`);
    const seen = new Set<string>();
    // For a second or two the box remembers that nobody had the address.
    for (let tries = 0; tries < 20 && seen.size < all.length; tries += 1) {
      await send();
      for (const one of await arrived((some) => some.length === all.length)) seen.add(one);
    }
    expect([...seen].toSorted()).toEqual(all.toSorted());
    expect(await verdict()).toBe('not held');
    await para('docker', 'start', 's');
    expect(await verdict()).toBe('held');
    await send();
    expect(await arrived((seen) => seen.length > 0)).toEqual([]);
  });

  test('there is no IPv6 in the box, by which the machine would be reached on its link', async () => {
    await open();
    let link: string | undefined;
    for (let tries = 0; tries < 50 && link === undefined; tries += 1) {
      const found = await beside(`ip -6 -o addr show dev ${bridge} scope link -tentative`);
      link = /inet6 (fe80:[\da-f:]+)/.exec(found)?.[1];
      if (link === undefined) await sleep(100);
    }
    const ask = `echo x | timeout 2 nc -w 2 ${String(link)}%eth0 80 | tail -n 1`;
    expect(await inside(ask)).toBe('');
    expect(await inside('grep -v " lo$" /proc/net/if_inet6')).toBe('');
    expect(here.arrived()).toEqual([]);
    // A neighbour that has it. docker leaves it out by itself.
    const label = ['--label', `para.repo=${repoId(repo)}`];
    const on = ['--sysctl', 'net.ipv6.conf.all.disable_ipv6=0', '--network', box()];
    await world.engine(
      'run',
      '-d',
      '--init',
      ...label,
      ...on,
      '--name',
      `${box()}-x`,
      testImages().busybox,
      'sleep',
      '60',
    );
    let heard = '';
    // An address is its own only after nobody else on the link has claimed it (RFC 4862 §5.4): a second or two.
    for (let tries = 0; tries < 50 && heard === ''; tries += 1) {
      heard = await world.engine('exec', `${box()}-x`, 'sh', '-c', ask);
      if (heard === '') await sleep(200);
    }
    expect(heard).toBe('hello');
    await world.engine('rm', '-f', `${box()}-x`);
    await para('docker', 'start', 's');
  });
});
