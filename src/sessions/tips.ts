/** Where the branches of the sessions are, for lists: asked for all of them in one call. */
import { refsUnder } from '../git/refs.ts';
import type { Repository } from '../git/repository.ts';
import { metaRef } from '../git/sealed.ts';
import { aheadOf } from '../git/status.ts';
import type { SessionRecord } from './store.ts';
import type { Looked } from './unsettled.ts';

/** What git says of sessions. */
export interface Refs {
  /** Names of those that git remembers (meta.ts). */
  readonly remembered: readonly string[];
  /** Where the branch of each is; null when there is none. */
  readonly tips: ReadonlyMap<string, string | null>;
}

/** Asks git once. @throws GIT_FAILED */
export async function askRefs(repo: Repository, records: readonly SessionRecord[]): Promise<Refs> {
  const branches = records.map(({ branch }) => `refs/heads/${branch}`);
  const found = await refsUnder(repo, [metaRef(''), ...branches]);
  const at = new Map(found.map(({ ref, commit }) => [ref, commit]));
  return {
    remembered: found.flatMap(({ ref }) =>
      ref.startsWith(metaRef('')) ? [ref.slice(metaRef('').length)] : [],
    ),
    tips: new Map(records.map(({ name, branch }) => [name, at.get(`refs/heads/${branch}`) ?? null])),
  };
}

/** A session, and where its branch is: null when there is none, undefined when nobody asked. */
export interface WithTip extends Looked {
  readonly tip: string | null | undefined;
}

/** Commits of the branch since the base; null when they can not be counted. */
export async function countAhead({ repo, record, tip }: WithTip): Promise<number | null> {
  if (tip === null) return null;
  return tip === record.base ? 0 : aheadOf(repo, record.base, record.branch).catch(() => null);
}
