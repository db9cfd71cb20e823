/** The box, seen from inside and measured from outside. */
import { existsSync, lstatSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { blobs, committedBlobs } from '../support/look.ts';
import { makeWorld, repoId, type Ended, type World } from '../support/para.ts';

const LIMITS = ['--memory', '64m', '--cpus', '0.5'];
const HELD = `cd /sys/fs/cgroup
cat pids.max pids/pids.max; cat memory.max memory/memory.limit_in_bytes
cat cpu.max || cat cpu/cpu.cfs_quota_us cpu/cpu.cfs_period_us`;

/** What a process of the container may try on its own surroundings; only the first line may work. */
const TAMPER = `touch /workspace/allowed
rm -f /workspace/.git
mv /workspace/.git /workspace/old
mv -T /workspace/d /workspace/.git
ln -sfn /tmp /workspace/.git
echo x >/workspace/.git
cp /bin/busybox /workspace/.git
chmod 777 /workspace/.git
umount /workspace/.git
umount -l /workspace/.git
mv /workspace /elsewhere
mount -t tmpfs none /workspace
mount -o remount,rw /para/objects
umount /para/objects
touch /para/objects/x
mkdir /para/objects/zz
rm -rf /para/objects/pack
mv /para/objects /para/o
ln -s /tmp /para/objects/info/alternates
chown 12345:12345 /workspace/a.txt
mknod /workspace/device c 1 3
chroot / true
hostname other
cat /dev/mem
`;

interface Inspected {
  readonly HostConfig: {
    readonly PidsLimit: number;
    readonly Memory: number;
    readonly NanoCpus: number;
    readonly Privileged: boolean;
    readonly Devices: readonly unknown[] | null;
    readonly PidMode: string;
    readonly IpcMode: string;
    readonly NetworkMode: string;
    readonly UTSMode: string;
  };
  readonly Mounts: readonly { readonly Destination: string; readonly RW: boolean }[];
}

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('the box on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  let started: Ended;
  const settings = (name: string, docker: object): Record<string, string> => {
    const file = join(world.dir, `${name}.json`);
    writeFileSync(file, JSON.stringify({ docker }));
    return { PARA_CONFIG_PATH: file };
  };
  const inside = (session: string, script: string): Promise<Ended> =>
    world.para(repo, ['docker', 'exec', session, '--', 'sh', '-c', script]);
  const answer = async (script: string): Promise<string> => {
    const ended = await inside('s', script);
    expect(ended).toMatchObject({ code: 0 });
    return ended.stdout.trim();
  };
  const inspect = async (session: string): Promise<Inspected> => {
    const text = await world.engine('inspect', `para-${repoId(repo)}-${session}`);
    return (JSON.parse(text) as [Inspected])[0];
  };
  /** What the engine says that it enforces: memory, cpu, pids. */
  const enforced = async (): Promise<ReadonlyMap<string, boolean>> => {
    const doctor = JSON.parse((await world.para(repo, ['doctor', '--json'])).stdout) as {
      checks: { subject: string; facts: { name: string; value: string }[] }[];
    };
    const check = doctor.checks.find(({ subject }) => subject.startsWith(engine.engine));
    const text = check?.facts.find(({ name }) => name === 'limits')?.value ?? '';
    const found = [...text.matchAll(/(memory|cpu|pids) (NOT )?enforced/g)];
    expect(found).toHaveLength(3);
    return new Map(found.map(([, name = '', not]) => [name, not === undefined]));
  };

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    await world.out(['git', 'config', 'para-test.marker', 'seen-3f9a'], { cwd: repo });
    await world.out(['sh', '-c', 'echo seen-3f9a >../private; echo seen-3f9a >outside'], { cwd: repo });
    const env = settings('user', { default_resource_limits: { pids_limit: 64 } });
    const start = ['start', 's', '--docker', '--image', testImages().busybox, '--port', '8080', ...LIMITS];
    started = await world.para(repo, start, { env });
    expect(started).toMatchObject({ code: 0 });
  });
  afterAll(() => world.remove());

  test('has no capabilities, no way to new ones, a system call filter, and the caller’s uid', async () => {
    const status = await answer('cat /proc/self/status');
    const facts = Object.fromEntries(
      [...status.matchAll(/^(Cap\w+|NoNewPrivs|Seccomp|Uid|Gid):\s*(.*)$/gm)].map(([, k = '', v]) => [k, v]),
    );
    const none = '0'.repeat(16);
    expect(facts).toMatchObject({ CapEff: none, CapPrm: none, CapInh: none, CapBnd: none, CapAmb: none });
    expect(facts).toMatchObject({ NoNewPrivs: '1', Seccomp: '2' });
    const [uid, gid] = [engine.uid, engine.gid].map((id) => Array<number>(4).fill(id).join('\t'));
    expect(facts).toMatchObject({ Uid: uid, Gid: gid });
    // The same holds for the main process, which is not started by `exec`.
    const main = await answer('cat /proc/1/status');
    expect(main).toMatch(/CapBnd:\s*0{16}\n[^]*NoNewPrivs:\s*1\nSeccomp:\s*2\n/);
  });

  test('is private: no host namespace, no device, no socket, only para’s mounts', async () => {
    const { HostConfig: host, Mounts: mounts } = await inspect('s');
    expect(host).toMatchObject({ Privileged: false });
    expect(host.Devices ?? []).toEqual([]);
    for (const mode of [host.PidMode, host.IpcMode, host.NetworkMode, host.UTSMode])
      expect(mode).not.toBe('host');
    const seen = mounts.map(({ Destination: at, RW: writable }) => `${at} ${writable ? 'rw' : 'ro'}`);
    expect(seen.sort()).toEqual([
      '/para/git rw',
      '/para/home rw',
      '/para/objects ro',
      '/run/para/cmd ro',
      '/run/para/logs rw',
      '/run/para/out rw',
      '/usr/local/bin/para-status ro',
      '/workspace rw',
      '/workspace/.git ro',
    ]);
    const find = 'find / \\( -path /proc -o -path /sys \\) -prune -o -type s -print -o -type b -print';
    expect(await answer(`${find} 2>/dev/null; :`)).toBe('');
    // Neither the user's git directory nor the main checkout nor the home directory can be read.
    const files = 'find / \\( -path /proc -o -path /sys -o -path /dev \\) -prune -o -type f -print0';
    expect(await answer(`${files} | xargs -0 grep -l seen-3f9a; echo seen-3f9a | grep -c seen`)).toBe('1');
  });

  test('can not be opened from inside: the git pointer and the objects stay what they are', async () => {
    const pointer = join(repo, '.para/worktrees/s/.git');
    const before = [lstatSync(pointer).ino, readFileSync(pointer, 'utf8')];
    const each = 'while read -r line; do (eval "$line") </dev/null >/dev/null 2>&1 && echo "$line"; done; :';
    const tried = await world.para(repo, ['docker', 'exec', 's', '--', 'sh', '-c', each], { input: TAMPER });
    expect(tried).toMatchObject({ code: 0, stdout: 'touch /workspace/allowed\n' });
    await answer('kill -9 1; rm /workspace/allowed');
    expect(await answer('cat /workspace/.git; cat /workspace/a.txt')).toBe('gitdir: /para/git\none');
    expect([lstatSync(pointer).ino, readFileSync(pointer, 'utf8')]).toEqual(before);
    expect(existsSync(join(repo, '.git/objects/x'))).toBe(false);
  });

  test('has the limits that were asked for, and the start says which are not enforced', async () => {
    const holds = await enforced();
    const free = [...holds].filter(([, held]) => !held).map(([name]) => name);
    if (free.length === 0) expect(started.stderr).not.toContain('enforce');
    else expect(started.stderr).toContain(`does not enforce limits on ${free.join(', ')}`);
    const { HostConfig: host } = await inspect('s');
    const held = (await inside('s', HELD)).stdout;
    if (holds.get('pids') === true) {
      expect(host.PidsLimit).toBe(64);
      expect(held).toMatch(/^64\n/);
      const bomb = 'i=0; while [ $i -lt 100 ]; do sleep 5 & i=$((i+1)); done';
      expect((await inside('s', bomb)).stderr).toMatch(/can't fork/);
    }
    if (holds.get('memory') === true) {
      expect(host.Memory).toBe(64 << 20);
      expect(held).toContain(`\n${String(64 << 20)}\n`);
      await sleep(5000); // the sleeping processes of above are gone
      const hog = await inside('s', 'dd if=/dev/zero of=/dev/null bs=400M count=1');
      expect(hog.code).not.toBe(0);
    }
    if (holds.get('cpu') === true) {
      expect(host.NanoCpus).toBe(500_000_000);
      expect(held).toMatch(/\n50000\s100000\n$/);
    }
    expect(await answer('echo still here')).toBe('still here');
  });

  test('settings that insist on limits refuse an engine that has none', async () => {
    const env = settings('required', { limits: 'required' });
    const all = [...(await enforced()).values()].every((held) => held);
    const ended = await world.para(repo, ['start', 'strictly', '--docker', '--dry-run'], { env });
    expect(ended.code).toBe(all ? 0 : 7);
  });

  test('publishes ports on 127.0.0.1 and nowhere else', async () => {
    await answer('httpd -p 8080 -h /workspace');
    const list = JSON.parse((await world.para(repo, ['docker', 'list', '--json'])).stdout) as {
      containers: { ports: string[] }[];
    };
    const [, port = ''] =
      /^127\.0\.0\.1:(\d+)->8080\/tcp$/.exec(list.containers[0]?.ports.join() ?? '') ?? [];
    expect(Number(port)).toBeGreaterThan(1023);
    const page = await fetch(`http://127.0.0.1:${port}/a.txt`);
    expect(await page.text()).toBe('one\n');
    const others = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4');
    for (const { address } of others)
      expect([address, await connects(address, Number(port))]).toEqual([address, false]);
    expect(await connects('127.0.0.1', Number(port))).toBe(true);
  });

  test('has no network when the settings say none', async () => {
    const env = settings('none', { network: { mode: 'none' } });
    const start = ['start', 'alone', '--docker', '--image', testImages().busybox];
    expect(await world.para(repo, start, { env })).toMatchObject({ code: 0 });
    const links = await inside('alone', 'cd /sys/class/net && echo *; cat /proc/net/route | wc -l');
    expect(links.stdout).toMatch(/^lo( |\n)/);
    expect(links.stdout).not.toMatch(/eth|tap|veth/);
    for (const address of ['192.0.2.1', '10.213.0.1', '1.1.1.1']) {
      const reach = await inside('alone', `nc -w 2 ${address} 80 </dev/null`);
      expect(reach.code).not.toBe(0);
    }
  });

  test('strict: a read-only root, and the main job works as before', async () => {
    const env = settings('strict', { hardening: 'strict' });
    const start = ['start', 'closed', '--docker', '--image', testImages().base];
    expect(await world.para(repo, start, { env })).toMatchObject({ code: 0 });
    const root = 'for d in / /etc /usr /var /root /opt; do touch $d/x 2>/dev/null && echo $d; done; :';
    expect(await inside('closed', root)).toMatchObject({ code: 0, stdout: '' });
    expect((await inside('closed', 'grep -E " / (overlay|.*) ro," /proc/mounts | wc -l')).stdout).toBe('1\n');
    const job =
      'echo t >/tmp/t && echo h >~/h && echo w >w && git add w && git commit -qm inside && echo l >left';
    expect(await inside('closed', job)).toMatchObject({ code: 0 });
    const held = blobs(join(repo, '.para/worktrees/closed'));
    expect(await world.para(repo, ['finish', 'Rest', 'closed'])).toMatchObject({ code: 0 });
    expect(await committedBlobs(world, repo, 'para/closed')).toEqual(held);
  });

  test('without git, the pointer is covered all the same', async () => {
    const env = settings('off', { git: 'off' });
    const start = ['start', 'nogit', '--docker', '--image', testImages().base];
    expect(await world.para(repo, start, { env })).toMatchObject({ code: 0 });
    const tries = 'rm -f .git; mv .git x; echo x >.git; git status; ls -A /para; cat .git';
    expect(await inside('nogit', `(${tries}) 2>/dev/null`)).toMatchObject({
      stdout: 'home\ngitdir: /para/git\n',
    });
    const pointer = readFileSync(join(repo, '.para/worktrees/nogit/.git'), 'utf8');
    expect(pointer).toBe(`gitdir: ${repo}/.git/worktrees/nogit\n`);
    await inside('nogit', 'echo n >n');
    expect(await world.para(repo, ['finish', 'N', 'nogit'])).toMatchObject({ code: 0 });
    expect(await world.out(['git', 'show', 'para/nogit:n'], { cwd: repo })).toBe('n');
  });
});

/** Does anything accept a connection there? */
function connects(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2000 });
    const end = (answer: boolean) => (): void => {
      socket.destroy();
      resolve(answer);
    };
    socket.on('connect', end(true)).on('error', end(false)).on('timeout', end(false));
  });
}
