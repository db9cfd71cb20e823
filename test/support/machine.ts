/**
 * A machine of a test's own, in namespaces: its network, its engines, its resolver, and an internet behind it. What
 * arrives there, or at the machine itself, is written down; nothing of it reaches the real one. Needs root.
 */
import { execFileSync, spawn, type ChildProcessWithoutNullStreams } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, cpSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { benchDir, testEngines, type TestEngine } from './engines.ts';

/** Of the internet, which has all other addresses as well. */
export const INTERNET = {
  /** The proxy dials no address that is given out to nobody: this one is of a sinkhole (RFC 7535). */
  named: '192.31.196.1',
  listed: '198.51.100.1',
  evil: '198.51.100.2',
  resolver: '198.51.100.53',
} as const;
/** The one name that there is; it leads to `INTERNET.named`. */
export const NAME = 'allowed.test';
/** The machine's, on its way out. */
const OUT = '198.51.100.254';

/** Whom the machine asks for names: somebody outside, or a program of its own, as dnsmasq is one. */
const RESOLVERS = { outside: INTERNET.resolver, loopback: '127.0.0.1' } as const;
export type ResolverKind = keyof typeof RESOLVERS;

export interface Machine {
  /** The engines of the tests once more, with nothing in them but the small image. */
  readonly engines: readonly TestEngine[];
  /** From now on the machine asks there for names. */
  resolveBy(kind: ResolverKind): void;
  /** The machine's own IPv4 addresses, without loopback. */
  addresses(): readonly string[];
  /**
   * What has arrived since it was asked last: `internet tcp ADDRESS:PORT`, `internet udp PORT`, `machine dns NAME`; at port
   * 9998 `machine udp TEXT`, whatever was sent.
   */
  arrived(): readonly string[];
  /** What listens as `who`, to be run elsewhere by anybody until its stdin ends; it has arrived when it listens. */
  listener(who: string): readonly string[];
  down(): Promise<void>;
}

/** What runs until its stdin ends; then what it holds is gone with it. */
interface Held {
  readonly child: ChildProcessWithoutNullStreams;
  /** Whose namespaces they are. */
  readonly pid: number;
}

/** What the machine writes in /run stays in it; `$0` is its resolv.conf. */
const MACHINE = `set -e; mount -t tmpfs tmpfs /run; mount -t tmpfs tmpfs /dev/shm
file=$(readlink -m /etc/resolv.conf); mkdir -p "\${file%/*}"; : >>"$file"; mount --bind "$0" "$file"
ip link set lo up; echo up; cat`;

