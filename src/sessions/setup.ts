/** The script that makes a new session ready to work in: which one it is, and its step of the start. */
import { constants } from 'node:fs';
import { chmod, open } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { sha256Of } from '../sys/sha256.ts';
import { ParaError } from '../errors.ts';
import type { Step } from '../pipeline/step.ts';
import { replaceFile } from '../sys/files.ts';
import { scriptEffect } from './host-effects.ts';
import { prepareSite, runAt, seenAs, type Site, type SiteContext } from './site.ts';
import { isApproved, type ApprovalFile } from './trust.ts';

/** What is to be run. */
export interface SetupScript {
  /** As a person knows it. */
  readonly path: string;
  readonly text: string;
}

/** What was found, and what of it may run. */
export interface SetupPlan {
  readonly script: SetupScript | undefined;
  /** A script of the repository that may not run on this machine. */
  readonly skipped: string | undefined;
}

/** Where to look, and who allowed what. */
export interface SetupWish {
  readonly cwd: string;
  /** Of the main checkout. */
  readonly root: string;
  /** --setup-script. */
  readonly flag: string | undefined;
  readonly inContainer: boolean;
  /** `session.setup_allowed`. */
  readonly allowed: readonly string[];
  /** What was approved in this repository. */
  readonly approvals: readonly ApprovalFile[];
}

const MAX_SCRIPT = 1024 * 1024;

/**
 * The script that was named, else the repository's own: `.para/setup-docker.sh` for a container, otherwise
 * `.para/setup-worktree.sh`; then `.para/setup.sh`. One of the repository runs in the container alone, unless the
 * user's own settings allow it on this machine. @throws USAGE
 */
export async function planSetup(wish: SetupWish): Promise<SetupPlan> {
  const { cwd, root, flag, inContainer, allowed, approvals } = wish;
  if (flag !== undefined) {
    const { text } = await read(resolve(cwd, flag), true).catch((error: unknown) => {
      const { code, message } = error as NodeJS.ErrnoException;
      throw new ParaError(
        'USAGE',
        `--setup-script ${flag} can not be read: ${code === 'ENOENT' ? 'no such file' : message}`,
      );
    });
    return { script: { path: flag, text }, skipped: undefined };
  }
  const script = await repositoryScript(root, inContainer);
  if (script === undefined) return { script: undefined, skipped: undefined };
  const mayRun =
    inContainer || allowed.includes(root) || isApproved(approvals, scriptEffect(script.path), script.sha256);
  return mayRun ? { script, skipped: undefined } : { script: undefined, skipped: script.path };
}

/** A repository's own script, and what its bytes are known by. */
export interface RepositoryScript extends SetupScript {
  readonly sha256: string;
}

/** The script of the main checkout that makes a session ready; undefined when there is none that can be read. */
export async function repositoryScript(
  root: string,
  inContainer: boolean,
): Promise<RepositoryScript | undefined> {
  for (const name of [inContainer ? 'setup-docker.sh' : 'setup-worktree.sh', 'setup.sh']) {
    const path = join('.para', name);
    const found = await read(join(root, path), false).catch(() => undefined);
    if (found !== undefined) return { path, ...found };
  }
  return undefined;
}

/** Only the user's own word may lead elsewhere: a link in a repository could name any file. */
async function read(path: string, follow: boolean): Promise<Omit<RepositoryScript, 'path'>> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (follow ? 0 : constants.O_NOFOLLOW);
  const file = await open(path, flags);
  try {
    const stat = await file.stat();
    if (!stat.isFile()) throw new Error('not a regular file');
    if (stat.size > MAX_SCRIPT) throw new Error('larger than 1 MiB');
    const bytes = await file.readFile();
    return { text: bytes.toString('utf8'), sha256: sha256Of(bytes) };
  } finally {
    await file.close();
  }
}

// Own process group on this machine (sys/run.ts), so that what the script started ends with it on Ctrl-C.
const RUN_IT =
  'exec 2>&1; trap "trap \\"\\" TERM; kill 0" TERM; case $(head -c 2 "$1") in "#!") "$1" & ;; *) if command -v bash >/dev/null 2>&1; then bash "$1" & else sh "$1" & fi ;; esac; wait $!';

/** Most that a script may print; a start that is undone shows its last lines. */
const MAX_OUTPUT = 64 * 1024 * 1024;
const LAST_LINES = 15;

/** What the setup script of a session has printed. */
export function setupLog(stateDir: string): string {
  return join(stateDir, 'logs', 'setup.log');
}

/** Runs the script at the site, with its last line shown. What it printed is in `logs/setup.log`. */
export function setupStep<C>(context: SiteContext, site: Site, { path, text }: SetupScript): Step<C> {
  return {
    title: 'Running the setup script',
    run: async (_state, note) => {
      note(path);
      await prepareSite(site);
      const file = join(site.stateDir, 'cmd', 'setup.sh');
      await replaceFile(file, text);
      await chmod(file, 0o700);
      const argv = ['sh', '-c', RUN_IT, 'sh', seenAs(site, 'cmd', 'setup.sh')];
      const ended = await runAt(context, site, { argv, timeoutMs: 0, maxBuffer: MAX_OUTPUT, onLine: note });
      await replaceFile(setupLog(site.stateDir), ended.stdout);
      if (ended.aborted) throw new ParaError('INTERRUPTED', 'interrupted');
      if (ended.exitCode !== 0) throw failed(path, ended.exitCode, ended.stdout || ended.stderr);
      note(path);
    },
  };
}

function failed(path: string, code: number | undefined, printed: string): ParaError {
  const lines = printed.trimEnd().split('\n').slice(-LAST_LINES);
  return new ParaError(
    'COMMAND_FAILED',
    `the setup script ${path} ended with exit code ${String(code ?? '?')}`,
    {
      hint: `The last it printed:\n${lines.join('\n')}`,
      details: { script: path, exit_code: code, last_lines: lines },
    },
  );
}
