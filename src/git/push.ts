/** Pushes a session's branch, with the user's own remote settings and credentials, without a prompt. */
import { hasCode, ParaError } from '../errors.ts';
import { succeeded } from '../sys/run.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { firstFatalLine, gitFailed } from './git.ts';
import { type Repository, place } from './repository.ts';

const DEADLINE_MS = 300_000;

/**
 * The remote to push a branch to: the one the settings name, else the one git itself would take: the branch's, the
 * default, the only one or `origin`. undefined when there is none. @throws PUSH_FAILED when the named one is missing
 */
export async function pushRemote(
  repo: Repository,
  branch: string,
  named: string | null,
): Promise<string | undefined> {
  const { remotes, chosen } = await configuredRemotes(repo, branch);
  if (named === null)
    return chosen ?? (remotes.length === 1 ? remotes[0] : remotes.find((name) => name === 'origin'));
  if (remotes.length === 0 || remotes.includes(named)) return remotes.length === 0 ? undefined : named;
  throw new ParaError(
    'PUSH_FAILED',
    `the setting git.remote is ${JSON.stringify(named)}, and there is no such remote`,
    {
      hint: `This repository has: ${remotes.join(', ')}\npara config set git.remote ${shellQuote(remotes[0] ?? 'origin')}`,
    },
  );
}

/** Every remote, and the one that git would push the branch to (git-config(1)), in one call. */
async function configuredRemotes(
  repo: Repository,
  branch: string,
): Promise<{ readonly remotes: readonly string[]; readonly chosen: string | undefined }> {
  const args = ['config', '-z', '--get-regexp', '^(remote\\.|branch\\..*\\.pushremote$)'];
  const answer = await repo.git.attempt({ args, place: place(repo), read: true });
  // 1: there is none.
  if (answer.exitCode !== 0 && answer.exitCode !== 1) throw gitFailed(args, answer);
  const entries = new Map(
    Buffer.from(answer.stdoutBytes)
      .toString('utf8')
      .split('\0')
      .map((entry) => entry.split('\n', 2) as [string, string]),
  );
  const names = [...entries.keys()].map((key) => /^remote\.(.+)\.[^.]+$/s.exec(key)?.[1]);
  return {
    remotes: [...new Set(names.filter((name) => name !== undefined))].sort(),
    chosen: entries.get(`branch.${branch}.pushremote`) ?? entries.get('remote.pushdefault'),
  };
}

async function sshCommand(repo: Repository): Promise<string> {
  const args = ['config', '--get', 'core.sshCommand'];
  const answer = await repo.git.attempt({ args, place: place(repo), read: true });
  const set = succeeded(answer) ? Buffer.from(answer.stdoutBytes).toString('utf8').trim() : '';
  return set === '' ? 'ssh' : set;
}

/**
 * Pushes the branch under its own name. Hooks are off, and no upstream is set: the repository's settings are the user's.
 * @throws PUSH_FAILED with what the remote said and the command to run by hand
 */
export async function pushBranch(
  repo: Repository,
  { branch, remote }: { readonly branch: string; readonly remote: string },
  signal?: AbortSignal,
): Promise<void> {
  const failed = (why: string, stderr: string): ParaError =>
    new ParaError('PUSH_FAILED', `${branch} was not pushed to ${remote}: ${why}`, {
      hint: `git push -u ${shellQuote(remote)} ${shellQuote(branch)}`,
      details: { stderr: saidBy(stderr) },
    });
  const call = {
    args: [
      'push',
      '--quiet',
      '--no-verify',
      '--no-recurse-submodules',
      '--end-of-options',
      remote,
      `refs/heads/${branch}:refs/heads/${branch}`,
    ],
    config: [`core.sshCommand=${await sshCommand(repo)} -oBatchMode=yes`, 'push.gpgSign=false'],
    env: { GIT_TERMINAL_PROMPT: '0', SSH_ASKPASS: undefined },
    place: place(repo),
    cwd: repo.root,
    timeoutMs: DEADLINE_MS,
    signal,
  };
  const answer = await repo.git.attempt(call).catch((error: unknown) => {
    throw hasCode(error, 'GIT_FAILED') ? failed('no answer within 5 minutes', '') : error;
  });
  if (!succeeded(answer)) throw failed(firstFatalLine(answer), answer.stderr);
}

/** What the other side's hooks and the remote itself have to say, and which refs it took. */
function saidBy(stderr: string): string {
  const lines = stderr.split('\n').map((line) => line.replace(/[\p{Cc}\p{Cf}]/gu, ' ').trimEnd());
  return lines
    .filter((line) => /^(remote: .| ! )/.test(line))
    .slice(0, 20)
    .join('\n');
}
