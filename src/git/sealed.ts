/**
 * The sealed git directory: a private git directory for the container, made of plain files, that borrows the
 * repository's objects read-only (facts/sealed-git.md, steps 2–4). git never runs in it on the host.
 */
import { cp, mkdir, readFile, readdir, rename, writeFile } from 'node:fs/promises';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { removeTree } from '../sys/remove-tree.ts';
import { succeeded } from '../sys/run.ts';
import { type Repository, place } from './repository.ts';
import { requireAdminDir } from './worktrees.ts';
import { together } from '../sys/together.ts';

/** A mount the container needs. */
export interface SealedMount {
  readonly source: string;
  readonly target: string;
  readonly readOnly: boolean;
}

/** What to seal. */
export interface SealedRequest {
  readonly repo: Repository;
  readonly session: string;
  readonly worktreePath: string;
  readonly branch: string;
  readonly base: string;
  /** git knows already that the base is what both sides have (writeMeta). */
  readonly isPinned?: boolean;
  /** The directory that becomes the git directory; its neighbour `gitfile` is the pointer. */
  readonly dir: string;
}

/** A sealed git directory. */
export interface Sealed {
  readonly dir: string;
  readonly gitFile: string;
  readonly mounts: readonly SealedMount[];
}

/** The ref that says what a session is, and keeps its base from the host's gc (meta.ts). */
export function metaRef(session: string): string {
  return `refs/para/meta/${session}`;
}

/** The ref that records the last tip that the repository and the container had in common. */
export function inboxRef(session: string, name = 'head'): string {
  return `refs/para/inbox/${session}/${name}`;
}

/**
 * Makes the sealed directory anew, whole or not at all, and pins the base. What was in `dir` before is removed: bring
 * back first.
 * @throws GIT_FAILED
 */
export async function createSealed(request: SealedRequest): Promise<Sealed> {
  const { repo, base, session } = request;
  if (request.isPinned !== true)
    await repo.git.text({
      args: ['update-ref', '--end-of-options', inboxRef(session), base],
      place: place(repo),
    });
  const made = `${request.dir}.new`;
  await removeTree(made);
  const chain = await fill({ ...request, dir: made });
  await removeTree(request.dir);
  await rename(made, request.dir);
  const gitFile = gitFileOf(request.dir);
  await writeFile(gitFile, POINTER);
  return { dir: request.dir, gitFile, mounts: mountsOf(request.dir, chain) };
}

/** Writes all of it. @returns the repository's object directories */
async function fill(request: SealedRequest): Promise<readonly string[]> {
  const { repo, dir, branch, base } = request;
  for (const sub of ['objects/info', 'objects/pack', 'refs/heads', 'refs/tags', 'info', 'logs', 'hooks']) {
    await mkdir(join(dir, sub), { recursive: true });
  }
  const chain = await objectChain(join(repo.commonDir, 'objects'));
  await writeFile(
    join(dir, 'objects/info/alternates'),
    chain.map((_, index) => `${targetOf(index)}\n`).join(''),
  );
  await mkdir(dirname(join(dir, 'refs/heads', branch)), { recursive: true });
  await writeFile(join(dir, 'refs/heads', branch), `${base}\n`);
  await writeFile(join(dir, 'HEAD'), `ref: refs/heads/${branch}\n`);
  const [refs, config] = await together([snapshotOfRefs(repo, branch), configOf(repo)]);
  await writeFile(join(dir, 'packed-refs'), refs);
  await writeFile(join(dir, 'config'), config);
  await copyIndex(request);
  const shallow = await readFile(join(repo.commonDir, 'shallow')).catch(() => undefined);
  if (shallow !== undefined) await writeFile(join(dir, 'shallow'), shallow);
  return chain;
}

/**
 * The pointer alone, for a container without git: what runs inside can then not put another `.git` in its place,
 * which the user's own git, or a shell's prompt, would follow.
 */
export async function maskGit(dir: string): Promise<SealedMount> {
  await writeFile(gitFileOf(dir), POINTER);
  return pointerMount(dir);
}

/** The mounts of a sealed directory that exists already. */
export async function sealedMounts(repo: Repository, dir: string): Promise<readonly SealedMount[]> {
  return mountsOf(dir, await objectChain(join(repo.commonDir, 'objects')));
}

function gitFileOf(dir: string): string {
  return join(dirname(dir), 'gitfile');
}

const POINTER = 'gitdir: /para/git\n';

