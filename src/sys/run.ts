/**
 * The one place that spawns processes: argv arrays only, never a shell; each call has a deadline and an
 * abort path. What spawns is loaded on the first call, so commands that spawn nothing do not pay for it.
 */
import type { ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import type { Options } from 'execa';
import { ParaError } from '../errors.ts';
import type { Begun, BufferResult } from './background.ts';
import type { AttachOptions } from './foreground.ts';
import { processStarted, toldExitCode } from './fault.ts';
import { leaveOrphans } from './last-words.ts';
import { redact } from './redact.ts';
import { shellQuote } from './shell-quote.ts';

/** A process to run. `file` must be an absolute path or a bare name that is looked up on PATH. */
export interface RunRequest {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  /** Added to para's own environment; `undefined` removes a variable. */
  readonly env?: Readonly<Record<string, string | undefined>> | undefined;
  /** Written to stdin, which is otherwise closed. */
  readonly input?: string | Uint8Array | Readable | undefined;
  /** Milliseconds until SIGTERM; 0 = no deadline. Default 30 000. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Most characters kept of each stream. Default 16 Mi (facts/security-reliability.md §4). */
  readonly maxBuffer?: number | undefined;
  /** Sees each line of stdout and stderr as it arrives (pull progress). */
  readonly onLine?: ((line: string) => void) | undefined;
  /** False: stdout goes to `onLine` alone, however much it is. */
  readonly keep?: boolean | undefined;
  /** Keep stdout as bytes (`stdoutBytes`), for NUL-separated or binary answers. */
  readonly binary?: boolean | undefined;
}

/** How a process ended. Never thrown by `capture`: the caller's classifier decides what it means. */
export interface Captured {
  readonly file: string;
  readonly args: readonly string[];
  /** Undefined when it died by a signal or never started. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: string;
  readonly stdoutBytes: Uint8Array;
  readonly stderr: string;
  readonly timedOut: boolean;
  readonly aborted: boolean;
  /** ENOENT, EACCES, E2BIG …: the process could not be started at all. */
  readonly spawnError: string | undefined;
  readonly ms: number;
}

/** Runs processes. Two implementations: this module's and the tests' fake. */
export interface Runner {
  /** Runs to the end with captured output; resolves for every outcome, even a binary that is missing. */
  capture(request: RunRequest): Promise<Captured>;
  /**
   * Runs with the caller's own stdin, stdout and stderr. SIGINT and SIGTERM that reach para are passed on.
   * @returns the exit code, 128+n when a signal ended it, 127/126 when it could not be started.
   */
  attach(request: RunRequest, how?: AttachOptions): Promise<number>;
}

export type { AttachOptions } from './foreground.ts';

/** A line per spawn for `--verbose`: argv as it could be pasted into a shell, duration, outcome. */
export type Trace = (line: string) => void;

const DEFAULT_TIMEOUT_MS = 30_000;
const MAX_BUFFER = 16 * 1024 * 1024;

/** What makes engine and git output stable, whoever calls (facts/style.md §3.7). */
const STABLE_ENV = {
  LC_ALL: 'C',
  NO_COLOR: '1',
  DOCKER_CLI_HINTS: 'false',
  GIT_TERMINAL_PROMPT: '0',
  PODMAN_IGNORE_CGROUPSV1_WARNING: '1',
} as const;

/** What every spawn of one process shares. */
export interface RunnerContext {
  /** para's environment, read once by the composition root. */
  readonly env: NodeJS.ProcessEnv;
  /** The signal to obey when a request names none. */
  readonly signal?: () => AbortSignal;
  readonly trace?: Trace | undefined;
}

/** Makes the real runner. */
export function createRunner(context: RunnerContext): Runner {
  return {
    capture: (request) =>
      capture({ ...request, signal: request.signal ?? context.signal?.() }, context.env, context.trace),
    attach: (request, how) => attach(request, how ?? {}, context),
  };
}

async function capture(request: RunRequest, baseEnv: NodeJS.ProcessEnv, trace?: Trace): Promise<Captured> {
  const env = definedOnly({ ...baseEnv, ...STABLE_ENV, ...request.env });
  const isFollowed = request.input !== undefined || request.onLine !== undefined;
  const begin = isFollowed ? await follower() : await reader();
  const started = performance.now();
  const { child, result } = begin(request, env);
  if (child !== undefined) {
    if (child.pid !== undefined) processStarted(child.pid);
    wakeAtDeadline(child, request.timeoutMs ?? DEFAULT_TIMEOUT_MS);
  }
  const ended = await result;
  const captured: Captured = {
    ...toCaptured(request, ended, performance.now() - started),
    exitCode: toldExitCode(child?.pid, ended.exitCode),
  };
  trace?.(redact(`${quote(request)}  # ${captured.ms.toFixed(0)} ms, ${describeEnd(captured)}`));
  return captured;
}

type Begin = (request: RunRequest, env: Readonly<Record<string, string>>) => Begun;

/** Its lines are seen as they come, or it is written to. */
async function follower(): Promise<Begin> {
  const { execa } = await import('execa');
  return (request, env) => {
    const child = execa(request.file, request.args, {
      ...options(request, env),
      encoding: 'buffer',
      stdin: request.input === undefined ? 'ignore' : 'pipe',
      // Own process group: a Ctrl-C on the terminal reaches para alone, and para decides (facts/style.md §4.4).
      detached: true,
      maxBuffer: request.maxBuffer ?? MAX_BUFFER,
      buffer: { stdout: request.keep !== false },
    });
    if (request.onLine !== undefined) forwardLines(child, request.onLine);
    leaveOrphans(child);
    return { child, result: child as unknown as Promise<BufferResult> };
  };
}

/** Its output is read to the end. */
async function reader(): Promise<Begin> {
  const { runBackground } = await import('./background.ts');
  return ({ file, args, cwd = '/', timeoutMs = DEFAULT_TIMEOUT_MS, signal, maxBuffer = MAX_BUFFER }, env) =>
    runBackground({ file, args, cwd, env, timeoutMs, signal, maxBuffer });
}

function definedOnly(env: Readonly<Record<string, string | undefined>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(env).filter((pair): pair is [string, string] => pair[1] !== undefined),
  );
}

