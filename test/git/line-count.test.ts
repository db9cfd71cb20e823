import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { existsSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { countLines, type LineCount } from '../../src/git/line-count.ts';
import { openRepository, type Repository } from '../../src/git/repository.ts';
import { addWorktree, requireAdminDir } from '../../src/git/worktrees.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let temp: TempRepo;
let repo: Repository;
let path: string;
let base: string;
beforeEach(async () => {
  temp = tempRepo();
  repo = await openRepository(temp.git, temp.root);
  base = repo.headCommit ?? '';
  path = join(temp.root, '.para/worktrees/s');
  await addWorktree({ repo, path, branch: 'para/s', base });
});
afterEach(() => {
  temp.remove();
});
const count = async (): Promise<LineCount> =>
  countLines({ repo, adminDir: await requireAdminDir(repo, path), worktreePath: path, base, filters: 'off' });
const write = (file: string, content: string | Buffer): void => {
  temp.write(`.para/worktrees/s/${file}`, content);
};

test('committed, staged, changed, removed and new files; not what is ignored, binary or a link', async () => {
  expect(await count()).toEqual({ added: 0, removed: 0 });
  write('c.txt', '1\n2\n3\n');
  temp.run(['add', 'c.txt'], { cwd: path });
  temp.run(['commit', '-qm', 'c'], { cwd: path });
  write('staged.txt', '1\n2\n');
  temp.run(['add', 'staged.txt'], { cwd: path });
  temp.run(['rm', '-q', 'dir/b.txt'], { cwd: path });
  write('a.txt', 'other\nwithout end');
  write('new dir/n\nl.txt', '1\n2');
  write('.gitignore', 'ignored\n');
  write('ignored', '1\n2\n3\n4\n');
  write('binary', Buffer.from('a\0\n\n\n'));
  write('empty', '');
  symlinkSync('/etc/passwd', join(path, 'link'));
  expect(await count()).toEqual({ added: 3 + 2 + 2 + 2 + 1, removed: 2 });
});

test('runs nothing of the repository', async () => {
  const mark = join(temp.base, 'ran');
  temp.run(['config', 'diff.evil.textconv', `touch ${mark}; cat`]);
  temp.run(['config', 'diff.evil.command', `touch ${mark}`]);
  temp.run(['config', 'filter.evil.clean', `touch ${mark}; cat`]);
  write('.gitattributes', '* diff=evil filter=evil\n');
  write('a.txt', 'other\n');
  expect(await count()).toEqual({ added: 2, removed: 1 });
  expect(existsSync(mark)).toBe(false);
});
