/** What containers use and what they may use, told on every engine: figures, and a word where there are none. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { inBackground, makeWorld, printed, repoId, type Ended, type World } from '../support/para.ts';

interface Figures {
  readonly [key: string]: unknown;
  readonly memory_bytes: number;
  readonly pids: number;
}

describe.each(testEngines().map((engine) => [engine.id, engine] as const))(
  'resources on %s',
  (id, engine) => {
    let world: World;
    let repo: string;
    const docker = (...args: string[]): Promise<Ended> => world.para(repo, ['docker', ...args]);
    // Without root on cgroup v1 a container has no cgroup of its own.
    const hasCgroups = id !== 'rootless';

    beforeAll(async () => {
      world = makeWorld(engine);
      repo = await world.repo();
      const settings = '{"docker":{"default_resource_limits":{"pids_limit":64}}}';
      await world.out(['sh', '-ec', 'mkdir -p .para; echo "$0" >.para/config.json', settings], { cwd: repo });
      const wish = ['--docker', '--image', testImages().busybox, '--memory', '64m', '--cpus', '1'];
      expect(await world.para(repo, ['start', 's', ...wish])).toMatchObject({ code: 0 });
    });
    afterAll(() => world.remove());

    test('stats: one shape', async () => {
      const { code, stdout } = await docker('stats', '--json');
      expect(code).toBe(0);
      const { containers } = JSON.parse(stdout) as { containers: readonly Figures[] };
      expect(containers).toHaveLength(1);
      const limits = { cpus_limit: 1, memory_limit_bytes: 2 ** 26, pids_limit: 64 };
      if (hasCgroups) {
        expect(containers[0]).toMatchObject({ session: 's', state: 'running', ...limits, unknown: {} });
        expect(containers[0]?.memory_bytes).toBeGreaterThan(100_000);
        expect(containers[0]?.memory_bytes).toBeLessThan(2 ** 26);
        expect(containers[0]?.pids).toBeGreaterThan(1);
        for (const key of ['cpu_percent', 'net_rx_bytes', 'net_tx_bytes', 'block_read_bytes'])
          expect(containers[0]?.[key]).toEqual(expect.any(Number));
      } else {
        expect(containers[0]).toMatchObject({
          ...{ session: 's', state: 'running', cpu_percent: null, memory_bytes: null, pids_limit: null },
          unknown: {
            cpu_percent: 'not available',
            memory_bytes: 'not available',
            pids_limit: 'not enforced',
          },
        });
      }
    });

    test('stats --watch goes on until Ctrl-C, and leaves no process behind', async () => {
      const running = inBackground(world, ['docker', 'stats', '--watch', '--json'], { cwd: repo });
      await printed(running, '"containers"');
      running.tell('SIGINT');
      const { code, stdout, stderr } = await running.ended;
      expect({ code, stderr }).toEqual({ code: 130, stderr: '' });
      for (const line of stdout.trimEnd().split('\n')) expect(JSON.parse(line)).toMatchObject({ ok: true });
      const container = await world.engine(
        'ps',
        '-q',
        '--no-trunc',
        '--filter',
        `name=para-${repoId(repo)}-s`,
      );
      expect(await world.run(['pgrep', '-f', `[s]tats .*${container}`])).toMatchObject({
        code: 1,
        stdout: '',
      });
    });

    test('list --size: what is written shows where it was written', async () => {
      const sizes = async (): Promise<Record<string, number>> => {
        const { stdout } = await world.para(repo, ['list', '--size', '--json']);
        const { sessions } = JSON.parse(stdout) as { sessions: readonly { size: Record<string, number> }[] };
        return sessions[0]?.size ?? {};
      };
      const before = await sizes();
      const write =
        'head -c 3000000 /dev/zero >/workspace/f; head -c 2000000 /dev/zero >/tmp/f; seq 9999 >/proc/1/fd/1';
      expect(await docker('exec', 's', '--', 'sh', '-ec', write)).toMatchObject({ code: 0 });
      const after = await sizes();
      const grown = (key: string): number => (after[key] ?? NaN) - (before[key] ?? NaN);
      expect(grown('worktree_bytes')).toBeGreaterThanOrEqual(2_900_000);
      expect(grown('layer_bytes')).toBeGreaterThanOrEqual(1_900_000);
      // Without root the container's files are another user's, who may be the only one to look into the directory.
      if (hasCgroups) expect(grown('logs_bytes')).toBeGreaterThanOrEqual(48_000);
      else expect(after).toMatchObject({ unknown: { logs_bytes: 'in part' } });
      expect(after).toMatchObject({ volumes_bytes: null, unknown: { volumes_bytes: 'none' } });
    });

    if (!hasCgroups) {
      test('limits that nobody enforces are not changed', async () => {
        const { code, stderr } = await docker('update', 's', '--memory', '96m');
        expect(stderr).toContain(
          '✗ this engine does not enforce limits on memory: there is nothing to change',
        );
        expect(code).toBe(7);
      });
      return;
    }

    test('a command that is killed for want of memory is told apart from one that is killed', async () => {
      const killed = await docker('exec', 's', '--', 'sh', '-c', 'kill -9 $$');
      expect(killed).toMatchObject({ code: 137, stderr: '' });
      const hog = await docker('exec', 's', '--', 'tail', '/dev/zero');
      expect(hog.code).toBe(137);
      expect(hog.stderr).toContain('✗ killed: the container of s has used up its 64 MiB of memory\n');
      expect(hog.stderr).toContain('para docker update s --memory 128m\n');
      expect(await docker('exec', 's', '--', 'sh', '-c', 'kill -9 $$')).toMatchObject({
        code: 137,
        stderr: '',
      });
    });

    test('the same of a command of the queue', async () => {
      const ended = async (...argv: string[]): Promise<Ended> => {
        const { stdout } = await docker('exec', '--detach', 's', '--', ...argv);
        return docker('queue', 'wait', stdout.trim(), 's');
      };
      const killed = await ended('sh', '-c', 'kill -9 $$');
      expect(killed.code).toBe(137);
      expect(killed.stderr).not.toContain('✗');
      const hog = await ended('tail', '/dev/zero');
      expect(hog.code).toBe(137);
      expect(hog.stderr).toContain('✗ killed: the container of s has used up its 64 MiB of memory\n');
    });

    test('processes that can not be made are told', async () => {
      const forks = 'i=0; while [ $i -lt 99 ]; do sleep 2 & i=$((i+1)); done; wait';
      const { code, stderr } = await docker('exec', 's', '--', 'sh', '-c', forks);
      expect(code).toBe(2);
      expect(stderr).toContain('✗ the container of s has had as many processes as it may have: 64\n');
      expect(stderr).toContain('para docker update s --pids-limit 128\n');
    });

    test('limits of a container that runs are changed, and it is made again with them', async () => {
      const { code, stdout, stderr } = await docker(
        'update',
        's',
        '--memory',
        '96m',
        '--cpus',
        '0.5',
        '--json',
      );
      expect(code).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({
        limits: { memory_bytes: 96 * 2 ** 20, cpus: 0.5, pids: 64 },
        survives_restart: id === 'docker',
      });
      expect(stderr).toBe('');
      const limits = ['inspect', '--format', '{{.HostConfig.Memory}} {{.HostConfig.NanoCpus}}'];
      const name = `para-${repoId(repo)}-s`;
      // podman before 5 does it and does not say so.
      const told = await world.engine(...limits, name);
      expect(told).toBe(id === 'docker' ? '100663296 500000000' : '67108864 1000000000');
      const { stdout: stats } = await docker('stats', 's', '--json');
      const { containers } = JSON.parse(stats) as { containers: readonly Figures[] };
      const most = containers[0]?.['memory_limit_bytes'] as number;
      expect(Math.abs(most / (96 * 2 ** 20) - 1)).toBeLessThan(0.001);
      await world.engine('kill', name);
      await world.engine('rm', '-f', name);
      expect(await world.para(repo, ['recover', 's'])).toMatchObject({ code: 0 });
      expect(await world.engine(...limits, name)).toBe('100663296 500000000');
    });

    test('a container that dies of it is oom-killed', async () => {
      const name = `para-${repoId(repo)}-s`;
      await world.engine('kill', name);
      await world.engine('rm', '-f', name);
      const labels = [`para.repo=${repoId(repo)}`, 'para.role=dev'].flatMap((label) => ['--label', label]);
      const made = ['create', '--name', name, ...labels, '--memory', '64m', '--network', 'none', '--init'];
      await world.engine(...made, '--entrypoint', 'tail', testImages().busybox, '/dev/zero');
      await world.engine('start', name);
      const state = async (): Promise<string | undefined> => {
        const { stdout } = await world.para(repo, ['list', '--json']);
        return (JSON.parse(stdout) as { sessions: readonly { container: string }[] }).sessions[0]?.container;
      };
      while ((await state()) === 'running');
      // Of podman before 5 it can not be learned.
      expect(await state()).toBe(id === 'docker' ? 'oom-killed' : 'exited');
      if (id !== 'docker') return;
      const { code, stderr } = await docker('exec', 's', '--', 'true');
      expect(code).toBe(125);
      expect(stderr).toContain('✗ the container of s was killed: it had used up its 64 MiB of memory\n');
    });
  },
);
