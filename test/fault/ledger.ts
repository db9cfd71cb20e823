/** All the work that there ever was in a repository's sessions, and what must hold of it whatever happens to para. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, lstatSync, readdirSync, readFileSync, realpathSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Ended, Inside } from './inside.ts';
import { secondLook } from './second-look.ts';

const run = promisify(execFile);

const IGNORED = 'ignored: ';

/** What is kept account of. */
export interface Ledger {
  /** Git as the person uses it. */
  git(args: readonly string[], cwd?: string, env?: NodeJS.ProcessEnv): Promise<string>;
  /** git of the session's container: the sealed directory, on the host's objects. */
  gitInside(session: string, args: readonly string[]): Promise<string>;
  worktree(session: string): string;
  /** These bytes are work from now on, or this commit is. */
  remember(what: { readonly bytes?: string; readonly ignored?: boolean; readonly commit?: string }): void;
  /** The account so far, for another that begins there. */
  known(): ReadonlyMap<string, string>;
  /** What git ignores may go. */
  letGo(): void;
  /** What a person destroys by hand is nobody's to keep. */
  forgive(): Promise<void>;
  /** The main checkout is changed by its owner. */
  rebase(): void;
  /** What is broken now; empty when all is well. */
  broken(): Promise<readonly string[]>;
}

/** Starts the account of a repository. */
export function openLedger(world: Inside, known: ReadonlyMap<string, string> = new Map()): Ledger {
  const { root, env } = world.repo;
  const work = new Map(known);
  const git = async (args: readonly string[], cwd = root, more: NodeJS.ProcessEnv = {}): Promise<string> =>
    (
      await run('git', ['--no-optional-locks', ...args], {
        cwd,
        env: { ...env, ...more },
        maxBuffer: 1 << 26,
      })
    ).stdout.trim();
  const heads = list(join(root, '.git/refs/heads')).filter((name) => name !== 'para');
  let main = mainOf(root, heads);
  const lost = async (): Promise<readonly string[]> => {
    const there = await present(world, git);
    return [...work].flatMap(([id, name]) => (there.has(id) ? [] : [`${id} (${name})`]));
  };
  return {
    git,
    gitInside: (session, args) => {
      const dir = join(root, '.para/state/docker', session, 'git');
      const place = { GIT_DIR: dir, GIT_WORK_TREE: join(root, '.para/worktrees', session) };
      const objects = { GIT_ALTERNATE_OBJECT_DIRECTORIES: join(root, '.git/objects') };
      return git(args, place.GIT_WORK_TREE, { ...place, ...objects });
    },
    worktree: (session) => join(root, '.para/worktrees', session),
    remember: ({ bytes, ignored = false, commit }) => {
      if (bytes !== undefined) work.set(blobOf(Buffer.from(bytes)), `${ignored ? IGNORED : ''}${bytes}`);
      if (commit !== undefined) work.set(commit, 'commit');
    },
    known: () => new Map(work),
    letGo: () => {
      for (const [id, what] of work) if (what.startsWith(IGNORED)) work.delete(id);
    },
    forgive: async () => {
      for (const line of await lost()) work.delete(line.split(' ', 1)[0] ?? '');
    },
    rebase: () => (main = mainOf(root, heads)),
    broken: async () => [
      ...(await lost()).map((text) => `I1, I2: lost ${text}`),
      ...(mainOf(root, heads) === main ? [] : ['I3: the main checkout changed']),
    ],
  };
}

