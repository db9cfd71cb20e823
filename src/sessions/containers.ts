/** What can be done with the container of a session: the seed's DockerManager. */
import { randomUUID } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { isAbsolute, normalize, relative } from 'node:path';
import type { EngineName, ExecRequest } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { INSIDE } from '../docker/spec.ts';
import { EXIT, ParaError } from '../errors.ts';
import { findSession, type FindContext, type Found } from './find.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import type { SessionRecord } from './store.ts';

/** What working with containers needs of the App. */
export interface ContainerContext extends FindContext {
  readonly env: NodeJS.ProcessEnv;
  dockerFor(engine: EngineName): Promise<DockerService>;
}

/** The record's container. @throws CONTAINER_NOT_FOUND when the session has none */
export function requireContainer(record: SessionRecord): NonNullable<SessionRecord['container']> {
  if (record.container !== null) return record.container;
  if (record.status === 'review')
    throw new ParaError(
      'CONTAINER_NOT_FOUND',
      `the session ${record.name} is finished; its container is gone`,
      {
        hint: `Its work is on the branch ${record.branch}:\ngit log ${shellQuote(record.branch)}`,
      },
    );
  throw new ParaError('CONTAINER_NOT_FOUND', `the session ${record.name} has no container`, {
    hint: `To give it one: para docker start ${record.name}`,
  });
}

/** How the command is connected to the outside. */
export interface ExecStreams {
  readonly stdinTty: boolean;
  readonly stdoutTty: boolean;
}

/**
 * Runs a command in the session's container, with para's own stdin, stdout and stderr. One engine call when all
 * is well; what went wrong is asked only afterwards.
 * @returns the command's exit code; 127 not found, 126 not executable
 * @throws CONTAINER_NOT_RUNNING, CONTAINER_NOT_FOUND with exit code 125
 */
export async function execInSession(
  context: ContainerContext,
  session: string | undefined,
  { argv, ...how }: Omit<ExecWish, 'name'>,
): Promise<number> {
  const found = await findSession(context, session, 'containers');
  const container = requireContainer(found.record);
  await requireWorktreeThere(found.record, exit);
  const service = await context.dockerFor(container.engine);
  const request = await execRequest(context, found, { name: container.name, argv, ...how });
  const told: NodeJS.Signals[] = [];
  const code = await service.execAttach(request.exec, {
    onSignal: (signal) => {
      told.push(signal);
      return killInside(service, container.name, request.id, signal);
    },
    ownGroup: !how.streams.stdinTty,
  });
  return code === 0 || told.length > 0 ? code : explainFailure(service, found, argv, code);
}

/** Without it an engine says something about mounts. @throws REFUSED */
export async function requireWorktreeThere(
  { name, worktree_path: path }: SessionRecord,
  code: number,
): Promise<void> {
  if ((await stat(path).catch(() => undefined)) !== undefined) return;
  throw new ParaError('REFUSED', `the worktree of ${name} is gone: there is nothing at ${path}`, {
    exit: code,
    hint: `para recover ${name}`,
  });
}

/** What is to be run, and where. */
export interface ExecWish {
  readonly name: string;
  readonly argv: readonly string[];
  readonly streams: ExecStreams;
  /** Instead of the place in the worktree where it was typed. */
  readonly workdir?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
}

/** The request, and the id that the command carries in its environment. */
export async function execRequest(
  context: ContainerContext,
  found: Found,
  wish: ExecWish,
): Promise<{ readonly id: string; readonly exec: ExecRequest }> {
  const id = randomUUID();
  const tty = wish.streams.stdinTty && wish.streams.stdoutTty;
  const term = context.env['TERM'];
  return {
    id,
    exec: {
      container: wish.name,
      argv: wish.argv,
      tty,
      stdin: true,
      workdir: checkedWorkdir(wish.workdir) ?? (await workdirOf(context.cwd, found.record.worktree_path)),
      env: {
        PARA_SESSION: found.record.name,
        PARA_WORKSPACE: INSIDE.workspace,
        PARA_EXEC_ID: id,
        ...(tty && term !== undefined && /^[\w.+-]{1,64}$/.test(term) ? { TERM: term } : {}),
        ...wish.env,
      },
    },
  };
}

/**
 * A directory in the container that a person named. The runtime opens it before it is in there, and below /proc are
 * doors to where it comes from (CVE-2024-21626). @throws USAGE
 */
