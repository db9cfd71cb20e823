import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionRecord } from '../../src/sessions/store.ts';
import { type Conversation, started } from '../support/conversation.ts';
import { footprint } from '../support/footprint.ts';
import { runPara, type EngineCall } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;

beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

const record = (): SessionRecord =>
  JSON.parse(readFileSync(join(repo.root, '.para/state/fix.state'), 'utf8')) as SessionRecord;
const finish = (more: readonly string[] = [], calls: readonly EngineCall[] = []) =>
  runPara(repo, ['finish', 'All done', 'fix', ...more], { calls });

/** Work that finish refuses: a repository of its own. */
function nest(talk: Conversation): void {
  mkdirSync(join(talk.worktree, 'nested'));
  repo.run(['init', '-q'], { cwd: join(talk.worktree, 'nested') });
  writeFileSync(join(talk.worktree, 'nested/file'), '');
}

describe('nothing is changed', () => {
  test.each<[string, readonly string[], number, RegExp]>([
    ['an empty message', ['finish', '  ', 'fix'], 2, /the commit message is empty/],
    ['no message', ['finish'], 2, /[Nn]ot enough/],
    ['an unknown session', ['finish', 'x', 'nope'], 3, /there is no session nope/],
    ['outside a session', ['finish', 'x'], 3, /no session was named/],
  ])('%s', async (_what, argv, exit, message) => {
    await runPara(repo, 'start fix');
    const before = footprint(repo);
    const { code, stderr } = await runPara(repo, argv);
    expect(stderr).toMatch(message);
    expect(code).toBe(exit);
    expect(footprint(repo)).toEqual(before);
  });

  test('--dry-run', async () => {
    repo.run(['remote', 'add', 'origin', join(repo.base, 'remote.git')]);
    await started(repo, 'docker');
    const before = footprint(repo);
    const { code, stdout } = await finish(['--dry-run']);
    expect(code).toBe(0);
    expect(stdout).toMatch(
      /^Would finish fix as para\/fix and push it to origin\n {2}go {6}container para-\w+-fix\n {2}go {6}worktree \/.*\/fix\n$/,
    );
    expect(footprint(repo)).toEqual(before);
  });

  test('a session that is finished', async () => {
    await runPara(repo, 'start fix');
    await finish();
    const { code, stderr } = await finish();
    expect(stderr).toContain('✗ the session fix is finished already\n');
    expect(code).toBe(10);
  });
});

describe('a step fails', () => {
  test('before all is committed: the container runs again, and the session goes on', async () => {
    const talk = await started(repo, 'docker');
    const stop = talk.stop(10, {
      effect: () => {
        nest(talk);
      },
    });
    const { code, stderr } = await finish([], [talk.status('running'), stop, talk.wake()]);
    expect(stderr).toContain('✓ Undo: stopping the container\n');
    expect(code).toBe(10);
    expect(record()).toMatchObject({ status: 'active', operation: null });
    expect(existsSync(join(talk.worktree, 'nested/file'))).toBe(true);
  });

  test('one that was stopped stays stopped', async () => {
    const talk = await started(repo, 'docker');
    const stop = talk.stop(10, {
      effect: () => {
        nest(talk);
      },
    });
    expect(await finish([], [talk.status('exited'), stop])).toMatchObject({ code: 10 });
  });

  test('after that: typed once more, it goes on from there', async () => {
    const talk = await started(repo, 'docker');
    writeFileSync(join(talk.worktree, 'work.txt'), 'x');
    const stuck = { exitCode: 1, stderr: 'Error response from daemon: device or resource busy\n' };
    const failed = await finish([], [talk.status('running'), talk.stop(), talk.remove(stuck)]);
    expect(failed).toMatchObject({ code: 1 });
    expect(record()).toMatchObject({ status: 'finishing' });
    expect(repo.run(['show', 'para/fix:work.txt'])).toBe('x');
    const again = [talk.status('exited'), talk.stop(), talk.remove(), talk.networkRemove()];
    expect(await finish([], again)).toMatchObject({ code: 0 });
    expect(record()).toMatchObject({ status: 'review', container: null });
  });

  test('the network is in use after all: no matter', async () => {
    const talk = await started(repo, 'docker');
    const busy = { exitCode: 1, stderr: 'Error response from daemon: network x has active endpoints\n' };
    const calls = [talk.status('running'), talk.stop(), talk.remove(), talk.networkRemove(busy)];
    expect(await finish([], calls)).toMatchObject({ code: 0 });
  });
});
