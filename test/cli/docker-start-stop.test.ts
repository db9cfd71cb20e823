import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { type Conversation, started, WHICH } from '../support/conversation.ts';
import { runPara } from '../support/run-para.ts';
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

  test('start: one engine call', async () => {
    expect(await runPara(repo, 'docker start fix', { calls: [talk.start()] })).toEqual({
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
    const start = await runPara(repo, 'docker start --json', { cwd, calls: [talk.start()] });
    const facts = { schema: 1, ok: true, session: 'fix', container: talk.container };
    expect(JSON.parse(start.stdout)).toEqual({ ...facts, state: 'running' });
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
    ['docker start bare', 7],
    ['docker stop bare', 7],
    ['docker stop fix --grace soon', 2],
    ['docker stop fix --grace -1', 2],
    ['docker stop fix --grace 1 --grace 2', 2],
  ])('%s: no engine is asked', async (line, code) => {
    expect(await runPara(repo, line)).toMatchObject({ code, stdout: '' });
  });
});
