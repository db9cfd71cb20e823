import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SessionRecord } from '../../src/sessions/store.ts';
import { type Conversation, started, WHICH } from '../support/conversation.ts';
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
/** Everything an engine is asked when all is well. */
const goodbye = (talk: Conversation): readonly EngineCall[] => [
  ...[talk.status('running'), talk.stop(), talk.remove(), talk.networkRemove()],
];

/** git in the container: the sealed directory, with the objects where the host has them. */
function inside(...args: string[]): string {
  const dir = join(repo.root, '.para/state/docker/fix/git');
  writeFileSync(join(dir, 'objects/info/alternates'), `${join(repo.root, '.git/objects')}\n`);
  const cwd = join(repo.root, '.para/worktrees/fix');
  return repo.run(args, { cwd, env: { GIT_DIR: dir, GIT_WORK_TREE: cwd } });
}

function remote(): void {
  repo.run(['init', '-q', '--bare', join(repo.base, 'remote.git')]);
  repo.run(['remote', 'add', 'origin', join(repo.base, 'remote.git')]);
}

describe.each(WHICH)('with a container: %s', (which) => {
  test('commits come back, the rest is committed, everything else is taken away', async () => {
    const talk = await started(repo, which);
    writeFileSync(join(talk.worktree, 'inside.txt'), 'x');
    inside('add', 'inside.txt');
    inside('commit', '-qm', 'made inside');
    writeFileSync(join(talk.worktree, 'left.txt'), 'y');
    const { code, stdout, stderr } = await finish([], goodbye(talk));
    expect(stderr.split('\n')).toEqual([
      '✓ Recording what is to be done',
      `✓ Stopping the container: ${talk.container}`,
      '✓ Looking for work in progress',
      '✓ Bringing the commits back: 1 commit',
      '✓ Keeping what is not committed: refs/para/snap/fix/1',
      '✓ Keeping what git ignores: nothing',
      expect.stringMatching(/^✓ Committing what is left: [0-9a-f]{10}$/),
      '✓ Removing the container',
      '✓ Removing the worktree',
      '✓ Recording the result',
      '',
    ]);
    expect(stdout).toContain('Finished fix: branch para/fix (');
    expect(code).toBe(0);
    expect(repo.run(['log', '--format=%s', 'main..para/fix'])).toBe('All done\nmade inside');
    expect(record()).toMatchObject({ status: 'review', operation: null, container: null });
    expect(existsSync(talk.worktree)).toBe(false);
    expect(existsSync(join(repo.root, '.para/state/docker/fix'))).toBe(false);
    expect(repo.run(['for-each-ref', '--format=%(refname)'])).toBe(
      'refs/heads/main\nrefs/heads/para/fix\nrefs/para/snap/fix/1',
    );
    expect(repo.run(['worktree', 'list']).split('\n')).toHaveLength(1);
  });
});

describe('with a container', () => {
  test('another session uses the network: it stays', async () => {
    const talk = await started(repo, 'docker');
    await started(repo, 'docker', 'other');
    expect(await finish([], [talk.status('running'), talk.stop(), talk.remove()])).toMatchObject({ code: 0 });
  });

  test('the engine has no such container any more', async () => {
    const talk = await started(repo, 'docker');
    const calls = [talk.statusGone(), talk.remove(), talk.networkRemove()];
    expect(await finish([], calls)).toMatchObject({ code: 0 });
  });

  test('--no-container: no engine is asked, what was committed inside comes back', async () => {
    const talk = await started(repo, 'docker');
    const { code, stderr } = await finish(['--no-container']);
    expect(code).toBe(0);
    expect(stderr).toContain(`The container ${talk.container} was left, and may still run`);
    expect(record()).toMatchObject({ status: 'review', container: null });
  });

  test('an engine that does not answer: another one is no way on', async () => {
    const talk = await started(repo, 'docker');
    const stderr = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n';
    const dead = { ...talk.status('running'), exitCode: 1, stdout: '', stderr };
    const ran = await finish([], [dead]);
    expect(ran.code).toBe(6);
    expect(ran.stderr).toContain('para finish --no-container');
    expect(ran.stderr).not.toContain('--engine');
  });
});

test('--json: one document', async () => {
  const talk = await started(repo, 'docker');
  const base = repo.run(['rev-parse', 'main']);
  writeFileSync(join(talk.worktree, '.gitignore'), 'junk\n');
  writeFileSync(join(talk.worktree, 'junk'), '');
  const { stdout, stderr } = await finish(['--json', '-f'], goodbye(talk));
  const tip = repo.run(['rev-parse', 'para/fix']);
  expect(tip).not.toBe(base);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toEqual({
    ...{ schema: 1, ok: true, session: 'fix', branch: 'para/fix', commit: tip, committed: tip },
    ...{
      commits_brought_back: 0,
      pushed_to: null,
      push_error: null,
      ignored_files_removed: ['junk'],
      ignored_files_kept: null,
      special_files: [],
      host_triggers: [],
    },
    status: 'review',
  });
});

test('files that run code where they are used: one remark, and all of them with --json', async () => {
  for (const flags of [[], ['--json']]) {
    await runPara(repo, 'start fix');
    const worktree = join(repo.root, '.para/worktrees/fix');
    mkdirSync(join(worktree, '.husky'));
    writeFileSync(join(worktree, '.husky/pre-commit'), String(flags.length));
    writeFileSync(join(worktree, 'Makefile'), String(flags.length));
    const { stdout, stderr } = await finish(['-b', `done-${String(flags.length)}`, ...flags]);
    if (flags.length === 0)
      expect(stderr).toContain(
        '▲ The branch changes files that run code where they are used; read them first: ".husky/pre-commit", "Makefile"\n',
      );
    else
      expect(JSON.parse(stdout)).toMatchObject({
        host_triggers: [
          { path: '.husky/pre-commit', kind: 'git' },
          { path: 'Makefile', kind: 'build' },
        ],
      });
    rmSync(join(repo.root, '.para/state/fix.state'));
  }
});

