/** What no commit can hold: ignored files and nested repositories of a worktree, kept as a tar beside the archive. */
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { ParaError } from '../errors.ts';
import { ignoredFiles } from '../git/ignored.ts';
import { lookAt, type Look } from '../git/look.ts';
import type { Repository } from '../git/repository.ts';
import { nestedIn } from '../git/stage.ts';
import { requireAdminDir, worktreePlace } from '../git/worktrees.ts';
import type { Places } from './store.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { ignoreAbsent } from '../sys/files.ts';
import { together } from '../sys/together.ts';

/** What git sees in a worktree, and what no commit can hold of it. */
export interface Unheld {
  readonly look: Look;
  /** Paths of ignored files, and of nested repositories. */
  readonly unheld: readonly string[];
}

/** Looks without looking into files. @throws GIT_FAILED, REFUSED for a directory that git can not open */
export async function unheldIn(repo: Repository, worktree: string): Promise<Unheld> {
  const place = worktreePlace(repo, await requireAdminDir(repo, worktree), worktree);
  const [ignored, look] = await together([
    ignoredFiles(repo, worktree),
    lookAt(repo.git, { place, changed: false }),
  ]);
  return { look, unheld: [...ignored, ...(await nestedIn(worktree, look))] };
}

/** Where the tar of an archive is. */
export function tarOf(places: Places, session: string, time: string): string {
  return join(places.state, 'archive', `${session}-${time}.tar`);
}

/** Where an archive keeps what the host had for the session: its agent's record and logs, its container's git and home. */
export function stateOf(places: Places, session: string, time: string): string {
  return join(dirname(tarOf(places, session, time)), `${session}-${time}.state`);
}

/** Puts that aside, or back. Nothing to move is no error: an earlier one that was cut short has moved it. */
export async function moveState(from: string, to: string): Promise<void> {
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  await rename(from, to).catch(ignoreAbsent);
}

/** Every tar that there is, and when what it belongs to was done. */
export async function listTars(
  places: Places,
): Promise<readonly { readonly path: string; readonly time: string }[]> {
  const dir = dirname(tarOf(places, '', ''));
  return (await readdir(dir).catch(() => [])).flatMap((file) => {
    const time = /-(\d{8}T\d{9}Z)\.tar$/.exec(file)?.[1];
    return time === undefined ? [] : [{ path: join(dir, file), time }];
  });
}

/** Writes the tar whole or not at all; links are kept as links. @throws COMMAND_FAILED */
export async function packFiles(worktree: string, paths: readonly string[], to: string): Promise<void> {
  const { create } = await import('tar');
  await mkdir(dirname(to), { recursive: true, mode: 0o700 });
  const temporary = `${to}.${String(process.pid)}.tmp`;
  try {
    // A leading @ means another archive to tar's own notation.
    await create(
      { cwd: worktree, file: temporary, portable: false, mode: 0o600 },
      paths.map((path) => `./${path}`),
    );
    await rename(temporary, to);
  } catch (cause) {
    await rm(temporary, { force: true });
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new ParaError('COMMAND_FAILED', `the ignored files can not be archived: ${why}`, {
      hint: `df -h ${shellQuote(dirname(to))}`,
      cause,
    });
  }
}

/** Puts them back; false when there is no such tar. */
export async function unpackFiles(from: string, worktree: string): Promise<boolean> {
  if ((await stat(from).catch(() => undefined)) === undefined) return false;
  const { extract } = await import('tar');
  // preservePaths stays off: nothing is written outside, or through a link.
  await extract({ cwd: worktree, file: from, preserveOwner: false });
  return true;
}

/** What a person said about it. */
export interface Keeping {
  readonly archive: boolean;
  readonly force: boolean;
}

/**
 * Decides about what would go with the worktree: nothing is there, it is packed, or a person lets it go.
 * @throws REFUSED naming it, with both ways out
 */
export function decideKeep(
  left: readonly string[],
  how: Keeping,
  command: string,
): 'nothing' | 'pack' | 'drop' {
  if (left.length === 0) return 'nothing';
  if (how.archive) return 'pack';
  if (how.force) return 'drop';
  const named = left
    .slice(0, 6)
    .map((path) => JSON.stringify(path))
    .join(', ');
  throw new ParaError(
    'REFUSED',
    `no commit can hold these, and they would go with the worktree: ${named}${left.length > 6 ? ', …' : ''}`,
    {
      hint: `Keep them in a tar:  ${command} --archive-ignored\nLet them go:         ${command} --force`,
      details: { paths: left },
    },
  );
}