function pointerMount(dir: string): SealedMount {
  return { source: gitFileOf(dir), target: '/workspace/.git', readOnly: true };
}

function mountsOf(dir: string, chain: readonly string[]): readonly SealedMount[] {
  return [
    pointerMount(dir),
    { source: dir, target: '/para/git', readOnly: false },
    ...chain.map((source, index) => ({ source, target: targetOf(index), readOnly: true })),
  ];
}

function targetOf(index: number): string {
  return index === 0 ? '/para/objects' : `/para/objects-${String(index)}`;
}

/**
 * The repository's object directory and those it borrows from, nearest first. The sealed directory names all
 * of them itself: the paths in the repository's own alternates file mean nothing inside.
 */
export async function objectChain(objects: string): Promise<readonly string[]> {
  const chain = [objects];
  for (let index = 0; index < chain.length && chain.length < 20; index += 1) {
    const here = chain[index] ?? '';
    const text = await readFile(join(here, 'info/alternates'), 'utf8').catch(() => '');
    for (const line of text.split('\n')) {
      if (line === '' || line.startsWith('#')) continue;
      const next = isAbsolute(line) ? line : resolve(here, line);
      if (!chain.includes(next)) chain.push(next);
    }
  }
  return chain;
}

/** Other branches, tags and remote branches, so that `git log main..` works inside. */
async function snapshotOfRefs(repo: Repository, branch: string): Promise<string> {
  const format = '%(objectname) %(refname)';
  const args = ['for-each-ref', `--format=${format}`, 'refs/heads', 'refs/tags', 'refs/remotes'];
  const listed = await repo.git.text({ args, place: place(repo), read: true });
  const kept = listed
    .split('\n')
    .filter(
      (line) =>
        line !== '' && !line.endsWith(` refs/heads/${branch}`) && !/ refs\/remotes\/.*\/HEAD$/.test(line),
    );
  return `# pack-refs with: sorted \n${kept
    .sort(byRefName)
    .map((line) => `${line}\n`)
    .join('')}`;
}

function byRefName(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a.slice(a.indexOf(' '))), Buffer.from(b.slice(b.indexOf(' '))));
}

/** The part of a git directory's config without which git does not read it. */
export function formatConfig(objectFormat: Repository['objectFormat'], isBare: boolean): string {
  const sha256 = objectFormat === 'sha256';
  return [
    `[core]\n\trepositoryformatversion = ${sha256 ? '1' : '0'}\n\tbare = ${String(isBare)}\n\tlogallrefupdates = true\n\tfilemode = true\n`,
    sha256 ? '[extensions]\n\tobjectformat = sha256\n' : '',
  ].join('');
}

async function configOf(repo: Repository): Promise<string> {
  const identity = await callerIdentity(repo);
  const user =
    identity === undefined
      ? ''
      : `[user]\n\tname = ${quoted(identity.name)}\n\temail = ${quoted(identity.email)}\n`;
  return [
    formatConfig(repo.objectFormat, false),
    `[gc]\n\tauto = 0\n[maintenance]\n\tauto = false\n${user}`,
  ].join('');
}

/** The identity git would commit with, if the user configured one. */
export async function callerIdentity(repo: Repository): Promise<{ name: string; email: string } | undefined> {
  const call = {
    args: ['var', 'GIT_AUTHOR_IDENT'],
    config: ['user.useConfigOnly=true'],
    place: place(repo),
    cwd: repo.root,
    read: true,
  };
  const answer = await repo.git.attempt(call);
  const [, name, email] =
    /^(.*) <(.*)> \d+ [+-]\d+\n?$/.exec(Buffer.from(answer.stdoutBytes).toString('utf8')) ?? [];
  return succeeded(answer) && name !== undefined && email !== undefined ? { name, email } : undefined;
}

/** A value as git-config(1) reads it back. */
function quoted(value: string): string {
  const clean = value.replaceAll(/\p{Cc}/gu, ' ');
  return `"${clean.replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;
}

async function copyIndex({ repo, worktreePath, dir }: SealedRequest): Promise<void> {
  const admin = await requireAdminDir(repo, worktreePath);
  for (const name of await readdir(admin)) {
    // With its time, or git would miss what is changed in the second that it was made in.
    if (name === 'index' || name.startsWith('sharedindex.'))
      await cp(join(admin, name), join(dir, name), { preserveTimestamps: true });
  }
}
