import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { appendFileSync, mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openRepository, type Repository } from '../../src/git/repository.ts';
import { addWorktree } from '../../src/git/worktrees.ts';
import { findRepository, findSession } from '../../src/sessions/find.ts';
import { placesOf, saveRecord, type Places } from '../../src/sessions/store.ts';
import { sessionRecord } from '../support/record.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let temp: TempRepo;
let places: Places;
let asked: number;

beforeEach(async () => {
  temp = tempRepo();
  places = placesOf(temp.root);
  asked = 0;
  const repo = await openRepository(temp.git, temp.root);
  for (const name of ['one', 'two']) {
    await addWorktree({
      repo,
      path: places.worktree(name),
      branch: `para/${name}`,
      base: repo.headCommit ?? '',
    });
    await saveRecord(places, sessionRecord(temp.root, name));
  }
});
afterEach(() => {
  temp.remove();
});

const contextIn = (cwd: string) => ({
  cwd,
  repository: (): Promise<Repository> => {
    asked += 1;
    return openRepository(temp.git, cwd);
  },
});

function find(cwd: string, name?: string): Promise<string> {
  return findSession(contextIn(cwd), name).then((found) => {
    expect(found.places.state).toBe(places.state);
    return found.record.name;
  });
}

describe('without a name', () => {
  test('the session of the worktree, from any directory in it, and git is not asked', async () => {
    const worktree = places.worktree('one');
    mkdirSync(join(worktree, 'deep', 'er'), { recursive: true });
    for (const cwd of [worktree, join(worktree, 'dir'), join(worktree, 'deep', 'er')])
      expect(await find(cwd)).toBe('one');
    expect(asked).toBe(0);
  });

  test('through a link to the worktree', async () => {
    symlinkSync(join(places.worktree('two'), 'dir'), join(temp.base, 'short'));
    expect(await find(join(temp.base, 'short'))).toBe('two');
  });

  test('whatever the container did to the worktree’s .git', async () => {
    const worktree = places.worktree('one');
    rmSync(join(worktree, '.git'));
    expect(await find(worktree)).toBe('one');
    mkdirSync(join(worktree, '.git'));
    expect(await find(join(worktree, 'dir'))).toBe('one');
    mkdirSync(join(worktree, 'dir', '.para', 'worktrees', 'two', '.git'), { recursive: true });
    expect(await find(join(worktree, 'dir', '.para', 'worktrees', 'two'))).toBe('one');
  });

  test('in the main checkout it has to be named', async () => {
    for (const cwd of [temp.root, join(temp.root, 'dir'), join(temp.root, '.para', 'worktrees')])
      await expect(find(cwd)).rejects.toMatchObject({
        code: 'SESSION_NOT_FOUND',
        exit: 3,
        hint: 'Sessions here: one, two',
      });
  });
});

describe('by name', () => {
  test('from the main checkout, a sub-directory and another worktree, without git', async () => {
    for (const cwd of [temp.root, join(temp.root, 'dir'), places.worktree('two')])
      expect(await find(cwd, 'one')).toBe('one');
    expect(asked).toBe(0);
  });

  test('from a worktree that para did not make, with git’s help', async () => {
    const other = join(temp.base, 'other');
    temp.run(['worktree', 'add', '-q', '-b', 'other', other]);
    expect(await find(join(other, 'dir'), 'one')).toBe('one');
    expect(asked).toBe(1);
  });

  test('one that is not there: the others are named', async () => {
    await expect(find(temp.root, 'three')).rejects.toMatchObject({
      code: 'SESSION_NOT_FOUND',
      message: 'there is no session three',
      hint: 'Sessions here: one, two',
    });
  });

  test('what is no name at all', async () => {
    await expect(find(temp.root, '../one')).rejects.toMatchObject({
      message: 'there is no session "../one"',
      hint: 'Sessions here: one, two',
      exit: 3,
    });
  });

  test('many: ten are named, the active ones first', async () => {
    for (let n = 0; n < 12; n += 1)
      await saveRecord(places, {
        ...sessionRecord(temp.root, `a${String(n)}`),
        status: n < 9 ? 'review' : 'active',
      });
    await expect(find(temp.root, 'threee')).rejects.toMatchObject({
      hint: 'Sessions here: a10, a11, a9, one, two, a0, a1, a2, a3, a4 and 4 more',
    });
    await expect(find(temp.root, 'too')).rejects.toMatchObject({
      hint: expect.stringMatching(/^Did you mean two\?\nSessions here: /) as unknown,
    });
  });

  test('one whose record is broken or gone is put together from its worktree', async () => {
    writeFileSync(places.record('one'), '{');
    rmSync(places.record('two'));
    expect(await find(temp.root, 'one')).toBe('one');
    expect(await find(temp.root, 'two')).toBe('two');
  });

  test('one with a broken record, and nothing else', async () => {
    writeFileSync(places.record('torn'), '{');
    await expect(find(temp.root, 'torn')).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      hint: expect.stringContaining('para recover torn'),
    });
  });
});

test('outside a repository', async () => {
  await expect(find(temp.base)).rejects.toMatchObject({ code: 'NOT_A_REPOSITORY', exit: 4 });
});

test('a repository without sessions says how to start one', async () => {
  rmSync(join(temp.root, '.para'), { recursive: true });
  await expect(find(temp.root)).rejects.toMatchObject({
    hint: 'There is no session in repo yet:\npara start NAME',
  });
});

describe('the repository and its id', () => {
  const found = (cwd: string) => findRepository(contextIn(cwd));

  test('are what git says, and git is not asked', async () => {
    const { id } = await openRepository(temp.git, temp.root);
    for (const cwd of [temp.root, join(temp.root, 'dir'), places.worktree('one')])
      expect(await found(cwd)).toMatchObject({ id, places: { state: places.state } });
    expect(asked).toBe(0);
  });

  test.each([
    '[core]\n\tworktree = ../elsewhere\n',
    '[core] bare = true\n',
    '[core]\n\tbare\n',
    '[include]\n\tpath = more\n',
    '[extensions]\n\tworktreeConfig = true\n',
  ])('are asked of git with %j', async (setting) => {
    appendFileSync(join(temp.root, '.git', 'config'), setting);
    await found(temp.root).catch(() => undefined);
    expect(asked).toBe(1);
  });

  test('are asked of git where something is missing', async () => {
    rmSync(join(temp.root, '.git', 'objects'), { recursive: true });
    await expect(found(temp.root)).rejects.toMatchObject({ code: 'NOT_A_REPOSITORY' });
    expect(asked).toBe(1);
  });
});
