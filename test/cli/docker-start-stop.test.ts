import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Conversation, started, WHICH } from '../support/conversation.ts';
import { gitInside } from '../support/inside.ts';
import { detection, runPara } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

describe.each(WHICH)('%s', (which) => {
  let repo: TempRepo;
  let talk: Conversation;

  beforeAll(async () => {
    repo = tempRepo();
    talk = await started(repo, which);
    await runPara(repo, 'start bare');
  });
  afterAll(() => {
    repo.remove();
  });

  test('start: one engine call, and one that proves it', async () => {
    expect(await runPara(repo, 'docker start fix', { calls: [talk.wake()] })).toEqual({
      ...{ code: 0, stdout: 'The container of fix is running\n', stderr: '' },
    });
  });

  test('stop: one engine call, with the seconds that are given', async () => {
    expect(await runPara(repo, 'docker stop fix', { calls: [talk.stop(10)] })).toEqual({
      ...{ code: 0, stdout: 'The container of fix is stopped\n', stderr: '' },
    });
    expect(await runPara(repo, 'docker stop fix --grace 0', { calls: [talk.stop(0)] })).toMatchObject({
      code: 0,
    });
  });

  test('in the worktree no name is needed; --json', async () => {
    const cwd = talk.worktree;
    const start = await runPara(repo, 'docker start --json', { cwd, calls: [talk.wake()] });
    const facts = { schema: 1, ok: true, session: 'fix', container: talk.container };
    expect(JSON.parse(start.stdout)).toEqual({ ...facts, state: 'running', made: false });
    const stop = await runPara(repo, 'docker stop --json', { cwd, calls: [talk.stop()] });
    expect(JSON.parse(stop.stdout)).toEqual({ ...facts, state: 'exited' });
    expect(start.stderr + stop.stderr).toBe('');
  });

  test('the container is gone: 7', async () => {
    const stderr =
      which === 'docker'
        ? `Error response from daemon: No such container: ${talk.container}\n`
        : `Error: no container with name or ID "${talk.container}" found: no such container\n`;
    for (const [line, call] of [
      ['docker start fix', talk.start({ exitCode: 1, stderr })],
      ['docker stop fix', talk.stop(10, { exitCode: 125, stderr })],
    ] as const) {
      const ran = await runPara(repo, line, { calls: [call] });
      expect(ran).toMatchObject({ code: 7, stdout: '' });
      expect(ran.stderr).toContain(`✗ container ${talk.container} does not exist\n`);
    }
  });

  test.each([
    ['docker start nope', 3],
    ['docker stop nope', 3],
    ['docker start', 3],
    ['docker start fix --image x', 2],
    ['docker start fix --port 80', 2],
    ['docker start bare --memory lots', 2],
    ['docker stop bare --remove', 7],
    ['docker stop fix --remove --grace soon', 2],
    ['docker stop nope --remove', 3],
    ['docker stop bare', 7],
    ['docker stop fix --grace soon', 2],
    ['docker stop fix --grace -1', 2],
    ['docker stop fix --grace 1 --grace 2', 2],
  ])('%s: no engine is asked', async (line, code) => {
    expect(await runPara(repo, line)).toMatchObject({ code, stdout: '' });
  });
});

