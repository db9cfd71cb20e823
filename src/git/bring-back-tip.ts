/** Which commit of a sealed directory is the session's: its branch, or what HEAD was moved on to. */
import type { Repository } from './repository.ts';
import type { SealedRefs } from './untrusted.ts';
import { isAncestor } from './ancestry.ts';
import { commitOf } from './refs.ts';

/** A ref of the sealed directory that names something new. */
export interface Candidate {
  readonly name: string;
  readonly oid: string;
  /** It is the session's own branch. */
  readonly own: boolean;
}

/**
 * The tip to take, once all objects are in the repository: HEAD's commit when it contains the session branch's
 * (or that branch is gone), else the branch's. `from` names the other branch, or `HEAD` when detached.
 */
export async function chooseTip(
  repo: Repository,
  sealed: SealedRefs,
  branch: string,
): Promise<{ oid: string; from: string | undefined } | undefined> {
  const own = sealed.refs.get(`refs/heads/${branch}`);
  const detached = sealed.head !== undefined && !sealed.head.startsWith('refs/');
  const head = detached ? sealed.head : sealed.refs.get(sealed.head ?? '');
  const usable = head !== undefined && head !== own && (await commitOf(repo, head)) !== undefined;
  if (usable && (own === undefined || (await isAncestor(repo, own, head)))) {
    return { oid: head, from: detached ? 'HEAD' : sealed.head?.replace(/^refs\/heads\//, '') };
  }
  return own === undefined ? undefined : { oid: own, from: undefined };
}

/** What HEAD names inside, when that is not the tip that was taken: a branch, or a commit. */
export function headAway({ head, refs }: SealedRefs, tip: string | undefined): string | undefined {
  if (head === undefined || tip === undefined) return undefined;
  const oid = head.startsWith('refs/') ? refs.get(head) : head;
  return oid === tip ? undefined : head.replace(/^refs\/heads\//, '');
}