test('nothing was done: the branch stays at its base', async () => {
  await runPara(repo, 'start fix');
  const { code, stderr } = await finish();
  expect(stderr).toContain('✓ Committing what is left: nothing was left\n');
  expect(code).toBe(0);
  expect(repo.run(['rev-parse', 'para/fix'])).toBe(repo.run(['rev-parse', 'main']));
});

test('in the worktree the session needs no name; ignored files are named', async () => {
  await runPara(repo, 'start fix');
  const cwd = join(repo.root, '.para/worktrees/fix');
  writeFileSync(join(cwd, '.gitignore'), 'junk*\n');
  for (let n = 0; n < 9; n += 1) writeFileSync(join(cwd, `junk${String(n)}`), '');
  const { code, stderr } = await runPara(repo, ['finish', 'Done', '-f'], { cwd: join(cwd, 'dir') });
  expect(stderr).toContain('▲ Gone with the worktree, as asked: junk0 junk1');
  expect(stderr).toMatch(/junk7 …$/m);
  expect(code).toBe(0);
});

test('--dry-run: what would be committed, and what would go', async () => {
  await runPara(repo, 'start fix');
  const cwd = join(repo.root, '.para/worktrees/fix');
  writeFileSync(join(cwd, '.gitignore'), 'junk\n');
  writeFileSync(join(cwd, 'junk'), '');
  writeFileSync(join(cwd, 'a.txt'), 'changed');
  const before = footprint(repo);
  const { stdout } = await finish(['--dry-run']);
  expect(stdout).toBe(
    `Would finish fix as para/fix\n  commit  a.txt .gitignore\n  go      junk\n  go      worktree ${cwd}\n`,
  );
  expect(JSON.parse((await finish(['--dry-run', '--json'])).stdout)).toMatchObject({
    plan: { would_commit: ['a.txt', '.gitignore'], would_go: ['junk'] },
  });
  expect(footprint(repo)).toEqual(before);
});

describe('the branch', () => {
  test('-b: renamed, the old name is gone', async () => {
    await runPara(repo, 'start fix');
    const tip = repo.run(['rev-parse', 'para/fix']);
    expect(await finish(['-b', 'fix/login'])).toMatchObject({ code: 0 });
    expect(repo.run(['branch', '--format=%(refname:short) %(objectname)'])).toBe(
      `fix/login ${tip}\nmain ${tip}`,
    );
    expect(record()).toMatchObject({ branch: 'fix/login' });
  });

  test.each([
    ['main', 2, /the branch main exists already/],
    ['a..b', 2, /a\.\.b/],
    ['para/fix/x', 2, /para\/fix is in the way/],
  ])('-b %s is refused, and nothing is changed', async (branch, exit, message) => {
    await runPara(repo, 'start fix');
    const before = footprint(repo);
    const { code, stderr } = await finish(['-b', branch]);
    expect(stderr).toMatch(message);
    expect(code).toBe(exit);
    expect(footprint(repo)).toEqual(before);
  });
});

const change = (): void => {
  writeFileSync(join(repo.root, '.para/worktrees/fix/new.txt'), 'x');
};

describe('pushing', () => {
  test('nothing was changed: said, and not pushed unless asked for', async () => {
    remote();
    await runPara(repo, 'start fix');
    await runPara(repo, 'start other');
    expect((await finish()).stdout).toBe(
      'Finished fix: nothing was changed; branch para/fix is where it began\n',
    );
    expect(repo.run(['ls-remote', 'origin'])).toBe('');
    expect(await runPara(repo, ['finish', 'x', 'other', '--push'])).toMatchObject({ code: 0 });
    expect(repo.run(['ls-remote', 'origin'])).toContain('refs/heads/para/other');
  });

  test('to the remote, when there is one', async () => {
    remote();
    await runPara(repo, 'start fix');
    change();
    const { code, stderr } = await finish();
    expect(stderr).toContain('✓ Pushing: origin para/fix\n');
    expect(code).toBe(0);
    expect(repo.run(['ls-remote', 'origin', 'para/fix'])).toContain('refs/heads/para/fix');
  });

  test.each([
    ['--no-push', {}],
    ['git.push: never', { git: { push: 'never' } }],
  ])('not with %s', async (how, settings) => {
    remote();
    repo.write('.para/config.json', JSON.stringify(settings));
    await runPara(repo, 'start fix');
    expect(await finish(how.startsWith('--') ? [how] : [])).toMatchObject({ code: 0 });
    expect(repo.run(['ls-remote', 'origin'])).toBe('');
  });

  test('a push that fails loses nothing, and says how to go on', async () => {
    repo.run(['remote', 'add', 'origin', join(repo.base, 'nowhere.git')]);
    await runPara(repo, 'start fix');
    change();
    const { code, stdout, stderr } = await finish();
    expect(stderr).toMatch(/▲ .*; the branch is kept here\. Again: git push -u .*para\/fix/);
    expect(stdout).toContain('Finished fix');
    expect(code).toBe(4);
    expect(record().status).toBe('review');
  });

  test('--push without a remote: nothing is changed', async () => {
    await runPara(repo, 'start fix');
    const before = footprint(repo);
    expect(await finish(['--push'])).toMatchObject({ code: 4 });
    expect(footprint(repo)).toEqual(before);
  });
});