describe.each(WHICH)('a container that comes later and goes again, on %s', (which) => {
  let repo: TempRepo;
  let talk: Conversation;
  const record = (): Record<string, unknown> =>
    JSON.parse(readFileSync(join(repo.root, '.para/state/fix.state'), 'utf8')) as Record<string, unknown>;
  const onHost = (...args: readonly string[]): string => repo.run([...args], { cwd: talk.worktree });
  const made = (): ReturnType<Conversation['start']>[] => [
    ...[talk.imageThere(), talk.networkAbsent(), talk.networkCreate(), talk.create(), talk.start()],
  ];
  const engine = which === 'docker' ? 'docker' : 'podman';

  beforeEach(async () => {
    repo = tempRepo();
    talk = new Conversation(repo, which);
    await runPara(repo, 'start fix');
    writeFileSync(join(talk.worktree, 'a.txt'), 'changed\n');
    writeFileSync(join(talk.worktree, 'new.txt'), 'new\n');
    onHost('add', 'new.txt');
  });
  afterEach(() => {
    repo.remove();
  });
  const start = (flags = '', calls = [...detection(which), ...made()]): ReturnType<typeof runPara> =>
    runPara(repo, `docker start fix --engine ${engine}${flags}`, { calls });

  test('start: the same engine calls as `start --docker`, and nothing in the worktree changes', async () => {
    const before = onHost('status', '--porcelain');
    const ran = await start();
    expect(ran.stdout).toContain(
      `fix has a container now, and it is running: ${talk.container} (${engine}, `,
    );
    expect(ran.code).toBe(0);
    expect(onHost('status', '--porcelain')).toBe(before);
    expect(gitInside(repo, 'fix', 'status', '--porcelain')).toBe(before);
    expect(record()).toMatchObject({ operation: null, container: { name: talk.container } });
    expect(await runPara(repo, 'docker start fix', { calls: [talk.wake()] })).toMatchObject({ code: 0 });
  });

  test('start: --json, and the flags of the container', async () => {
    const calls = [
      ...[...detection(which), talk.imageThere('node:22'), talk.networkThere()],
      ...[talk.create({ image: 'node:22', ports: ['127.0.0.1:8080:80'], env: ['A=b'] }), talk.start()],
    ];
    const { stdout } = await start(' --image node:22 --port 8080:80 --env A=b --json', calls);
    expect(JSON.parse(stdout)).toEqual({
      ...{ schema: 1, ok: true, session: 'fix', container: talk.container, state: 'running', made: true },
    });
  });

  test('start: the branch as it is now is what the container has', async () => {
    onHost('commit', '-qm', 'on the host');
    await start();
    expect(gitInside(repo, 'fix', 'log', '-1', '--format=%s')).toBe('on the host');
  });

  test('start fails: all is as it was, and it can be typed again', async () => {
    const before = record();
    const calls = [
      ...[...detection(which), talk.imageThere(), talk.networkAbsent(), talk.networkCreate()],
      ...[talk.create({}, { exitCode: 125, stdout: '', stderr: 'Error: no such thing\n' })],
      ...[talk.remove(), talk.networkRemove()],
    ];
    expect(await start('', calls)).toMatchObject({ code: 1, stdout: '' });
    expect(record()).toEqual(before);
    expect(existsSync(join(repo.root, '.para/state/docker/fix'))).toBe(false);
    expect(onHost('status', '--porcelain')).toBe('M a.txt\nA  new.txt');
    expect(await start('', made())).toMatchObject({ code: 0 });
  });

  test('start --dry-run: the engine is asked who it is, and nothing is made', async () => {
    const before = record();
    const ran = await start(' --dry-run', [...detection(which)]);
    expect(ran.stdout).toContain(`Would give fix a container: ${talk.container} (${engine}, ubuntu:latest`);
    expect(record()).toEqual(before);
  });

  test('start: not on another branch', async () => {
    onHost('switch', '-q', '-c', 'other');
    const ran = await start('', []);
    expect(ran.stderr).toContain('✗ the worktree of fix is not on its branch para/fix\n');
    expect(ran.stderr).toContain('git switch para/fix');
    expect(ran.code).toBe(10);
  });

  test('start: not in the middle of a merge', async () => {
    onHost('commit', '-qm', 'x');
    writeFileSync(join(repo.root, '.git/worktrees/fix/MERGE_HEAD'), `${onHost('rev-parse', 'HEAD~')}\n`);
    const before = record();
    const { code, stderr } = await start('', []);
    expect(stderr).toContain('there is a merge that is not done in the worktree');
    expect(stderr).toContain('merge --abort');
    expect(code).toBe(10);
    expect(record()).toEqual(before);
  });

  test('start after one that was cut short: taken back by its label, then made anew', async () => {
    await start();
    const file = join(repo.root, '.para/state/fix.state');
    const operation = {
      ...{ id: 'x', kind: 'docker start', pid: 1, started: '1', boot: 'b', at: '2026-01-02T03:04:05Z' },
    };
    writeFileSync(file, JSON.stringify({ ...record(), operation }));
    expect(
      (await runPara(repo, 'list', { calls: [talk.list([], ['label=para.role=dev']), talk.statusGone()] }))
        .stderr,
    ).toContain('to settle it: para recover fix');
    // It came up: somebody may have worked in it.
    expect(await start('', [talk.wake()])).toMatchObject({ code: 0 });
    expect(record()['operation']).toBeNull();

    writeFileSync(file, JSON.stringify({ ...record(), operation }));
    repo.run(['-c', 'alias.x=!rm -r .para/state/docker/fix/out', 'x']);
    const calls = [talk.statusGone(), talk.networkRemove(), ...made()];
    expect(await start('', calls)).toMatchObject({ code: 0 });
    expect(record()).toMatchObject({ operation: null, container: { name: talk.container } });
  });

  test('stop --remove: the commits come back, the files stay, and the session goes on without', async () => {
    await start();
    gitInside(repo, 'fix', 'commit', '-qm', 'inside');
    gitInside(repo, 'fix', 'tag', 'mark');
    const calls = [talk.status('running'), talk.stop(), talk.remove(), talk.networkRemove()];
    const ran = await runPara(repo, 'docker stop fix --remove', { calls });
    expect(ran.stdout).toContain('fix has no container any more; its commits are on para/fix');
    expect(ran.code).toBe(0);
    expect(onHost('log', '-1', '--format=%s')).toBe('inside');
    expect(onHost('status', '--porcelain')).toBe('M a.txt');
    expect(record()).toMatchObject({ status: 'active', operation: null, contained: true, container: null });
    expect(existsSync(join(repo.root, '.para/state/docker/fix'))).toBe(false);
    expect(await runPara(repo, 'docker stop fix --remove')).toMatchObject({ code: 7 });
    expect(await start('', made())).toMatchObject({ code: 0 });
    expect(gitInside(repo, 'fix', 'log', '-1', '--format=%s')).toBe('inside');
  });

  test('stop --remove --json --grace, of a container that was removed by hand', async () => {
    await start();
    gitInside(repo, 'fix', 'commit', '-qm', 'inside');
    const calls = [talk.statusGone(), talk.remove(), talk.networkRemove()];
    const { stdout } = await runPara(repo, 'docker stop fix --remove --json --grace 1', { calls });
    expect(JSON.parse(stdout)).toEqual({
      ...{ schema: 1, ok: true, session: 'fix', container: talk.container, state: 'removed' },
      ...{ branch: 'para/fix', commits_brought_back: 1, other_refs: [] },
    });
  });

  test('stop --remove when both sides have commits: 10, and the container runs again', async () => {
    await start();
    gitInside(repo, 'fix', 'commit', '-qm', 'inside');
    onHost('commit', '-qm', 'on the host');
    const calls = [talk.status('running'), talk.stop(3), talk.wake()];
    const ran = await runPara(repo, 'docker stop fix --remove --grace 3', { calls });
    expect(ran.stderr).toContain('both are kept');
    expect(ran.code).toBe(10);
    expect(record()).toMatchObject({ operation: null, container: { name: talk.container } });
  });

  test('stop --remove that fails late goes on when it is typed again', async () => {
    await start();
    const failing = talk.remove({ exitCode: 1, stderr: 'Error: no\n' });
    const calls = [talk.status('running'), talk.stop(), failing];
    const ran = await runPara(repo, 'docker stop fix --remove', { calls });
    expect(ran.stderr).toContain(
      '▲ Its commits are all on para/fix. To go on: para docker stop fix --remove',
    );
    expect(ran.code).toBe(1);
    const again = [talk.status('exited'), talk.stop(), talk.remove(), talk.networkRemove()];
    expect(await runPara(repo, 'docker stop fix --remove', { calls: again })).toMatchObject({ code: 0 });
  });

  test('stop --dry-run, with and without --remove', async () => {
    await start();
    for (const flags of ['', ' --remove']) {
      const ran = await runPara(repo, `docker stop fix --dry-run${flags}`);
      expect(ran.stdout).toContain(talk.container);
      expect(ran.code).toBe(0);
    }
  });
});