export function checkedWorkdir(path: string | undefined): string | undefined {
  if (path === undefined || (isAbsolute(path) && !/^\/proc(\/|$)/.test(normalize(path)))) return path;
  throw new ParaError('USAGE', `nothing is run in ${JSON.stringify(path)}`, {
    hint: `Name an absolute path inside, not below /proc: --workdir ${INSIDE.workspace}/src`,
  });
}

/** A command typed in a sub-directory of the worktree runs in the same sub-directory of /workspace. */
/** Where in the container the directory is that the caller is in. */
export async function workdirOf(cwd: string, worktree: string): Promise<string> {
  const here = relative(worktree, await realpath(cwd));
  return here === '' || here.startsWith('..') ? INSIDE.workspace : `${INSIDE.workspace}/${here}`;
}

// `exec` of both engines leaves the process in the container running when its client is told to stop
// (facts/engines.md §1.1.9), so the signal is sent inside, to every process that carries this exec's id.
const KILL_INSIDE =
  'for p in /proc/[0-9]*; do if tr "\\0" "\\n" <"$p/environ" 2>/dev/null | grep -qx "PARA_EXEC_ID=$2"; then kill -s "$1" "${p#/proc/}" 2>/dev/null; fi; done; :';

/** An exec has no deadline of its own; one of para's answers at once, or its engine hangs. */
const ASKED_INSIDE_MS = 10_000;

/** Sends a signal to everything that an exec with this id has started. */
export async function killInside(
  service: DockerService,
  container: string,
  id: string,
  signal: string,
): Promise<void> {
  const argv = ['sh', '-c', KILL_INSIDE, 'sh', signal.replace(/^SIG/, ''), id];
  // Under a signal of its own: the one that all other calls obey is raised already.
  const own = { signal: new AbortController().signal, timeoutMs: ASKED_INSIDE_MS };
  await service.execCapture({ container, argv, tty: false, stdin: false }, own);
}

/** Codes that an engine uses for its own failures too (facts/engines.md §1.1.5). */
const AMBIGUOUS = new Set([1, 125, 126, 127, 255]);

async function explainFailure(
  service: DockerService,
  found: Found,
  argv: readonly string[],
  code: number,
): Promise<number> {
  const { record } = found;
  const isEnginesOwn = AMBIGUOUS.has(code);
  const { limitHit, maySayLimit } = await import('./limit-hit.ts');
  if (!isEnginesOwn && !maySayLimit(code)) return code;
  const name = requireContainer(record).name;
  const info = await service.status(name).catch((error: unknown) => {
    if (isEnginesOwn) throw error;
    return undefined;
  });
  const hit = info === undefined ? undefined : await limitHit(found, info, { code });
  if (hit !== undefined) throw hit;
  if (!isEnginesOwn) return code;
  if (info === undefined) throw notThere(record);
  if (info.state !== 'running') throw notRunning(record, info.state, service.engine.driver.name);
  // docker before 28 says 126 for a command that does not exist; POSIX and podman say 127.
  if (code === EXIT.notExecutable && !(await hasCommand(service, name, argv[0] ?? ''))) return EXIT.notFound;
  return code;
}

async function hasCommand(service: DockerService, container: string, command: string): Promise<boolean> {
  const argv = ['sh', '-c', 'command -v -- "$1" || test -e "$1"', 'sh', command];
  const request = { container, argv, tty: false, stdin: false };
  const answer = await service.execCapture(request, { timeoutMs: ASKED_INSIDE_MS });
  return answer.exitCode === 0;
}

// `docker exec`'s own code for "the engine could not run it", whatever the reason.
const exit = EXIT.engineFailedToRun;

/** The engine has no such container. */
export function notThere(record: SessionRecord): ParaError {
  return new ParaError('CONTAINER_NOT_FOUND', `the container of ${record.name} is gone`, {
    exit,
    hint: `The worktree is untouched. To make the container again:\npara recover ${record.name}`,
  });
}

/** Why nothing can be run in it, and what to do. */
export function notRunning(record: SessionRecord, state: string, engine: string): ParaError {
  const paused = state === 'paused';
  return new ParaError(
    paused ? 'CONTAINER_PAUSED' : 'CONTAINER_NOT_RUNNING',
    `the container of ${record.name} is not running (${state})`,
    // No engine starts a paused one.
    {
      exit,
      hint: paused
        ? `${engine} unpause ${requireContainer(record).name}`
        : `para docker start ${record.name}`,
    },
  );
}
