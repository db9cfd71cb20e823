import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { started } from '../support/conversation.ts';
import { runPara, type EngineCall, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;

beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

const update = (words: string, calls: readonly EngineCall[] = []): Promise<Ran> =>
  runPara(repo, `docker update ${words}`, { calls });
const madeWith = (): unknown => {
  const text = readFileSync(join(repo.root, '.para/state/fix.state'), 'utf8');
  return (JSON.parse(text) as { container: { made_with: unknown } }).container.made_with;
};
const MEMORY = ['--memory', '134217728', '--memory-swap', '268435456'];

/** As a para leaves it that was killed before it had the engine's answer. */
function cutShort(): void {
  const file = join(repo.root, '.para/state/fix.state');
  const record = JSON.parse(readFileSync(file, 'utf8')) as object;
  const dead = { id: 'x', at: '2026-01-01T00:00:00Z', pid: 1, started: '1', boot: 'another' };
  const operation = { ...dead, kind: 'docker update', wish: { memory_bytes: 2 ** 27 } };
  writeFileSync(file, JSON.stringify({ ...record, operation }));
}

describe.each(['docker', 'podman'] as const)('%s', (which) => {
  test('one that was cut short is asked for once more by whatever comes next', async () => {
    const talk = await started(repo, which);
    cutShort();
    const calls = [talk.update(MEMORY), talk.inspectRunning({ Memory: 2 ** 27 })];
    const { code, stderr } = await runPara(repo, 'start other', { calls });
    expect(stderr).toContain('The docker update of fix, which was cut short, has come to its end');
    expect(code).toBe(0);
    expect(madeWith()).toMatchObject({ memory_bytes: 2 ** 27 });
  });

  test('it is taken back when the engine will not', async () => {
    const talk = await started(repo, which);
    cutShort();
    const calls = [talk.update(MEMORY), talk.inspectRunning()];
    const { stderr } = await runPara(repo, 'start other', { calls });
    expect(stderr).toContain('is taken back; the limits are as they were');
    expect(madeWith()).toMatchObject({ memory_bytes: 2 ** 32 });
    expect(readFileSync(join(repo.root, '.para/state/fix.state'), 'utf8')).toContain('"operation": null');
  });

  test('changes what is asked for, looks whether it is so, and remembers it', async () => {
    const talk = await started(repo, which);
    const now = talk.inspectRunning({ Memory: 2 ** 27, NanoCpus: 0.5e9, PidsLimit: 64 });
    const flags = ['--pids-limit', '64', ...MEMORY.slice(0, 2), '--cpus', '0.5', ...MEMORY.slice(2)];
    const words = 'fix --memory 128m --cpus 0.5 --pids-limit 64';
    expect(await update(`${words} --json`, [talk.update(flags), now])).toMatchObject({ code: 0, stderr: '' });
    expect(madeWith()).toMatchObject({ memory_bytes: 2 ** 27, cpus: 0.5, pids: 64 });
    const again = await update(words, [talk.update(flags), now]);
    expect(again.stdout).toBe('The container of fix may use 128 MiB of memory, 0.5 CPUs, 64 processes\n');
  });

  test('an engine that says so and has not done it is not believed', async () => {
    const talk = await started(repo, which);
    const { code, stderr } = await update('fix --memory 128m', [talk.update(MEMORY), talk.inspectRunning()]);
    expect(stderr).toContain(
      `✗ ${which} says that the limits of ${talk.container} are changed, but they are`,
    );
    expect(code).toBe(1);
    expect(madeWith()).toMatchObject({ memory_bytes: 2 ** 32 });
  });

  test('less than it uses: how much that is', async () => {
    const talk = await started(repo, which);
    const stderr =
      which === 'docker'
        ? 'Error response from daemon: Cannot update container x: runc did not terminate successfully: exit status 1: unable to set memory limit to 134217728 (current usage: 200000000, peak usage: 44040192)\n: unknown\n'
        : 'time="2026-11-23T20:31:22Z" level=error msg="unable to set memory limit to 134217728 (current usage: 200000000, peak usage: 44257280)"\nError: `/usr/bin/runc update x` failed: exit status 1\n';
    const calls = [talk.update(MEMORY, { exitCode: 1, stderr })];
    const ran = await update('fix --memory 128m', calls);
    expect(ran.stderr).toContain(
      '✗ the container of fix can not have so little memory: it uses 191 MiB now\n',
    );
    expect(ran.code).toBe(7);
    expect(madeWith()).toMatchObject({ memory_bytes: 2 ** 32 });
  });

  test('the container is gone', async () => {
    const talk = await started(repo, which);
    const { exitCode, stderr } = talk.statusGone();
    const ran = await update('fix --memory 128m', [
      talk.update(MEMORY, { exitCode: exitCode ?? 1, stderr: stderr ?? '' }),
    ]);
    expect(ran.stderr).toContain('✗ the container of fix is gone\n');
    expect(ran.stderr).toContain('↳ para recover fix\n');
    expect(ran.code).toBe(7);
  });
});

test('podman 4.3 knows no --pids-limit: how to come by it all the same', async () => {
  const podman = await started(repo, 'podman');
  const stderr = "Error: unknown flag: --pids-limit\nSee 'podman update --help'\n";
  const calls = [podman.update(['--pids-limit', '64'], { exitCode: 125, stderr })];
  const ran = await update('fix --pids-limit 64', calls);
  expect(ran.stderr).toContain('✗ podman 4.3.1 can not change this of a container that is there\n');
  expect(ran.stderr).toContain('para config set docker.default_resource_limits.pids_limit 64\n');
  expect(ran.stderr).toContain('para docker stop fix --remove\n');
});

test('podman changes nothing of a container that is stopped', async () => {
  const podman = await started(repo, 'podman');
  const stderr =
    'time="x" level=error msg="container not running"\nError: `runc update x` failed: exit status 1\n';
  const calls = [podman.update(MEMORY, { exitCode: 125, stderr }), podman.status('exited')];
  const ran = await update('fix --memory 128m', calls);
  expect(ran.stderr).toContain('✗ podman 4.3.1 changes limits only of a container that runs (exited)\n');
  expect(ran.stderr).toContain('↳ para docker start fix\n');
});

test('an engine that enforces nothing is not asked', async () => {
  await started(repo, 'rootless');
  const { code, stderr } = await update('fix --memory 128m --cpus 1');
  expect(stderr).toContain(
    '✗ this engine does not enforce limits on memory, cpu: there is nothing to change',
  );
  expect(code).toBe(7);
});

test.each([
  ['fix', 'no limit was given'],
  ['fix --memory much', '"much" is not a size'],
  ['fix --pids-limit 0', '--pids-limit "0" is not a number of processes'],
  ['fix --cpus none', '--cpus "none" is not a number of CPUs'],
])('%s: usage', async (words, message) => {
  await started(repo, 'docker');
  const { code, stderr } = await update(words);
  expect(stderr).toContain(message);
  expect(code).toBe(2);
});

test('a session without a container', async () => {
  expect((await runPara(repo, 'start plain')).code).toBe(0);
  const { code, stderr } = await update('plain --memory 1g');
  expect(stderr).toContain('✗ the session plain has no container\n');
  expect(code).toBe(7);
});
