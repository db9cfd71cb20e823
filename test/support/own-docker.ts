/** A docker engine of a test's own, to be stopped, killed and started again while others work with the shared one. */
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { mkdirSync, mkdtempSync, openSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { benchDir, type TestEngine } from './engines.ts';

export interface OwnDocker {
  readonly engine: TestEngine;
  /** Where the daemon writes its pid. */
  readonly pidFile: string;
  /** Starts the daemon when it is down, lets it go on when it is stopped, and waits until it answers. */
  up(): Promise<void>;
  /** The end of all its processes, as when the machine goes down; only what is on disk stays. */
  crash(): void;
  down(): Promise<void>;
}

/** Addresses that neither the shared engine nor podman takes. */
const POOL = 'base=10.219.0.0/16,size=24';

const REMOVE_CGROUPS =
  'find /sys/fs/cgroup -depth -type d -path "*/para-own*" -exec rmdir {} + 2>/dev/null || :';

/** Brings one up, with the small image in it. Needs root. */
export async function ownDocker(image: string): Promise<OwnDocker> {
  const dir = realpathSync(mkdtempSync(join(tmpdir(), 'para-own-')));
  const socket = `unix://${join(dir, 'sock')}`;
  const pidFile = join(dir, 'pid');
  const docker = (...args: string[]): string =>
    execFileSync('docker', args, {
      env: { ...process.env, DOCKER_HOST: socket },
      encoding: 'utf8',
      timeout: 60_000,
      stdio: 'pipe',
    });
  writeFileSync(join(dir, 'daemon.json'), '{}');
  mkdirSync(join(dir, 'data'));
  let daemon = launch(dir, socket);
  const own: OwnDocker = {
    engine: {
      ...{
        id: 'docker',
        engine: 'docker',
        env: { DOCKER_HOST: socket },
        prefix: [],
        user: 'root',
        uid: 0,
        gid: 0,
      },
    },
    pidFile,
    up: async () => {
      for (let tries = 0; tries < 600; tries += 1) {
        // One that was told to end may still be at it; its containerd must be gone before the next one's.
        if (daemon.exitCode !== null || daemon.signalCode !== null) daemon = launch(dir, socket);
        else daemon.kill('SIGCONT');
        if (isAnswering(docker)) return;
        await sleep(100);
      }
      throw new Error(`dockerd does not answer:\n${readFileSync(join(dir, 'log'), 'utf8').slice(-2_000)}`);
    },
    crash: () => {
      // The daemon first: it would start its containerd again.
      for (let tries = 0; tries < 50 && endAll(`${dir}/`, 'SIGKILL') > 0; tries += 1)
        execFileSync('sleep', ['0.1']);
      unmountAll(dir);
      rmSync(pidFile, { force: true });
      rmSync(join(dir, 'exec'), { recursive: true, force: true });
    },
    down: async () => {
      daemon.kill('SIGCONT');
      daemon.kill('SIGTERM');
      for (let waited = 0; waited < 100 && daemon.exitCode === null; waited += 1) await sleep(100);
      own.crash();
      rmSync(dir, { recursive: true, force: true });
      execFileSync('sh', ['-c', REMOVE_CGROUPS]);
    },
  };
  await own.up();
  docker('import', '--change', 'CMD ["sh"]', join(benchDir(), 'cache', 'busybox.tar'), image);
  return own;
}

/** No bridge and no rules of iptables of its own: those of the machine belong to others. */
function launch(dir: string, socket: string): ChildProcess {
  endAll(join(dir, 'exec/containerd/containerd.toml'), 'SIGKILL');
  rmSync(join(dir, 'pid'), { force: true });
  const log = openSync(join(dir, 'log'), 'a');
  const daemon = spawn(
    '/usr/sbin/dockerd',
    [
      ...['--config-file', join(dir, 'daemon.json'), '--host', socket, '--pidfile', join(dir, 'pid')],
      ...['--data-root', join(dir, 'data'), '--exec-root', join(dir, 'exec')],
      ...['--bridge', 'none', '--iptables=false', '--ip6tables=false', '--ip-masq=false'],
      ...['--default-address-pool', POOL, '--cgroup-parent', '/para-own'],
      ...['--exec-opt', 'native.cgroupdriver=cgroupfs', '--default-ulimit', 'nofile=4096:8192'],
    ],
    { cwd: '/', stdio: ['ignore', log, log], detached: true },
  );
  daemon.unref();
  return daemon;
}

function isAnswering(docker: (...args: string[]) => string): boolean {
  try {
    docker('version');
    return true;
  } catch {
    return false;
  }
}

/** Sends a signal to every process whose command line names the path, and says how many there were. */
function endAll(path: string, signal: NodeJS.Signals): number {
  const found = execFileSync('sh', ['-c', 'pgrep -f -- "$0" || :', path], { encoding: 'utf8' });
  const pids = found.split('\n').filter((line) => line !== '' && Number(line) !== process.pid);
  let ended = 0;
  for (const pid of pids) {
    try {
      process.kill(Number(pid), signal);
      ended += 1;
    } catch {
      // It has ended by itself.
    }
  }
  return ended;
}

function unmountAll(dir: string): void {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n');
  const points = mounts
    .map((line) => line.split(' ')[4] ?? '')
    .filter((point) => point.startsWith(`${dir}/`));
  for (const point of points.reverse()) execFileSync('umount', ['-l', point]);
}
