/** Settings by which a finish commits nothing by itself. */
import { ParaError } from '../errors.ts';
import { uncommittedPaths } from '../git/status.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import type { FinishPlan } from './finish.ts';
import { everContained } from './store.ts';

/** @throws REFUSED when the settings leave committing to the person, and something is not committed */
export async function refuseUncommitted(
  { refuses, record, repo }: FinishPlan,
  worktreeAdminDir: string,
): Promise<void> {
  if (refuses === undefined) return;
  const { worktree_path: worktreePath } = record;
  const filters = everContained(record) ? 'off' : 'user';
  const paths = await uncommittedPaths({ repo, worktreeAdminDir, worktreePath, filters });
  const left = refuses === 'unstaged' ? paths.filter(({ staged }) => !staged) : paths;
  if (left.length === 0) return;
  const named = left.slice(0, 8).map(({ path }) => path);
  const setting = refuses === 'unstaged' ? 'git.auto_stage' : 'git.auto_commit';
  throw new ParaError(
    'REFUSED',
    `${setting} is false, and ${record.name} has work that is not ${refuses === 'unstaged' ? 'staged' : 'committed'}: ${named.join(' ')}${left.length > 8 ? ' …' : ''}`,
    {
      hint: `Commit it, then finish again:\ncd ${shellQuote(record.worktree_path)}`,
      details: { paths: left },
    },
  );
}
