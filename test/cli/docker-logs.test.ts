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

  test.each([
    ['', []],
    ['--follow', ['-f']],
    ['-f --tail 0', ['-f', '--tail', '0']],
    ['--tail 20 -t', ['--timestamps', '--tail', '20']],
    ['--since 5s', ['--since', '2026-01-02T03:04:00.000Z']],
    [
      '-f --timestamps --tail 3 --since 2026-01-02T03:00:00+01:00',
      ['-f', '--timestamps', '--tail', '3', '--since', '2026-01-02T02:00:00.000Z'],
    ],
  ])('logs fix %s: one engine call, and one for why it ended', async (flags, words) => {
    const line = ['docker', 'logs', 'fix', ...flags.split(' ').filter((word) => word !== '')];
    const why = words.includes('-f') ? [talk.status('exited')] : [];
    expect(await runPara(repo, line, { calls: [talk.logs(words), ...why] })).toEqual({
      ...{ code: 0, stdout: '', stderr: '' },
    });
  });

  test('followed to its death for want of memory', async () => {
    const call = talk.status('exited', 137);
    const dead = (call.stdout ?? '').replace('"OOMKilled":false', '"OOMKilled":true');
    const calls = [talk.logs(['-f']), { ...call, stdout: dead }];
    const { code, stderr } = await runPara(repo, 'docker logs fix -f', { calls });
    expect({ code, stderr }).toEqual({
      ...{ code: 0, stderr: '▲ the container of fix was killed: it had used up its memory\n' },
    });
  });

  test('in the worktree no name is needed', async () => {
    expect(await runPara(repo, 'docker logs', { cwd: talk.worktree, calls: [talk.logs()] })).toMatchObject({
      code: 0,
    });
  });

  test('--json: the text in one document', async () => {
    const calls = [talk.logs(['--tail', '2'], { stdout: 'one\n\u001b[31mtwo\n', stderr: 'three\n' })];
    const { stdout, stderr } = await runPara(repo, 'docker logs fix --tail 2 --json', { calls });
    expect(JSON.parse(stdout)).toEqual({
      ...{ schema: 1, ok: true, session: 'fix', container: talk.container },
      logs: 'one\n\u001b[31mtwo\nthree\n',
    });
    expect(stderr).toBe('');
  });

  test.each([1, 125])('exit code %d and the container is gone: 7, and how to go on', async (exitCode) => {
    const calls = [talk.logs([], { exitCode }), talk.statusGone()];
    const { code, stderr } = await runPara(repo, 'docker logs fix', { calls });
    expect(stderr).toContain('✗ the container of fix is gone, and its logs with it\n');
    expect(stderr).toContain(talk.worktree);
    expect(code).toBe(7);
  });

  test('the engine fails otherwise: 1, with the command to see why', async () => {
    const calls = [talk.logs([], { exitCode: 1 }), talk.status('exited')];
    const { code, stderr } = await runPara(repo, 'docker logs fix', { calls });
    expect(stderr).toContain(`↳ See it yourself: ${talk.engine} logs ${talk.container}`);
    expect(code).toBe(1);
  });

  test('a client that was ended by a signal: its own code, and nothing is asked', async () => {
    const calls = [talk.logs([], { exitCode: 141 })];
    expect(await runPara(repo, 'docker logs fix', { calls })).toEqual({ code: 141, stdout: '', stderr: '' });
  });

  test.each([
    ['docker logs nope', 3, /there is no session nope/],
    ['docker logs', 3, /no session was named/],
    ['docker logs bare', 7, /the session bare has no container/],
    ['docker logs fix --tail all', 2, /--tail "all" is not a number of lines/],
    ['docker logs fix --tail -1', 2, /tail/],
    ['docker logs fix --since soon', 2, /--since "soon" is no age, date or time/],
    ['docker logs fix --follow --json', 2, /--follow has no end/],
    ['docker logs fix --tail 1 --tail 2', 2, /--tail may be given once/],
  ])('%s: no engine is asked', async (line, exit, message) => {
    const { code, stdout, stderr } = await runPara(repo, line);
    expect(stdout + stderr).toMatch(message);
    expect(code).toBe(exit);
  });
});