/** Brings it up, which takes three seconds. */
export async function machine(): Promise<Machine> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'para-machine-')));
  chmodSync(dir, 0o755);
  const [log, resolv] = [join(dir, 'log'), join(dir, 'resolv.conf')];
  const resolveBy: Machine['resolveBy'] = (kind) => {
    writeFileSync(resolv, `nameserver ${RESOLVERS[kind]}\n`);
  };
  writeFileSync(log, '');
  chmodSync(log, 0o666);
  resolveBy('outside');
  const own = await hold('--mount --propagation private --pid --fork --kill-child --mount-proc', [
    MACHINE,
    resolv,
  ]);
  const internet = await hold('', ['ip link set lo up; echo up; cat']);
  wire(own.pid, internet.pid);
  const listeners = [
    listen(internet.pid, log, ['internet', INTERNET.resolver, '0.0.0.0']),
    listen(own.pid, log, ['machine', RESOLVERS.loopback]),
  ];
  const lines = (): readonly string[] => readFileSync(log, 'utf8').split('\n').filter(Boolean);
  for (let tries = 0; tries < 100 && lines().length < listeners.length; tries += 1) await sleep(50);
  let seen = listeners.length;
  return {
    engines: enginesIn(own.pid, join(dir, 'bench')),
    resolveBy,
    addresses: () => {
      const all = [...run(own.pid, ['ip', '-4', '-o', 'addr']).matchAll(/inet ([\d.]+)/g)];
      return all.map(([, address = '']) => address).filter((address) => !address.startsWith('127.'));
    },
    arrived: () => {
      const fresh = lines().slice(seen);
      seen += fresh.length;
      return fresh;
    },
    listener: (who) => listener(log, [who, '127.0.0.1']),
    down: async () => {
      for (const child of [own.child, internet.child, ...listeners]) {
        child.stdin.end();
        if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      }
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Shell text in a network namespace of its own, and in others that are asked for, once it has said `up`. */
async function hold(more: string, script: readonly string[]): Promise<Held> {
  const flags = more.split(' ').filter(Boolean);
  const child = spawn('unshare', ['--net', ...flags, 'sh', '-c', ...script]);
  let heard = '';
  child.stderr.on('data', (chunk: Buffer) => (heard += chunk.toString()));
  const [said] = (await Promise.race([once(child.stdout, 'data'), once(child, 'exit')])) as unknown[];
  if (String(said).trim() !== 'up') throw new Error(`no namespaces of their own: ${heard}`);
  const own = String(child.pid);
  const forked = readFileSync(`/proc/${own}/task/${own}/children`, 'utf8').trim();
  return { child, pid: Number(flags.includes('--fork') ? forked : own) };
}

/** In the namespaces of `pid`; a directory is looked up there again. */
const enter = (pid: number): readonly string[] => [
  ...['sh', '-c', `exec nsenter -t ${String(pid)} -m -n -p sh -c 'cd "$0" && exec "$@"' "$PWD" "$@"`, 'sh'],
];

function run(pid: number, command: readonly string[], env: NodeJS.ProcessEnv = {}): string {
  const [file = '', ...args] = [...enter(pid), ...command];
  return execFileSync(file, args, { encoding: 'utf8', stdio: 'pipe', env: { ...process.env, ...env } });
}

/** One wire between the two. Whatever the machine sends out arrives, as the internet takes every address for its own. */
function wire(own: number, internet: number): void {
  const ip = (pid: number, line: string): void => {
    execFileSync('nsenter', ['-t', String(pid), '-n', 'ip', ...line.split(' ')], { stdio: 'pipe' });
  };
  ip(own, `link add out type veth peer name in netns ${String(internet)}`);
  ip(own, `addr add ${OUT} peer ${INTERNET.listed} dev out`);
  ip(own, 'link set out up');
  ip(internet, `addr add ${INTERNET.listed} peer ${OUT} dev in`);
  ip(internet, 'link set in up');
  ip(internet, `route add ${OUT} dev in table local src ${INTERNET.listed}`);
  ip(internet, 'route add local 0.0.0.0/0 dev lo table local');
  ip(own, `route add default via ${INTERNET.listed}`);
}

function listen(pid: number, log: string, args: readonly string[]): ChildProcessWithoutNullStreams {
  return spawn('nsenter', ['-t', String(pid), '-n', ...listener(log, args)]);
}

function listener(log: string, [who = '', ...dns]: readonly string[]): readonly string[] {
  const script = join(import.meta.dirname, 'listeners.cjs');
  return [process.execPath, script, log, who, JSON.stringify({ [NAME]: INTERNET.named }), ...dns];
}

function enginesIn(pid: number, dir: string): readonly TestEngine[] {
  cpSync(join(benchDir(), 'cache/busybox.tar'), join(dir, 'cache/busybox.tar'));
  chmodSync(dir, 0o755);
  const script = join(dirname(dirname(import.meta.dirname)), 'scripts/engines.sh');
  const wanted = testEngines().map(({ id }) => id);
  run(pid, [script, 'up', ...wanted], { PARA_BENCH_DIR: dir, PARA_BENCH_SMALL: '1' });
  return testEngines(dir).map((engine) => ({ ...engine, prefix: [...enter(pid), ...engine.prefix] }));
}