/** What a command may not do, however it ends. */
export function misbehaved(world: Inside, ended: Ended, root = world.repo.root): readonly string[] {
  const { code, stdout, stderr } = ended;
  const said = stdout + stderr;
  const { base } = world.repo;
  const own = ['.para/', '.git/'].map((name) => join(realpathSync(root), name));
  const caches = join(base, 'home/.cache');
  const outside = ended.touched.filter((path) => ![...own, caches].some((dir) => `${path}/`.startsWith(dir)));
  return [
    ...(code === 70 || /^ {4}at /m.test(said) ? [`crashed: ${said}`] : []),
    ...outside.map((path) => `I6: wrote ${path}`),
    ...(code !== undefined && code !== 0 && !/✗ [^]*↳ .|\bpara \w/.test(said)
      ? [`I7: ${String(code)} without a way on: ${stderr}`]
      : []),
    ...(code === 9 ? [`I8: waited for nobody: ${stderr}`] : []),
  ];
}

/** Objects that a ref, an index or a log holds, what is committed in containers, and the files of the worktrees. */
async function present(world: Inside, git: Ledger['git']): Promise<ReadonlySet<string>> {
  const { root } = world.repo;
  const objects = ['rev-list', '--objects', '--all', '--reflog', '--indexed-objects'];
  const found = new Set<string>();
  const take = (text: string): void => {
    for (const line of text.split('\n')) found.add(line.split(' ', 1)[0] ?? '');
  };
  take(await secondLook(() => git(objects)));
  for (const session of list(join(root, '.para/state/docker'))) {
    const dir = join(root, '.para/state/docker', session, 'git');
    if (session.endsWith('.gone') || !existsSync(join(dir, 'HEAD'))) continue;
    const place = { GIT_DIR: dir, GIT_ALTERNATE_OBJECT_DIRECTORIES: join(root, '.git/objects') };
    // Of what a removal has begun with, nothing counts.
    take(await git(objects.slice(0, 3), root, place).catch(() => ''));
  }
  for (const below of ['.para/worktrees', '.para/state/kept', '.para/state/archive'])
    files(join(root, below), found);
  return found;
}

/** Adds the id of each file's bytes; those of a tar are looked for in what is in it. */
function files(path: string, found: Set<string>): void {
  for (const name of list(path)) {
    const at = join(path, name);
    const stat = lstatSync(at, { throwIfNoEntry: false });
    if (name.endsWith('.gone') || stat === undefined) continue;
    if (stat.isDirectory()) files(at, found);
    else if (stat.isFile() && name.endsWith('.tar')) tar(readFileSync(at), found);
    else if (stat.isFile() && stat.size < 65_536) found.add(blobOf(readFileSync(at)));
  }
}

/** Headers of 512 bytes with the size at 124, in octal; then the bytes, filled up to 512. */
function tar(bytes: Buffer, found: Set<string>): void {
  for (let at = 0; at + 512 <= bytes.length;) {
    const size = Number.parseInt(bytes.toString('latin1', at + 124, at + 135), 8) || 0;
    found.add(blobOf(bytes.subarray(at + 512, at + 512 + size)));
    at += 512 + Math.ceil(size / 512) * 512;
  }
}

function blobOf(bytes: Buffer): string {
  return createHash('sha1')
    .update(`blob ${String(bytes.length)}\0`)
    .update(bytes)
    .digest('hex');
}

/** I3: everything of the main checkout that is its owner's. */
function mainOf(root: string, heads: readonly string[]): string {
  const text = (path: string): string =>
    existsSync(join(root, path)) ? readFileSync(join(root, path), 'latin1') : '';
  const own = ['HEAD', 'index', 'config', 'logs/HEAD'].map((name) => text(`.git/${name}`));
  const packed = text('.git/packed-refs')
    .split('\n')
    .filter((line) => !/refs\/(heads\/)?para\//.test(line));
  return JSON.stringify([
    ...own,
    ...packed,
    ...heads.map((name) => `${name} ${text(`.git/refs/heads/${name}`)}`),
    ...list(root)
      .map((name) => (lstatSync(join(root, name)).isFile() ? `${name} ${text(name)}` : name))
      .filter((name) => name !== '.para'),
  ]);
}

function list(path: string): readonly string[] {
  try {
    return readdirSync(path).sort();
  } catch {
    return [];
  }
}