/** A process that somebody has stopped hears only when it goes on that it was told to end. */
function wakeAtDeadline(child: ChildProcess, timeoutMs: number): void {
  if (timeoutMs === 0) return;
  const timer = setTimeout(() => child.kill('SIGCONT'), timeoutMs + 100).unref();
  child.once('exit', () => {
    clearTimeout(timer);
  });
}

function options(request: RunRequest, env: Readonly<Record<string, string>>): Options & { reject: false } {
  const timeoutMs = request.timeoutMs ?? DEFAULT_TIMEOUT_MS;
  return {
    cwd: request.cwd ?? '/',
    env,
    extendEnv: false,
    preferLocal: false,
    shell: false,
    reject: false,
    stripFinalNewline: false,
    windowsHide: true,
    ...(request.input === undefined ? {} : { input: request.input }),
    ...(timeoutMs > 0 ? { timeout: timeoutMs } : {}),
    ...(request.signal === undefined ? {} : { cancelSignal: request.signal }),
    // A podman client that is killed outright leaves a conmon nobody knows (security-reliability.md §3.2).
    killSignal: 'SIGTERM',
    forceKillAfterDelay: 5_000,
  };
}

function toCaptured(request: RunRequest, result: BufferResult, ms: number): Captured {
  if (result.isMaxBuffer) {
    throw new ParaError(
      'ENGINE_OUTPUT_UNREADABLE',
      `${request.file} printed more than ${String(request.maxBuffer ?? MAX_BUFFER)} bytes`,
    );
  }
  const stdoutBytes = result.stdout ?? new Uint8Array();
  return {
    file: request.file,
    args: request.args,
    exitCode: result.exitCode,
    signal: result.signal,
    stdoutBytes,
    stdout: request.binary === true ? '' : Buffer.from(stdoutBytes).toString('utf8'),
    stderr: Buffer.from(result.stderr ?? []).toString('utf8'),
    timedOut: result.timedOut,
    aborted: result.isCanceled,
    spawnError: result.exitCode === undefined && result.signal === undefined ? result.code : undefined,
    ms,
  };
}

function forwardLines(
  child: { readonly stdout: NodeJS.ReadableStream | null; readonly stderr: NodeJS.ReadableStream | null },
  onLine: (line: string) => void,
): void {
  for (const stream of [child.stdout, child.stderr]) {
    let rest = '';
    stream?.on('data', (chunk: Buffer) => {
      const lines = (rest + chunk.toString('utf8')).split(/[\r\n]+/);
      rest = lines.pop() ?? '';
      for (const line of lines) if (line !== '') onLine(line);
    });
  }
}

async function attach(
  request: RunRequest,
  how: AttachOptions,
  { env, trace, signal }: RunnerContext,
): Promise<number> {
  // A Ctrl-C that came while para was getting ready is not typed twice.
  if (signal?.().aborted === true) throw new ParaError('INTERRUPTED', 'interrupted');
  const early: NodeJS.Signals[] = [];
  const remember = (signal: NodeJS.Signals): void => void early.push(signal);
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, remember);
  const { runForeground } = await import('./foreground.ts').finally(() => {
    for (const name of names) process.off(name, remember);
  });
  trace?.(redact(quote(request)));
  const { file, args, cwd = '/', timeoutMs = 0 } = request;
  // The user's own locale and colours: what runs there is the user's command.
  const variables = { ...env, DOCKER_CLI_HINTS: 'false', ...request.env };
  return runForeground({ file, args, cwd, timeoutMs, early, env: variables, signal: request.signal }, how);
}

/** True when the process ended by itself with exit code 0. */
export function succeeded(captured: Captured): boolean {
  return captured.exitCode === 0 && !captured.timedOut && !captured.aborted;
}

/** argv as it could be pasted into a POSIX shell. */
export function quote(request: Pick<RunRequest, 'file' | 'args'>): string {
  return [request.file, ...request.args].map(shellQuote).join(' ');
}

/** How a process ended, in words. */
export function describeEnd(captured: Captured): string {
  if (captured.timedOut) return 'deadline passed';
  if (captured.aborted) return 'interrupted';
  if (captured.spawnError !== undefined) return `could not start (${captured.spawnError})`;
  return captured.signal === undefined ? `exit ${String(captured.exitCode)}` : `ended by ${captured.signal}`;
}
