import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, realpathSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { notePaths, resolveMount, type MountContext, type MountRequest } from '../../src/docker/mounts.ts';
import { refuseNested } from '../../src/docker/mount-paths.ts';

let base: string;
let context: MountContext;
const at = (path: string): string => join(base, path);

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'para-mount-paths-')));
  for (const path of ['home', 'repo/lib', 'cache/npm', 'private']) mkdirSync(at(path), { recursive: true });
  context = { home: at('home'), repo: at('repo'), worktree: at('repo/.para/worktrees/s'), allowed: [] };
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

async function note(source: string, target = '/x'): Promise<MountRequest> {
  const request = { source, target, readOnly: false, origin: 'person' } as const;
  const [one] = await notePaths([request], context);
  if (one === undefined) throw new Error('nothing was noted');
  return one;
}
const again = (request: MountRequest): Promise<string> =>
  resolveMount(request, context).then(({ source }) => source);

describe('where a mount leads', () => {
  test('is noted with links resolved, and of the repository from there on; not the worktree', async () => {
    symlinkSync(at('cache'), at('link'));
    expect((await note(at('link/npm'))).path).toBe(at('cache/npm'));
    expect((await note('$REPO/lib')).path).toBe('$REPO/lib');
    expect((await note('$WORKTREE', '/workspace')).path).toBeUndefined();
  });

  test('and taken as that from then on, whatever the link is made to lead to', async () => {
    symlinkSync(at('cache'), at('link'));
    const noted = await note(at('link/npm'));
    rmSync(at('link'));
    symlinkSync(at('private'), at('link'));
    expect(await again(noted)).toBe(at('cache/npm'));
  });

  test('a repository that is moved takes what is in it along', async () => {
    const noted = await note(at('repo/lib'));
    renameSync(at('repo'), at('moved'));
    context = { ...context, repo: at('moved') };
    expect(await again(noted)).toBe(at('moved/lib'));
  });

  test.each<[string, () => void]>([
    ['itself', () => symlinkSync(at('private'), at('cache/npm'))],
    ['a loop', () => symlinkSync('npm', at('cache/npm'))],
    ['nowhere', () => symlinkSync(at('nowhere'), at('cache/npm'))],
  ])('refused once a link is in its place: %s', async (_to, put) => {
    const noted = await note(at('cache/npm'));
    rmSync(at('cache/npm'), { recursive: true });
    put();
    await expect(again(noted)).rejects.toMatchObject({
      code: 'MOUNT_REFUSED',
      message: expect.stringMatching(/npm is a link to ".*" now, and was none when/) as unknown,
      hint: expect.stringContaining(`ls -ld ${at('cache/npm')}`) as unknown,
    });
  });

  test('or above it', async () => {
    const noted = await note(at('cache/npm'));
    renameSync(at('cache'), at('elsewhere'));
    symlinkSync(at('elsewhere'), at('cache'));
    await expect(again(noted)).rejects.toMatchObject({
      code: 'MOUNT_REFUSED',
      details: { link: at('cache'), leads_to: at('elsewhere') },
    });
  });

  test('gone: with the way to make it', async () => {
    const noted = await note(at('cache/npm'));
    rmSync(at('cache/npm'), { recursive: true });
    await expect(again(noted)).rejects.toMatchObject({
      code: 'MOUNT_INVALID',
      hint: `mkdir -p ${at('cache/npm')}`,
    });
  });
});

describe('one in another', () => {
  const mount = (source: string, readOnly = false) => ({ source, readOnly });
  const theirs = (source: string, readOnly = false) => ({ source, readOnly, session: 'other' });

  test.each([
    [[mount('/a'), mount('/a/b')], []],
    [[mount('/a/b/c', true), mount('/a')], []],
    [[mount('/a/b')], [theirs('/a')]],
    [[mount('/a')], [theirs('/a/b', true)]],
  ])('refused: %j beside %j', (mine, others) => {
    expect(() => {
      refuseNested(mine, others);
    }).toThrow(expect.objectContaining({ code: 'MOUNT_REFUSED' }));
  });

  test('and the session whose it is is named', () => {
    expect(() => {
      refuseNested([mount('/a/b')], [theirs('/a')]);
    }).toThrow('/a/b lies in /a, to which the container of other can write');
  });

  test.each([
    [[mount('/a'), mount('/a')], [theirs('/a')]],
    [[mount('/a', true), mount('/a/b')], []],
    [[mount('/a/b')], [theirs('/a', true)]],
    [[mount('/a'), mount('/ab')], [theirs('/b')]],
    [[], [theirs('/a'), theirs('/a/b')]],
  ])('fine: %j beside %j', (mine, others) => {
    refuseNested(mine, others);
  });
});
