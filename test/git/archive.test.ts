import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { archiveRef, createArchive, dropArchive, listArchives, readArchive } from '../../src/git/archive.ts';
import { openSession, type TestSession } from './session.ts';

let s: TestSession;
beforeEach(async () => {
  s = await openSession();
});
afterEach(() => s.temp.remove());

const make = (time: string, session = 's1', before?: string): Promise<string> =>
  createArchive({ repo: s.repo, session, time, commits: [s.base], about: `{"time":"${time}"}\n` }, before);

test('keeps every commit from being collected, and says what it is about', async () => {
  s.write('x', 'x');
  s.temp.run(['add', '.'], { cwd: s.path });
  s.temp.run(['commit', '-qm', 'only here'], { cwd: s.path });
  const tip = s.temp.run(['rev-parse', 'HEAD'], { cwd: s.path });
  const about = { session: 's1', time: '20260102T030405Z', about: 'ü "quoted"\n' };
  const commit = await createArchive({ repo: s.repo, commits: [s.base, tip, tip], ...about }, undefined);
  s.temp.run(['worktree', 'remove', '--force', s.path]);
  s.temp.run(['branch', '-qD', s.branch]);
  s.temp.run(['reflog', 'expire', '--expire=now', '--all']);
  s.temp.run(['gc', '-q', '--prune=now']);
  expect(s.temp.run(['log', '-1', '--format=%s', tip])).toBe('only here');
  expect(s.temp.run(['rev-list', '--parents', '-1', commit])).toBe(`${commit} ${s.base} ${tip}`);
  const [archive] = await listArchives(s.repo);
  expect(archive).toEqual({
    session: 's1',
    time: '20260102T030405Z',
    ref: archiveRef('s1', '20260102T030405Z'),
    commit,
  });
  expect(await readArchive(s.repo, archive ?? fail())).toBe('ü "quoted"\n');
});

test('the newest first; of one session or of all; one time is one archive', async () => {
  const early = await make('20260104T030405Z');
  await make('20260102T030405Z');
  await make('20260103T030405Z', 'other');
  await expect(make('20260104T030405Z')).rejects.toMatchObject({ code: 'GIT_FAILED' });
  const last = await make('20260104T030405Z', 's1', early);
  expect(s.temp.run(['rev-list', '--parents', '-1', last])).toBe(`${last} ${s.base} ${early}`);
  expect((await listArchives(s.repo)).map(({ session, time }) => `${session} ${time.slice(6, 8)}`)).toEqual([
    's1 04',
    'other 03',
    's1 02',
  ]);
  expect(await listArchives(s.repo, 's1')).toHaveLength(2);
  expect(await listArchives(s.repo, 's')).toEqual([]);
  const [newest] = await listArchives(s.repo, 's1');
  await dropArchive(s.repo, newest ?? fail());
  await dropArchive(s.repo, newest ?? fail());
  expect(await listArchives(s.repo, 's1')).toHaveLength(1);
});

test('a ref of somebody else is no archive', async () => {
  s.temp.run(['update-ref', 'refs/para/archive/s1/20260102T030405Z', s.base]);
  const [archive] = await listArchives(s.repo);
  await expect(readArchive(s.repo, archive ?? fail())).rejects.toMatchObject({ code: 'GIT_FAILED' });
});

function fail(): never {
  throw new Error('there is none');
}
