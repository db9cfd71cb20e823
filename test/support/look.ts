/** What a repository looks like from outside, read without para: to compare before and after. */
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { repoId, words, type World } from './para.ts';

/** Every file below `root`: path → `<mode> <git blob hash>`, as a commit would hold it. */
export function blobs(root: string): Record<string, string> {
  const found: Record<string, string> = {};
  for (const path of walk(root)) {
    const stat = lstatSync(join(root, path));
    const link = stat.isSymbolicLink();
    const content = link ? Buffer.from(readlinkSync(join(root, path))) : readFileSync(join(root, path));
    const hash = createHash('sha1')
      .update(`blob ${String(content.length)}\0`)
      .update(content)
      .digest('hex');
    found[path] = `${link ? '120000' : (stat.mode & 0o100) === 0 ? '100644' : '100755'} ${hash}`;
  }
  return found;
}

/** The same, of a commit. */
export async function committedBlobs(
  world: World,
  root: string,
  commit: string,
): Promise<Record<string, string>> {
  const text = await world.out(['git', 'ls-tree', '-r', '-z', '--full-tree', commit], { cwd: root });
  const entries = text.split('\0').filter((line) => line !== '');
  return Object.fromEntries(
    entries.map((line) => {
      const [facts = '', path = ''] = line.split('\t');
      const [mode, , hash] = facts.split(' ');
      return [path, `${String(mode)} ${String(hash)}`];
    }),
  );
}

/** Files and links below `root`, without git's and para's own. */
export function walk(root: string, below = ''): string[] {
  return readdirSync(join(root, below), { withFileTypes: true }).flatMap((entry) => {
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    if (path === '.git' || /(^|\/)\.para\/(worktrees|state)$/.test(path)) return [];
    return entry.isDirectory() ? walk(root, path) : [path];
  });
}

/** All of the main checkout that para must not change. */
export async function mainCheckout(world: World, root: string): Promise<object> {
  const git = (...args: string[]): Promise<string> =>
    world.out(['git', '--no-optional-locks', ...args], { cwd: root });
  const refs = await git('for-each-ref', '--format=%(refname) %(objectname)');
  const bytes = (name: string): string => {
    const file = join(root, '.git', name);
    return existsSync(file) ? readFileSync(file).toString('base64') : 'none';
  };
  return {
    files: blobs(root),
    status: await git('status', '--porcelain=v2', '--branch', '-uall'),
    stash: await git('stash', 'list'),
    refs: refs.split('\n').filter((ref) => !/^refs\/((heads|remotes\/[^/]+)\/)?para\//.test(ref)),
    HEAD: bytes('HEAD'),
    index: bytes('index'),
    config: bytes('config'),
    hooks: readdirSync(join(root, '.git', 'hooks')).sort(),
    log: bytes('logs/HEAD'),
  };
}

/** What sessionTraces and engineTraces say where no session ever was. */
export const NO_TRACES = {
  refs: [],
  registered: 0,
  worktrees: [],
  records: [],
  docker: [],
  heldLocks: [],
} as const;

/** Containers and networks that belong to a repository's sessions. */
export async function engineTraces(world: World, root: string): Promise<readonly string[]> {
  const filter = ['--filter', `label=para.repo=${repoId(root)}`];
  const containers = await world.engine('ps', '-a', ...filter, '--format', '{{.Names}}');
  const networks = await world.engine('network', 'ls', ...filter, '--format', '{{.Name}}');
  return [...words(containers), ...words(networks)];
}

/** Everything that sessions left in a repository, locks apart: branches, worktrees, state. */
export async function sessionTraces(world: World, root: string): Promise<object> {
  const list = (path: string): string[] =>
    existsSync(join(root, path)) ? readdirSync(join(root, path)).sort() : [];
  const refs = ['for-each-ref', '--format=%(refname)', 'refs/heads/para', 'refs/para'];
  return {
    refs: words(await world.out(['git', ...refs], { cwd: root })),
    registered: (await world.out(['git', 'worktree', 'list'], { cwd: root })).split('\n').length - 1,
    worktrees: list('.para/worktrees'),
    records: list('.para/state').filter((name) => name !== 'locks' && name !== 'docker'),
    docker: list('.para/state/docker'),
    heldLocks: list('.para/state/locks'),
  };
}
