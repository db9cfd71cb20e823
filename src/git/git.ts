/**
 * The only module that spawns git. Where git works is always said explicitly (GIT_DIR, GIT_WORK_TREE), never
 * found by looking around, because a worktree's `.git` may have been swapped by what ran in the container
 * (facts/security-reliability.md §1.3, "Rules for git").
 */
import { accessSync, constants, existsSync } from 'node:fs';
import { isAbsolute, join } from 'node:path';
import { ParaError } from '../errors.ts';
import { mark } from '../sys/left-behind.ts';
import { type Captured, type Runner, describeEnd, succeeded } from '../sys/run.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import type { GitCall, Place, Variables } from './call.ts';
import { filtersOff, NO_FETCH } from './filters.ts';
import { noSpace } from './no-space.ts';

export type { GitCall, Place } from './call.ts';

/**
 * Runs git. `text` and `bytes` throw GIT_FAILED; `attempt` hands back how it ended, when it ended by itself: what was
 * cut off has answered nothing.
 */
export interface Git {
  text(call: GitCall): Promise<string>;
  bytes(call: GitCall): Promise<Buffer>;
  attempt(call: GitCall): Promise<Captured>;
  /** Names of the clean filters of a place that para's calls with `contents` do not run. */
  filtersNotRun(place: Place): Promise<readonly string[]>;
}

const SAFE_CONFIG = [
  'core.hooksPath=/dev/null',
  'core.fsmonitor=false',
  'safe.bareRepository=explicit',
  'submodule.recurse=false',
  'protocol.ext.allow=never',
  'core.pager=cat',
  'commit.gpgSign=false',
  'tag.gpgSign=false',
  'gc.auto=0',
  'maintenance.auto=false',
  'advice.detachedHead=false',
  'core.quotePath=false',
  // Somebody else's git may hold a lock for a moment.
  'core.filesRefLockTimeout=3000',
  'core.packedRefsTimeout=3000',
];

/** Variables by which the user, not a repository, chooses a configuration, an identity or a key. */
const KEPT = new Set([
  'GIT_CONFIG_GLOBAL',
  'GIT_CONFIG_SYSTEM',
  'GIT_CONFIG_NOSYSTEM',
  'GIT_AUTHOR_NAME',
  'GIT_AUTHOR_EMAIL',
  'GIT_COMMITTER_NAME',
  'GIT_COMMITTER_EMAIL',
  'GIT_SSH',
  'GIT_SSH_COMMAND',
  'GIT_SSH_VARIANT',
  'GIT_LFS_SKIP_SMUDGE',
]);

/** Done at once; a git that is told to end as it makes a lock can leave that behind, and then nobody can go on. */
const NOT_CUT_OFF: ReadonlySet<string | undefined> = new Set(['update-ref', 'symbolic-ref']);

const MAX_BUFFER = 512 * 1024 * 1024;
const DEADLINE_MS = 120_000;

/** Makes the git of this process. `env` is para's own environment, the same that the runner was given. */
export function createGit(runner: Runner, env: NodeJS.ProcessEnv = process.env): Git {
  const base = baseEnvironment(env);
  const file = findGit(base['PATH'] ?? '');
  const spawn = (call: GitCall, more: Variables): Promise<Captured> =>
    runner.capture({
      file,
      args: [...[...SAFE_CONFIG, ...(call.config ?? [])].flatMap((setting) => ['-c', setting]), ...call.args],
      cwd: workingDirectory(call),
      env: {
        ...base,
        ...placeVariables(call.place),
        // What changes something here may outlive this para; nothing else is waited for.
        ...(call.read === true || call.args[0] === 'push' ? {} : mark),
        ...(call.read === true ? { GIT_OPTIONAL_LOCKS: '0' } : {}),
        ...more,
        ...call.env,
      },
      input: call.input,
      timeoutMs: call.timeoutMs ?? DEADLINE_MS,
      signal: call.signal ?? (NOT_CUT_OFF.has(call.args[0]) ? new AbortController().signal : undefined),
      maxBuffer: call.maxBuffer ?? MAX_BUFFER,
      binary: true,
    });
  const whole = async (call: GitCall, more: Variables): Promise<Captured> => {
    const captured = await spawn(call, more);
    // A "no" that git did not say would be taken for "there is none", and what there is would be lost.
    if (captured.aborted || captured.timedOut || captured.signal !== undefined)
      throw gitFailed(call.args, captured, workingDirectory(call));
    return captured;
  };
  const filters = filtersOff((call) => whole(call, {}));
  const attempt = async (call: GitCall): Promise<Captured> => {
    if (call.filters === 'user') return whole(call, {});
    return whole(call, { ...NO_FETCH, ...(call.contents === true ? (await filters(call)).variables : {}) });
  };
  const bytes = async (call: GitCall): Promise<Buffer> => {
    const captured = await attempt(call);
    if (succeeded(captured)) return Buffer.from(captured.stdoutBytes);
    const failed = gitFailed(call.args, captured, workingDirectory(call));
    throw noSpace(call, captured, failed.message) ?? failed;
  };
  return {
    attempt,
    bytes,
    text: async (call) => (await bytes(call)).toString('utf8').replace(/\n$/, ''),
    filtersNotRun: async (place) => (await filters({ place })).cleaning,
  };
}

