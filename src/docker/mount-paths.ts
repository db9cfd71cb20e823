/**
 * Where mounts lead once they are decided. Engines follow links anew at each start of a container, and what runs in one
 * can put a link into any directory that it may write to: so a source must lead where it led, and none may be below
 * another that is writable.
 */
import { lstat } from 'node:fs/promises';
import { ParaError } from '../errors.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import type { Mount } from './driver.ts';
import { firstLink, isWithin, real } from './host-path.ts';

/** Stands for the repository in what is noted: it may be moved, and its sessions with it. */
const REPO = '$REPO';

/** A path as a record keeps it. `repo` is the repository's main checkout, links resolved. */
export function noted(path: string, repo: string): string {
  return isWithin(path, repo) ? `${REPO}${path.slice(repo.length)}` : path;
}

/** The path of what was noted, whatever is there now. */
export async function asNoted(path: string, repo: string): Promise<string> {
  return path.startsWith(REPO) ? `${await real(repo)}${path.slice(REPO.length)}` : path;
}

/** The same, when it still leads nowhere else. @throws MOUNT_REFUSED, MOUNT_INVALID */
export async function notedPath(path: string, repo: string): Promise<string> {
  return requireUnmoved(await asNoted(path, repo));
}

/** @throws MOUNT_REFUSED when the path leads elsewhere by now, MOUNT_INVALID when nothing is there */
async function requireUnmoved(path: string): Promise<string> {
  const found = await firstLink(path);
  if (found !== undefined)
    throw new ParaError(
      'MOUNT_REFUSED',
      `${found.link} is a link to ${JSON.stringify(found.to)} now, and was none when the mount of ${path} was decided`,
      {
        hint: `Look who has put it there, and put back what was there:\nls -ld ${shellQuote(found.link)}`,
        details: { source: path, link: found.link, leads_to: found.to },
      },
    );
  const isThere = await lstat(path).then(
    () => true,
    () => false,
  );
  if (isThere) return path;
  throw new ParaError('MOUNT_INVALID', `the mount source ${path} does not exist any more`, {
    hint: `mkdir -p ${shellQuote(path)}`,
  });
}

/** A mount, and the session whose container has it; that of the container in question when there is none. */
export interface OwnedMount extends Pick<Mount, 'source' | 'readOnly'> {
  readonly session?: string;
}

/**
 * Refuses what could be led elsewhere from inside: by the container itself, or by another session's. Both sources may be
 * the same; it is what lies in a writable one that can be replaced. @throws MOUNT_REFUSED
 */
export function refuseNested(mine: readonly OwnedMount[], others: readonly OwnedMount[]): void {
  for (const one of mine) {
    for (const other of [...mine, ...others]) {
      requireApart(one, other);
      requireApart(other, one);
    }
  }
}

function requireApart(inner: OwnedMount, outer: OwnedMount): void {
  if (outer.readOnly || inner.source === outer.source || !isWithin(inner.source, outer.source)) return;
  const whose = outer.session === undefined ? 'the container' : `the container of ${outer.session}`;
  const of = inner.session === undefined ? '' : `, which ${inner.session} mounts,`;
  throw new ParaError(
    'MOUNT_REFUSED',
    `${inner.source}${of} lies in ${outer.source}, to which ${whose} can write: what runs there could put a link in its place`,
    {
      hint: 'Mount the outer one alone, or read-only (:ro), or two that lie beside each other.',
      details: { source: inner.source, within: outer.source, session: outer.session ?? null },
    },
  );
}
