import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  homeOf,
  parseVolume,
  resolveMount,
  type MountContext,
  type MountRequest,
} from '../../src/docker/mounts.ts';

let base: string;
let context: MountContext;

beforeEach(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'para-mounts-')));
  const [home, repo] = [join(base, 'home'), join(base, 'src/repo')];
  for (const path of [
    ...['home/.ssh', 'home/.config/para', 'home/.config/gh', 'home/.cache/npm', 'home/.sshx'],
    ...['src/repo/.git/hooks', 'src/repo/.para/worktrees/s/sub', 'src/repo/lib', 'data/deep', 'x,y "z"'],
  ])
    mkdirSync(join(base, path), { recursive: true });
  context = { home, repo, worktree: join(repo, '.para/worktrees/s'), allowed: [] };
});
afterEach(() => {
  rmSync(base, { recursive: true });
});

const request = (source: string, change: Partial<MountRequest> = {}): MountRequest => ({
  ...{ source, target: '/x', readOnly: false, origin: 'person' },
  ...change,
});
const resolve = (source: string, change: Partial<MountRequest> = {}) =>
  resolveMount(request(source, change), context);
const inBase = (path: string): string => join(base, path);

describe('parseVolume', () => {
  test.each([
    ['/a:/b', '/a', '/b', false],
    ['/a:/b:ro', '/a', '/b', true],
    ['/a:/b:rw', '/a', '/b', false],
    ['/a:b:/c', '/a:b', '/c', false],
    ['~/x:/c', '~/x', '/c', false],
    ['/ro:/ro:ro', '/ro', '/ro', true],
  ])('%s', (text, source, target, readOnly) => {
    expect(parseVolume(text)).toEqual({ source, target, readOnly, origin: 'person' });
  });

  test.each(['', '/a', ':/b', '/a:', '/a:b', 'name', '/a:ro', ':ro'])('refuses %j', (text) => {
    expect(() => parseVolume(text)).toThrow(/is not SOURCE:TARGET\[:ro\]/);
  });
});

describe('sources', () => {
  test.each([
    ['~/.cache/npm', 'home/.cache/npm'],
    ['$HOME/.cache/npm/', 'home/.cache/npm'],
    ['${HOME}/.cache/npm', 'home/.cache/npm'],
    ['$REPO/lib', 'src/repo/lib'],
  ])('%s', async (source, path) => {
    expect(await resolve(source)).toEqual({ source: inBase(path), target: '/x', readOnly: false });
  });

  test('any characters that a path may have', async () => {
    expect((await resolve(inBase('x,y "z"'), { readOnly: true })).readOnly).toBe(true);
    expect((await resolve(inBase('x,y "z"'))).source).toBe(inBase('x,y "z"'));
  });

  test('the worktree, at its own place, before it exists', async () => {
    rmSync(context.worktree, { recursive: true });
    const mounted = await resolve('$WORKTREE', { target: '/workspace', origin: 'repository' });
    expect(mounted.source).toBe(context.worktree);
  });

  test.each([
    ['relative', 'MOUNT_INVALID', /is not an absolute path/],
    ['./x', 'MOUNT_INVALID', /is not an absolute path/],
    ['$UNKNOWN/x', 'MOUNT_INVALID', /unknown variable \$UNKNOWN/],
    ['${UNKNOWN}', 'MOUNT_INVALID', /unknown variable/],
    ['$(id)', 'MOUNT_INVALID', /unknown variable \$/],
    ['~root/x', 'MOUNT_INVALID', /is not an absolute path/],
    ['/no/such/place', 'MOUNT_INVALID', /does not exist/],
  ])('%s: invalid', async (source, code, message) => {
    await expect(resolve(source)).rejects.toMatchObject({
      code,
      message: expect.stringMatching(message) as unknown,
    });
  });
});

