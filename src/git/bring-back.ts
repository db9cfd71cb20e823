/**
 * Brings the commits of a sealed git directory home as data (facts/sealed-git.md, steps 6–8). git never runs in
 * the sealed directory: its config, hooks and `info/` belong to whoever worked in the container.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ParaError } from '../errors.ts';
import { readSealedRefs } from './untrusted.ts';
import { type Repository, worktreesDir } from './repository.ts';
import { commitOf, objectsOf } from './refs.ts';
import { type Candidate, chooseTip, headAway } from './bring-back-tip.ts';
import { importTips } from './bring-back-import.ts';
import { compare } from './ancestry.ts';
import { followBranch, markIndex, type Indexed } from './index-refresh.ts';
import { requireBounded } from './bounded.ts';
import { inboxRef, metaRef } from './sealed.ts';
import { snapshotOfStaged } from './snapshot.ts';
import { shellQuote } from '../sys/shell-quote.ts';

/** What to bring back. */
export interface BringBackRequest {
  readonly repo: Repository;
  readonly session: string;
  readonly sealedDir: string;
  readonly branch: string;
  /** Default: `<root>/.para/worktrees/<session>`. */
  readonly worktreePath?: string | undefined;
}

/** What came back. `commits` counts what is new on the branch. */
export interface BroughtBack {
  readonly before: string;
  readonly after: string;
  readonly commits: number;
  readonly moved: boolean;
  /** The branch was rewritten inside; the old tip is kept under this ref. */
  readonly kept: string | undefined;
  /** The branch that HEAD was on inside, when it was another one and its commits were taken. */
  readonly takenFrom: string | undefined;
  /** The tip inside; undefined when there is no sealed directory. It differs from `after` when the host went on alone. */
  readonly inside: string | undefined;
  /** HEAD inside, when it is somewhere else than on the branch, and not after it. */
  readonly headAway: string | undefined;
  /** A snapshot of what was staged on the host, when it could not stay staged. */
  readonly stagedKept: string | undefined;
  /** Other heads, tags and the stash made inside, under `refs/para/inbox/<session>/`. */
  readonly others: readonly string[];
}

/** Forgets the tip that was taken last from a container that is gone. Safe to repeat. */
export async function dropPins(repo: Repository, session: string): Promise<void> {
  await deleteRefs(repo, [inboxRef(session)]);
}

/** Forgets all that git itself remembers of a session that is over. Safe to repeat. */
export async function forgetSession(repo: Repository, session: string): Promise<void> {
  await deleteRefs(repo, [metaRef(session), inboxRef(session)]);
}

async function deleteRefs(repo: Repository, refs: readonly string[]): Promise<void> {
  const input = refs.map((ref) => `delete ${ref}\n`).join('');
  await repo.git.text({ args: ['update-ref', '--stdin'], input, place: { gitDir: repo.commonDir } });
}

/**
 * Moves the session's branch to what was committed inside, if the branch did not move on the host too, and
 * makes the worktree's index agree. Safe to repeat.
 * @throws REFUSED when both sides moved (both are kept) or the branch is gone inside, GIT_FAILED when the objects
 * are broken.
 */
export async function bringBack(request: BringBackRequest): Promise<BroughtBack> {
  const { repo, branch, session } = request;
  const sealed = await readSealedRefs(request.sealedDir, repo.objectFormat === 'sha256' ? 64 : 40);
  const all = candidatesOf(sealed.refs, sealed.head, branch);
  const [before, inbox, meta, ...there] = await objectsOf(repo, [
    ...[`refs/heads/${branch}`, inboxRef(session), metaRef(session)].map((ref) => `${ref}^{commit}`),
    ...all.map(({ oid }) => oid),
  ]);
  if (before === undefined)
    throw new ParaError('GIT_FAILED', `the branch ${branch} does not exist`, {
      hint: `para recover ${session}`,
    });
  const others = await importTips(
    request,
    all.filter((_, index) => there[index] === undefined),
  );
  const chosen = await chooseTip(repo, sealed, branch);
  if (chosen === undefined && existsSync(request.sealedDir)) throw branchGone(request, before);
  const host = { before, inbox, last: inbox ?? meta };
  const result = chosen === undefined ? unmoved(before) : await settle(request, host, chosen);
  let stagedKept: string | undefined;
  await followBranch({ ...indexed(request), tip: result.after }, async () => {
    const from = { repo, session, branch, worktreePath: indexed(request).path };
    stagedKept = (await snapshotOfStaged(from, 'before the index followed the container')).ref;
  });
  return { ...result, inside: chosen?.oid, others, headAway: headAway(sealed, chosen?.oid), stagedKept };
}

