import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createCancellation } from '../../src/sys/cancel.ts';
import { runPara, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
beforeEach(async () => {
  repo = tempRepo();
  await runPara(repo, 'start fix');
});
afterEach(() => {
  repo.remove();
});
const worktree = (): string => join(repo.root, '.para/worktrees/fix');
const state = (session = 'fix'): string => join(repo.root, '.para/state/docker', session);
const say = (...args: string[]): Promise<Ran> => runPara(repo, ['status', ...args], { cwd: worktree() });

describe('saying it', () => {
  test('in the worktree; what is not named stays; nothing is printed', async () => {
    expect(await say('Add the form', '--todos', '3/7', '--tests', 'failed')).toEqual({
      ...{ code: 0, stdout: '', stderr: '' },
    });
    expect((await say('--blocked', '--phase', 'review', '--progress', '1/4')).code).toBe(0);
    expect(JSON.parse(readFileSync(join(state(), 'status.json'), 'utf8'))).toEqual({
      ...{ v: 1, seq: 2, timestamp: expect.any(String), status: 'running', task: 'Add the form' },
      ...{ todos: { done: 3, total: 7 }, tests: 'failed', blocked: true, phase: 'review' },
      progress: { current: 1, total: 4 },
    });
  });

  test('from elsewhere with --session; --json', async () => {
    const { stdout } = await runPara(repo, ['status', 'x', '--session', 'fix', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ ok: true, session: 'fix', status: { task: 'x' } });
  });

  test.each([
    [[], 'nothing was said'],
    [['two', 'words'], 'the task is one word, in quotes'],
    [['x', '--todos', '8/7'], '--todos "8/7" is not N/M'],
    [['x', '--tests', 'green'], 'green'],
    [['x', '--watch'], '--watch goes with show and summary'],
    [['show', '--tests', 'passed'], 'para status show says nothing'],
    [['summary', 'fix'], 'one word too many: fix'],
  ])('%j: 2', async (args, message) => {
    const { code, stderr } = await say(...args);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  test('outside of a session: 3', async () => {
    expect((await runPara(repo, ['status', 'x'])).code).toBe(3);
  });
});

describe('seeing it', () => {
  beforeEach(() => say('Add the form', '--todos', '3/7', '--progress', '3/4'));

  test('show and summary, as a table and as a document', async () => {
    await runPara(repo, 'start other');
    expect((await say('show')).stdout).toMatch(
      /^SESSION .*\nfix +running +- +75% +- +3\/7 +\S+ +Add the form\n$/,
    );
    expect((await runPara(repo, 'status summary')).stdout).toMatch(/\nfix .*\nother +- /);
    const { stdout } = await runPara(repo, 'status summary --json');
    expect(JSON.parse(stdout)).toMatchObject({
      ok: true,
      sessions: [
        { session: 'fix', status: { task: 'Add the form' }, defect: null },
        { session: 'other', status: null, at: null, defect: null },
      ],
    });
  });

  test.each([
    ['SIGHUP', 1],
    ['SIGINT', 2],
    ['SIGTERM', 15],
  ])('--watch is ended by %s, and its exit code tells of it', async (_name, number) => {
    const cancellation = createCancellation();
    cancellation.request(number);
    const { code } = await runPara(repo, 'status summary --watch', { cancellation });
    expect(code).toBe(128 + number);
  });

  test('what the container says later leaves it as it is', async () => {
    await say('--blocked');
    mkdirSync(join(state(), 'out'), { recursive: true });
    const status = { timestamp: 't', status: 'running', phase: 'p1' };
    writeFileSync(join(state(), 'out/status.json'), JSON.stringify(status));
    const { stdout } = await runPara(repo, 'status show fix --json');
    expect(JSON.parse(stdout)).toMatchObject({
      status: { task: 'Add the form', blocked: true, todos: { done: 3, total: 7 }, phase: 'p1' },
    });
  });

  test('what the container says that can not be taken is named, and does not hide what can', async () => {
    mkdirSync(join(state(), 'out'), { recursive: true });
    writeFileSync(join(state(), 'out/status.json'), '{"status":"\u001b[2Jdone"}');
    const { code, stdout, stderr } = await runPara(repo, 'status show fix');
    expect(stderr).toContain('the status of fix can not be taken: ');
    expect(stderr + stdout).not.toContain('\u001b');
    expect(stdout).toContain('Add the form');
    expect(code).toBe(0);
  });

  test('what the container says can not move the cursor', async () => {
    mkdirSync(join(state(), 'out'), { recursive: true });
    const status = { timestamp: 't', status: 'running', phase: '\u001b[2J\u202ephase', message: 'a\nb' };
    writeFileSync(join(state(), 'out/status.json'), JSON.stringify(status));
    const { stdout } = await runPara(repo, 'status show fix');
    expect(stdout).toMatch(/running +phase .* a b\n$/);
  });
});