describe('never, whoever asks', () => {
  test.each<[string, RegExp]>([
    ['/', /far more than a session may see/],
    ['/etc', /belongs to the system/],
    ['/proc/self', /belongs to the system/],
    ['/dev/null', /belongs to the system/],
    ['/sys', /belongs to the system/],
    ['/run', /belongs to the system/],
    ['/var', /belongs to the system/],
    ['~', /far more than a session may see/],
    ['$HOME/../home', /far more than a session may see/],
    ['$HOME/..', /contains/],
    ['~/.ssh', /~\/\.ssh holds credentials/],
    ['~/.config', /\.config\/.* holds credentials/],
    ['~/.config/para', /~\/\.config\/para holds credentials/],
    ['~/.config/gh', /~\/\.config\/gh holds credentials/],
    ['$REPO', /contains the repository itself/],
    ['$REPO/..', /contains the repository itself/],
    ['$REPO/.git', /git's or para's own|the repository itself/],
    ['$REPO/.git/hooks', /git's or para's own/],
    ['$REPO/.para', /git's or para's own/],
    ['$WORKTREE/sub', /in the worktree, which is at \/workspace already/],
    ['$WORKTREE/../s/sub', /in the worktree, which is at \/workspace already/],
  ])('%s', async (source, reason) => {
    for (const origin of ['person', 'repository'] as const)
      await expect(resolve(source, { origin })).rejects.toMatchObject({
        code: 'MOUNT_REFUSED',
        message: expect.stringMatching(reason) as unknown,
      });
  });

  test('the worktree at a second place', async () => {
    await expect(resolve('$WORKTREE')).rejects.toMatchObject({ code: 'MOUNT_REFUSED' });
  });

  test.each([
    ['home', /far more/],
    ['home/.ssh', /credentials/],
    ['src/repo/.git', /own|repository/],
  ])('a link to %s', async (path, reason) => {
    symlinkSync(inBase(path), inBase('link'));
    await expect(resolve(inBase('link'))).rejects.toThrow(reason);
  });

  test('a home or a repository that is a link itself', async () => {
    symlinkSync(context.home, inBase('home-link'));
    context = { ...context, home: inBase('home-link') };
    await expect(resolve('~/.ssh')).rejects.toThrow(/credentials/);
    await expect(resolve(inBase('home'))).rejects.toThrow(/far more/);
  });

  test('credentials that are a file', async () => {
    writeFileSync(inBase('home/.netrc'), '');
    await expect(resolve('~/.netrc')).rejects.toThrow(/credentials/);
  });

  test('a socket, and the directory of the engine’s own', async () => {
    const server = createServer().listen(inBase('data/deep/a.sock'));
    await new Promise((done) => server.once('listening', done));
    try {
      await expect(resolve(inBase('data/deep/a.sock'))).rejects.toThrow(/it is a socket/);
      context = { ...context, endpoint: `unix://${inBase('data/deep/a.sock')}` };
      await expect(resolve(inBase('data'))).rejects.toThrow(/holds the engine's socket/);
    } finally {
      server.close();
    }
  });

  test('a name that only begins like one of these is another', async () => {
    expect((await resolve('~/.sshx')).source).toBe(inBase('home/.sshx'));
  });
});

describe('what a file of the repository asks for', () => {
  const origin = 'repository';

  test('only below what the user allows', async () => {
    await expect(resolve(inBase('data'), { origin })).rejects.toMatchObject({
      code: 'MOUNT_REFUSED',
      hint: expect.stringContaining(`docker.allowed_mounts '["${inBase('data')}"]'`) as unknown,
    });
    context = { ...context, allowed: ['/nowhere', inBase('data')] };
    expect((await resolve(inBase('data/deep'), { origin })).source).toBe(inBase('data/deep'));
  });

  test('an allowed place may be a link, and have a variable in it', async () => {
    symlinkSync(inBase('data'), inBase('home/data'));
    context = { ...context, allowed: ['$HOME/data'] };
    expect((await resolve('$HOME/data/deep', { origin })).source).toBe(inBase('data/deep'));
  });

  test('a link below an allowed place does not lead out of it', async () => {
    mkdirSync(inBase('other'));
    symlinkSync(inBase('other'), inBase('data/out'));
    context = { ...context, allowed: [inBase('data')] };
    await expect(resolve(inBase('data/out'), { origin })).rejects.toThrow(/do not allow/);
    await expect(resolve(inBase('data/../other'), { origin })).rejects.toThrow(/do not allow/);
  });

  test('a neighbour whose name only begins like an allowed one', async () => {
    mkdirSync(inBase('data-of-others'));
    context = { ...context, allowed: [inBase('data')] };
    await expect(resolve(inBase('data-of-others'), { origin })).rejects.toThrow(/do not allow/);
  });
});

describe('targets', () => {
  test.each([
    ['/cache', '/cache'],
    ['/cache/', '/cache'],
    ['/a/../cache', '/cache'],
    ['/home/me/.npm', '/home/me/.npm'],
    ['/paradise', '/paradise'],
  ])('%s', async (target, clean) => {
    expect((await resolve(inBase('data'), { target })).target).toBe(clean);
  });

  test.each([
    ...['/', '//', '/..', '/proc', '/proc/sys', '/sys/fs', '/dev', '/dev/shm', '/para', '/para/git'],
    ...['/para/../para/objects', '/run/para', '/run/para/out', '/workspace/.git', '/workspace/x'],
    ...['relative', '', 'x/../y', '/a\0b'],
  ])('refuses %j', async (target) => {
    await expect(resolve(inBase('data'), { target })).rejects.toMatchObject({ code: 'MOUNT_REFUSED' });
  });
});

test.each([
  [{ HOME: '/home/me' }, '/home/me'],
  [{ HOME: 'relative' }, homedir()],
  [{ HOME: '/' }, homedir()],
  [{}, homedir()],
])('home of %j: an absolute path, or the account’s', (env, home) => {
  expect(homeOf(env)).toBe(home);
});