function indexed({ repo, worktreePath, session, branch }: BringBackRequest): Indexed {
  return { repo, path: worktreePath ?? join(worktreesDir(repo), session), branch };
}

function unmoved(before: string): Settled {
  return { before, after: before, commits: 0, moved: false, kept: undefined, takenFrom: undefined };
}

/** What the refs of a sealed directory name. */
function candidatesOf(
  refs: ReadonlyMap<string, string>,
  head: string | undefined,
  branch: string,
): readonly Candidate[] {
  const all: Candidate[] = [...refs].map(([name, oid]) => ({
    name,
    oid,
    own: name === `refs/heads/${branch}`,
  }));
  if (head !== undefined && !head.startsWith('refs/')) all.push({ name: 'detached', oid: head, own: false });
  return all;
}

type Settled = Omit<BroughtBack, 'others' | 'inside' | 'headAway' | 'stagedKept'>;

/** The host's side: where the branch is, and the tip that both sides had last. */
interface Host {
  readonly before: string;
  readonly inbox: string | undefined;
  readonly last: string | undefined;
}

/** Compares both sides and moves the branch, or says why not. */
async function settle(
  request: BringBackRequest,
  { before, inbox, last }: Host,
  { oid: after, from }: { oid: string; from: string | undefined },
): Promise<Settled> {
  const { repo, session, branch } = request;
  const update = (lines: readonly string[]): Promise<string> =>
    repo.git.text({
      args: ['update-ref', '-m', 'para: bring back', '--stdin'],
      input: lines.map((line) => `${line}\n`).join(''),
      place: { gitDir: repo.commonDir },
    });
  if (before === after) {
    if (inbox !== after) await update([`update ${inboxRef(session)} ${after}`]);
    return unmoved(before);
  }
  const { ofOne: onHost, ofOther: commits } = await compare(repo, before, after);
  const forward = onHost === 0;
  if (!forward && before !== last) {
    if (commits === 0) return unmoved(before);
    await update([`update ${inboxRef(session, 'incoming')} ${after}`]);
    throw bothMoved(request, after);
  }
  await requireBounded(repo, after);
  const kept = forward ? undefined : await freeSnapRef(repo, session);
  await markIndex(indexed(request), before);
  await update([
    `update refs/heads/${branch} ${after} ${before}`,
    `update ${inboxRef(session)} ${after}`,
    `delete ${inboxRef(session, 'incoming')}`,
    ...(kept === undefined ? [] : [`create ${kept} ${before}`]),
  ]);
  return { before, after, commits, moved: true, kept, takenFrom: from };
}

/** There always was one: whatever was committed on it can not be found, and must not be thrown away unseen. */
function branchGone({ session, branch }: BringBackRequest, before: string): ParaError {
  const ref = `/para/git/refs/heads/${branch}`;
  return new ParaError('REFUSED', `the git directory of the container has no branch ${branch} any more`, {
    hint: `look there: para docker exec ${session} -- ls -lR /para/git/refs\nor go on without its commits: para docker exec ${session} -- sh -c 'mkdir -p "$(dirname ${ref})" && echo ${before} >${ref}'`,
    details: { branch },
  });
}

/** A plain merge would refuse: to git, the files that the other side made are changes nobody committed. */
function bothMoved({ repo, session, branch, worktreePath }: BringBackRequest, tip: string): ParaError {
  const incoming = inboxRef(session, 'incoming');
  const path = worktreePath ?? join(worktreesDir(repo), session);
  const merge = `git merge -s ours --no-commit ${incoming} && git add -A && git commit --no-edit`;
  return new ParaError(
    'REFUSED',
    `${branch} got commits both on the host and in the container; both are kept`,
    {
      hint: `The worktree's files are those of both sides. To make one commit of them that follows both:\ncd ${shellQuote(path)} && ${merge}\nor take the container's commits alone (the host's stay at refs/para/snap/${session}/host):\ncd ${shellQuote(path)} && git update-ref refs/para/snap/${session}/host refs/heads/${branch} && git update-ref refs/heads/${branch} ${incoming} && git reset -q`,
      details: { branch, incoming, commit: tip },
    },
  );
}

async function freeSnapRef(repo: Repository, session: string): Promise<string> {
  for (let n = 1; ; n += 1) {
    const ref = `refs/para/snap/${session}/${String(n)}`;
    if ((await commitOf(repo, ref)) === undefined) return ref;
  }
}
