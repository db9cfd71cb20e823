/** Refuses to take a worktree away whose submodules hold work that is nowhere else. */
import { ParaError } from '../errors.ts';
import { inSubmodules, type SubmoduleWork, type WithSubmodules } from '../git/submodules.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import type { SessionRecord } from './store.ts';

/** Returns the files that git ignores in them. @throws REFUSED naming submodules, what is in them, and what to do */
export async function requireNoSubmoduleWork(
  record: SessionRecord,
  where: WithSubmodules,
): Promise<readonly string[]> {
  const { work, ignored } = await inSubmodules(where);
  if (work.length > 0) throw submoduleWork(record, work);
  return ignored;
}

/** The refusal; `more` is a way out that only some commands have. */
export function submoduleWork(
  { name, worktree_path: root }: SessionRecord,
  work: readonly SubmoduleWork[],
  more: readonly string[] = [],
): ParaError {
  const named = work.slice(0, 4).map(({ path, why }) => `${JSON.stringify(path)} ${why}`);
  const first = work[0];
  const git = `git -C ${shellQuote(`${root}/${first?.path ?? ''}`)}`;
  const unknown = work.find(({ gitDir, why }) => gitDir !== undefined && why.startsWith('has commits'));
  const twin = unknown?.mainGitDir;
  const here =
    twin === undefined
      ? []
      : [
          `or keep them in the submodule of the main checkout:\ngit --git-dir=${shellQuote(twin)} fetch ${shellQuote(unknown?.gitDir ?? '')} HEAD:refs/heads/${name}`,
        ];
  return new ParaError(
    'REFUSED',
    `a submodule holds work that would be lost with the worktree: ${named.join('; ')}${work.length > 4 ? '; …' : ''}`,
    {
      hint: [
        `look: ${git} status`,
        `commit there, and push it: ${git} push origin HEAD:refs/heads/${name}`,
        ...here,
        ...more,
      ].join('\n'),
      details: { submodules: work.map(({ path, why }) => ({ path, why })) },
    },
  );
}
