import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Conversation, started, WHICH } from '../support/conversation.ts';
import { detection, runPara } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;

beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

const cells = (stdout: string): string[][] =>
  stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/));

describe.each(WHICH)('%s', (which) => {
  test('what the container of a session uses, or why it is not told', async () => {
    const talk = await started(repo, which);
    // Without root on cgroup v1 the engine is not even asked.
    const asks = { docker: [talk.stats()], podman: [talk.stats(), talk.inspectRunning(), talk.stats()] };
    const rounds = which === 'rootless' ? [] : asks[which];
    const calls = [talk.inspectRunning(), ...rounds];
    const { code, stdout, stderr } = await runPara(repo, 'docker stats --json', { calls });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const [row] = (JSON.parse(stdout) as { containers: object[] }).containers;
    const whole = { session: 'fix', container: talk.container, engine: talk.engine, state: 'running' };
    expect(row).toMatchObject(
      which === 'rootless'
        ? {
            ...{ ...whole, cpu_percent: null, memory_bytes: null },
            unknown: { cpu_percent: 'not available', memory_limit_bytes: 'not enforced' },
          }
        : {
            ...{ ...whole, cpu_percent: which === 'docker' ? 12.5 : 0, memory_limit_bytes: 2 ** 32 },
            ...{ pids: 3, pids_limit: 512, net_rx_bytes: 1000, block_write_bytes: 2e6, unknown: {} },
          },
    );
  });

  test('a stopped one, in the table', async () => {
    const talk = await started(repo, which);
    const { code, stdout } = await runPara(repo, 'docker stats fix', { calls: [talk.status('exited')] });
    expect(code).toBe(0);
    const [heads, row] = cells(stdout);
    expect(heads?.slice(0, 5)).toEqual(['SESSION', 'STATE', 'CPU', 'MEMORY', 'PIDS']);
    expect(row?.slice(0, 5)).toEqual(['fix', 'exited', 'not running', 'not running', 'not running']);
  });
});

test('the table: figures with their limits, in and out', async () => {
  const talk = await started(repo, 'docker');
  const { stdout } = await runPara(repo, 'docker stats', { calls: [talk.inspectRunning(), talk.stats()] });
  expect(cells(stdout)[1]).toEqual([
    ...['fix', 'running', '12.5%', '2.5 MiB / 4.0 GiB', '3 / 512', '1.0 KiB / 0 B', '0 B / 1.9 MiB'],
  ]);
});

test('--all: those of other repositories too, by container', async () => {
  const talk = await started(repo, 'docker');
  const list = { ...talk.list([{ name: talk.container, state: 'running' }]) };
  const argv = ['docker', 'ps', '-a', '--no-trunc', '--filter', 'label=para.role=dev'] as const;
  const { stdout } = await runPara(repo, 'docker stats --all --engine docker', {
    calls: [{ ...list, argv: [...argv, '--format', '{{json .}}'] }, ...[talk.inspectRunning(), talk.stats()]],
  });
  expect(cells(stdout)[1]?.slice(0, 3)).toEqual(['fix', talk.container, 'running']);
});

test('no session has a container: no engine is asked', async () => {
  const { code, stdout } = await runPara(repo, 'docker stats');
  expect({ code, stdout }).toEqual({
    code: 0,
    stdout: 'No containers here. Start one:  para start NAME --docker\n',
  });
});

test('an engine that does not answer is an error alone, and a remark beside another one', async () => {
  const docker = await started(repo, 'docker');
  const stderr = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n';
  const down = { ...docker.inspectRunning(), exitCode: 1, stdout: '', stderr };
  expect(await runPara(repo, 'docker stats', { calls: [down] })).toMatchObject({ code: 6, stdout: '' });
  const podman = new Conversation(repo, 'rootless', 'other');
  const start = [podman.imageThere(), podman.networkThere(), podman.create(), podman.start()];
  const calls = [...detection('rootless'), ...start];
  expect(await runPara(repo, 'start other --docker --engine podman', { calls })).toMatchObject({ code: 0 });
  const both = await runPara(repo, 'docker stats', { calls: [down, podman.inspectRunning()] });
  expect(both.code).toBe(0);
  expect(both.stderr).toContain('▲ docker is installed, but its engine does not answer; its containers');
  expect(cells(both.stdout)[1]?.slice(0, 3)).toEqual(['other', 'running', 'not available']);
});
