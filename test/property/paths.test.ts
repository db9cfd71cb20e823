import { afterAll, expect } from '@jest/globals';
import fc from 'fast-check';
import {
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, sep } from 'node:path';
import { beyondAllowed, resolveMount, type MountContext, type MountOrigin } from '../../src/docker/mounts.ts';
import { ParaError } from '../../src/errors.ts';
import { fuzz } from './fuzz.ts';

const top = realpathSync(mkdtempSync(join(tmpdir(), 'para-fuzz-paths-')));
afterAll(() => {
  rmSync(top, { recursive: true });
});

const DIRS = [
  ...['allowed', 'allowed/deep', 'allowed-not', 'other', 'home', 'home/.ssh', 'home/.config', 'home/work'],
  ...['home/repo', 'home/repo/.git', 'home/repo/src', 'home/repo/.para', 'home/repo/.para/worktrees'],
  ...['home/repo/.para/worktrees/s', 'home/repo/.para/worktrees/s/sub', 'home/repo/.para/worktrees/t'],
];
const LINKS = ['l1', 'l2', 'l3', 'l4'];
const WORDS = [
  '..',
  '.',
  '',
  'deep',
  'home',
  '.ssh',
  'repo',
  '.git',
  'src',
  'sub',
  'other',
  'allowed',
  ...LINKS,
];
const STARTS = ['$HOME', '${HOME}', '~', '$REPO', '$WORKTREE', '/etc', '/', '/proc/self', '$X', '~root', ''];

/** Each of these has each of the links. */
const LINKED = ['allowed', 'allowed/deep', 'other', 'home/work', 'home/repo/src'];
const leadsTo = fc.oneof(
  fc.constantFrom(...LINKED, ...LINKED, ...DIRS).map((path) => join(top, 'now', path)),
  fc.constantFrom('/etc', '/', '..', '../..', '../l1', 'l2', '.', '/proc/self/cwd', 'nowhere'),
);
const inputs = fc.record({
  links: fc.array(leadsTo, {
    minLength: LINKED.length * LINKS.length,
    maxLength: LINKED.length * LINKS.length,
  }),
  start: fc.oneof(
    fc.constantFrom(...STARTS),
    fc.constantFrom(...DIRS, ...LINKED, ...LINKED, ...LINKED).map((dir) => join(top, 'now', dir)),
  ),
  words: fc.oneof(
    fc.array(fc.constantFrom(...LINKS), { maxLength: 3 }),
    fc.array(fc.constantFrom(...WORDS), { maxLength: 5 }),
  ),
  target: fc.oneof(
    { weight: 4, arbitrary: fc.constantFrom('/data', '/a/./b') },
    fc.constantFrom('/workspace', '/data/../proc', '/', '/run/para'),
  ),
  origin: fc.constantFrom<MountOrigin>('repository', 'person'),
});
type Input = typeof inputs extends fc.Arbitrary<infer T> ? T : never;

const base = join(top, 'now');
const repo = join(base, 'home/repo');
const context: MountContext = {
  ...{ worktree: join(repo, '.para/worktrees/s'), repo, home: join(base, 'home') },
  allowed: [join(base, 'allowed')],
};
for (const dir of DIRS) mkdirSync(join(base, dir), { recursive: true });
writeFileSync(join(base, 'home/.netrc'), '');

/** Puts links into the farm, instead of those of the input before. */
function plant(links: Input['links']): void {
  for (const path of planted.splice(0)) unlinkSync(path);
  for (const [index, to] of links.entries()) {
    const dir = LINKED[Math.floor(index / LINKS.length)] ?? '';
    const path = join(base, dir, LINKS[index % LINKS.length] ?? '');
    symlinkSync(to, path);
    planted.push(path);
  }
}
const planted: string[] = [];

const within = (path: string, root: string): boolean => path === root || path.startsWith(root + sep);

async function orRefused<T>(work: Promise<T>): Promise<T | undefined> {
  return work.catch((error: unknown) => {
    if (error instanceof ParaError && error.hint !== undefined) return undefined;
    throw error;
  });
}

fuzz('P6', 'no path leads out of what is allowed, whatever links there are', inputs, async (input) => {
  plant(input.links);
  const request = {
    ...{ source: [input.start, ...input.words].join('/'), target: input.target },
    ...{ origin: input.origin, readOnly: false },
  };
  const mount = await orRefused(resolveMount(request, context));
  const beyond = await orRefused(beyondAllowed({ ...request, origin: 'repository' }, context));
  // What needs approval, and what is had without, are apart.
  if (input.origin === 'repository' && mount !== undefined) expect(beyond).toBeUndefined();
  for (const one of [mount, beyond]) {
    if (one === undefined) continue;
    expect(['/data', '/workspace', '/a/b']).toContain(one.target);
    if (one.source === context.worktree) {
      expect(one.target).toBe('/workspace');
      continue;
    }
    expect(realpathSync(one.source)).toBe(one.source);
    for (const denied of [
      '/etc',
      '/proc',
      join(context.home, '.ssh'),
      join(context.repo, '.git'),
      join(context.repo, '.para'),
    ])
      expect(within(one.source, denied) || within(denied, one.source)).toBe(false);
  }
  if (input.origin === 'repository' && mount !== undefined && mount.source !== context.worktree)
    expect(within(mount.source, join(top, 'now/allowed'))).toBe(true);
  return mount !== undefined || beyond !== undefined;
});
