/** Where a finish pushes to: what was said on the command line, or in the settings. */
import type { Config } from '../config/defaults.ts';
import { ParaError } from '../errors.ts';
import { pushRemote } from '../git/push.ts';
import type { Repository } from '../git/repository.ts';
import { shellQuote } from '../sys/shell-quote.ts';

interface PushWish {
  readonly flag: boolean | undefined;
  readonly push: Config['git']['push'];
  readonly remote: Config['git']['remote'];
}

/** The remote; undefined: nothing is pushed. @throws PUSH_FAILED when there is none and there has to be */
export async function chooseRemote(
  repo: Repository,
  branch: string,
  { flag, push, remote: named }: PushWish,
): Promise<string | undefined> {
  if (flag === false || (flag === undefined && push === 'never')) return undefined;
  const remote = await pushRemote(repo, branch, named);
  if (remote === undefined && (flag === true || push === 'always')) {
    throw new ParaError('PUSH_FAILED', 'this repository has no remote to push to', {
      hint: `git remote add ${shellQuote(named ?? 'origin')} URL\nor: para finish --no-push …`,
    });
  }
  return remote;
}
