/** Pushes a session's branch, with the user's own remote settings and credentials, without a prompt. */
import { ParaError } from '../errors.ts';
import { succeeded } from '../sys/run.ts';
import { firstFatalLine } from './git.ts';
import { type Repository, place } from './repository.ts';

const DEADLINE_MS = 300_000;

/** The remote git itself would push to: the branch's, the default, the only one or `origin`; else undefined. */
export async function pushRemote(repo: Repository, branch?: string): Promise<string | undefined> {
  const keys = [...(branch === undefined ? [] : [`branch.${branch}.pushRemote`]), 'remote.pushDefault'];
  for (const key of keys) {
    const value = await configValue(repo, key);
    if (value !== undefined) return value;
  }
  const remotes = (await repo.git.text({ args: ['remote'], place: place(repo), read: true }))
    .split('\n')
    .filter((name) => name !== '');
  return remotes.length === 1 ? remotes[0] : remotes.find((name) => name === 'origin');
}

async function configValue(repo: Repository, key: string): Promise<string | undefined> {
  const answer = await repo.git.attempt({ args: ['config', '--get', key], place: place(repo), read: true });
  return succeeded(answer) ? Buffer.from(answer.stdoutBytes).toString('utf8').trim() || undefined : undefined;
}

/**
 * Pushes the branch under its own name and returns the remote. Hooks are off.
 * @throws PUSH_FAILED with the command to run by hand
 */
export async function pushBranch(repo: Repository, branch: string, signal?: AbortSignal): Promise<string> {
  const remote = await pushRemote(repo, branch);
  if (remote === undefined)
    throw new ParaError('PUSH_FAILED', 'there is no remote to push to', {
      hint: `git remote add origin <url>\ngit push origin ${branch}`,
    });
  const ssh = (await configValue(repo, 'core.sshCommand')) ?? 'ssh';
  const answer = await repo.git.attempt({
    args: [
      'push',
      '--quiet',
      '--no-verify',
      '--no-recurse-submodules',
      '--end-of-options',
      remote,
      `refs/heads/${branch}:refs/heads/${branch}`,
    ],
    config: [`core.sshCommand=${ssh} -oBatchMode=yes`, 'push.gpgSign=false'],
    env: { GIT_TERMINAL_PROMPT: '0', SSH_ASKPASS: undefined },
    place: place(repo),
    cwd: repo.root,
    timeoutMs: DEADLINE_MS,
    signal,
  });
  if (succeeded(answer)) return remote;
  if (answer.aborted) throw new ParaError('INTERRUPTED', 'the push was interrupted');
  const why = answer.timedOut ? 'no answer within 5 minutes' : firstFatalLine(answer);
  throw new ParaError('PUSH_FAILED', `${branch} was not pushed to ${remote}: ${why}`, {
    hint: `git push ${remote} ${branch}`,
  });
}
