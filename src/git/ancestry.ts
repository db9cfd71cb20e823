/** Questions about the commit graph. */
import { ParaError } from '../errors.ts';
import { type Repository, place } from './repository.ts';
import { gitFailed } from './git.ts';

/** True when `older` is `newer` or one of its ancestors. @throws GIT_FAILED */
export async function isAncestor(repo: Repository, older: string, newer: string): Promise<boolean> {
  const args = ['merge-base', '--is-ancestor', older, newer];
  const answer = await repo.git.attempt({ args, place: place(repo), read: true });
  if (answer.exitCode === 0 || answer.exitCode === 1) return answer.exitCode === 0;
  throw gitFailed(args, answer);
}

/** How two lines of work stand to each other: the commits that each alone has. `one` is in the other when `ofOne` is 0. */
export interface Apart {
  readonly ofOne: number;
  readonly ofOther: number;
}

/** Counts both in one call. @throws GIT_FAILED */
export async function compare(repo: Repository, one: string, other: string): Promise<Apart> {
  const counted = await repo.git.text({
    args: ['rev-list', '--count', '--left-right', '--end-of-options', `${one}...${other}`],
    place: place(repo),
    read: true,
  });
  const [, ofOne, ofOther] = /^(\d+)\t(\d+)$/.exec(counted) ?? [];
  if (ofOther === undefined)
    throw new ParaError('GIT_FAILED', 'git rev-list --count --left-right did not print two numbers');
  return { ofOne: Number(ofOne), ofOther: Number(ofOther) };
}

/** How many commits `to` has that `from` has not. @throws GIT_FAILED */
export async function commitsBetween(repo: Repository, from: string, to: string): Promise<number> {
  const counted = await repo.git.text({
    args: ['rev-list', '--count', '--end-of-options', `${from}..${to}`],
    place: place(repo),
    read: true,
  });
  if (!/^\d+$/.test(counted))
    throw new ParaError('GIT_FAILED', 'git rev-list --count did not print a number');
  return Number(counted);
}

/** Where two lines of work parted; `to` itself when they never met, or `other` names no commit. @throws GIT_FAILED */
export async function mergeBase(repo: Repository, to: string, other: string): Promise<string> {
  const answer = await repo.git.attempt({
    args: ['merge-base', '--end-of-options', to, other],
    place: place(repo),
    read: true,
  });
  if (answer.exitCode === 0) return Buffer.from(answer.stdoutBytes).toString('utf8').trim();
  return repo.git.text({ args: ['rev-parse', '--verify', `${to}^{commit}`], place: place(repo), read: true });
}