function workingDirectory({ cwd, place }: GitCall): string {
  return cwd ?? place?.workTree ?? place?.gitDir ?? '/';
}

/** Forgets every inherited GIT_ variable that could point git elsewhere, and relative PATH entries (A30). */
function baseEnvironment(env: NodeJS.ProcessEnv): Record<string, string | undefined> {
  const dropped = Object.keys(env).filter((name) => name.startsWith('GIT_') && !KEPT.has(name));
  const path = (env['PATH'] ?? '').split(':').filter((entry) => isAbsolute(entry));
  return { ...Object.fromEntries(dropped.map((name) => [name, undefined])), PATH: path.join(':') };
}

function findGit(path: string): string {
  for (const entry of path.split(':')) {
    const candidate = join(entry, 'git');
    try {
      accessSync(candidate, constants.X_OK);
      return candidate;
    } catch {
      continue;
    }
  }
  return 'git';
}

function placeVariables(place: Place | undefined): Variables {
  return {
    GIT_DIR: place?.gitDir,
    GIT_COMMON_DIR: place?.commonDir,
    GIT_WORK_TREE: place?.workTree,
    GIT_INDEX_FILE: place?.indexFile,
  };
}

/** GIT_FAILED with git's own first fatal line; control characters taken out (A35). */
export function gitFailed(args: readonly string[], captured: Captured, cwd?: string): ParaError {
  if (captured.aborted) return new ParaError('INTERRUPTED', 'git was interrupted');
  const verb = args[0] ?? '';
  const details = { command: verb, exitCode: captured.exitCode };
  // A directory to work in that is gone has the same error as a program that is.
  const gone = cwd !== undefined && !existsSync(cwd);
  if (captured.spawnError === 'ENOENT' && gone)
    return new ParaError('GIT_FAILED', `the directory ${cwd} is gone`, { hint: 'para list', details });
  if (captured.spawnError === 'ENOENT')
    return new ParaError('GIT_FAILED', 'git was not found on PATH', {
      hint: 'Install git 2.31 or newer, or add its directory to PATH.',
      details,
    });
  return new ParaError('GIT_FAILED', `git ${verb}: ${firstFatalLine(captured)}`, {
    hint: lockHint(captured.stderr),
    details,
  });
}

/** A lock has no owner's name in it, so only a person can tell that nobody holds it. */
function lockHint(stderr: string): string | undefined {
  const lock = /unable to create '([^'\n]+\.lock)': File exists/i.exec(stderr)?.[1];
  return lock === undefined
    ? undefined
    : `Another git is at work there, or was killed. When none is: rm ${shellQuote(lock)}\nthen type the same again`;
}

/** git's line that says why, fit to be shown. */
export function firstFatalLine(captured: Captured): string {
  const lines = captured.stderr.split('\n').filter((line) => line.trim() !== '');
  const line = lines.find((text) => /^(fatal|error): /.test(text)) ?? lines.at(0) ?? describeEnd(captured);
  return line
    .replace(/^(fatal|error): /, '')
    .replace(/[\p{Cc}\p{Cf}]/gu, ' ')
    .slice(0, 400);
}
