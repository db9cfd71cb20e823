/**
 * What git itself remembers of a session: a commit under `refs/para/meta/<session>` whose parent is the base, which it
 * keeps from the host's gc, and whose message says what the session is. It outlives the loss of para's own files.
 */
import { PARA_IDENTITY } from './identity.ts';
import { type Repository, place } from './repository.ts';
import { inboxRef, metaRef } from './sealed.ts';

/** A session, as its ref says. */
export interface Meta {
  readonly session: string;
  readonly about: string;
}

/** Writes it, or writes it anew; with `common`, the tip that repository and container have in common is said too. @throws GIT_FAILED */
export async function writeMeta(
  repo: Repository,
  { session, about }: Meta,
  { base, common }: { readonly base: string; readonly common?: string | undefined },
): Promise<void> {
  const commit = await repo.git.text({
    args: ['commit-tree', `${base}^{tree}`, '-p', base],
    input: about,
    place: place(repo),
    env: PARA_IDENTITY,
  });
  const inbox = common === undefined ? '' : `update ${inboxRef(session)} ${common}\n`;
  const input = `update ${metaRef(session)} ${commit}\n${inbox}`;
  await repo.git.text({ args: ['update-ref', '--stdin'], input, place: place(repo) });
}

/** Every session that git remembers, or the one. @throws GIT_FAILED */
export async function readMetas(repo: Repository, session?: string): Promise<readonly Meta[]> {
  const prefix = metaRef('');
  const format = '%(refname)%00%(contents)%00';
  const listed = await repo.git.bytes({
    args: ['for-each-ref', `--format=${format}`, session === undefined ? prefix : metaRef(session)],
    place: place(repo),
    read: true,
  });
  const fields = listed.toString('utf8').split('\0');
  return Array.from({ length: Math.floor(fields.length / 2) }, (_, index) => ({
    session: (fields[2 * index] ?? '').trim().slice(prefix.length),
    about: fields[2 * index + 1] ?? '',
  }));
}
