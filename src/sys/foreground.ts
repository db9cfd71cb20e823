/**
 * A process that has para's own terminal. Nothing of it is read, so what reading takes (execa) is not loaded: who waits in
 * `docker exec` waits for this.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { constants } from 'node:os';
import { endAtDeadline, tell } from './child-end.ts';
import { leaveOrphans } from './last-words.ts';

/** How an attached process meets signals. */
export interface AttachOptions {
  /** Called for SIGINT, SIGTERM and SIGHUP instead of passing them to the child; a second one is passed on. */
  readonly onSignal?: ((signal: NodeJS.Signals) => Promise<void>) | undefined;
  /** Put the child into a process group of its own, so that a terminal's Ctrl-C reaches para alone. */
  readonly ownGroup?: boolean | undefined;
  /** Sees what the process writes to stderr, which then does not reach the caller's. */
  readonly onStderr?: ((text: string) => void) | undefined;
}

/** What is run; `timeoutMs` 0 = no deadline. */
interface Foreground {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
  /** What came before there was a process, and has not reached it. */
  readonly early: readonly NodeJS.Signals[];
}

/** @returns the exit code, 128+n when a signal ended it, 127/126 when it could not be started */
export async function runForeground(what: Foreground, how: AttachOptions): Promise<number> {
  let child: ChildProcess;
  try {
    child = spawn(what.file, what.args, {
      ...{ cwd: what.cwd, env: what.env, detached: how.ownGroup === true },
      stdio: ['inherit', 'inherit', how.onStderr === undefined ? 'inherit' : 'pipe'],
    });
  } catch (error) {
    return couldNotStart(error);
  }
  child.stderr?.on('data', (chunk: Buffer) => how.onStderr?.(chunk.toString('utf8')));
  leaveOrphans(child);
  const letGo = [passSignals(child, how, what.early), endAtDeadline(child, what), endWithPara(child, how)];
  try {
    return await new Promise((resolve) => {
      child.once('error', (error) => {
        resolve(couldNotStart(error));
      });
      child.once('close', (code, signal) => {
        resolve(code ?? 128 + (signal === null ? 0 : constants.signals[signal]));
      });
    });
  } finally {
    for (const end of letGo) end();
  }
}

function couldNotStart(error: unknown): number {
  return (error as NodeJS.ErrnoException).code === 'ENOENT' ? 127 : 126;
}

type LetGo = () => void;

function passSignals(
  child: ChildProcess,
  { onSignal }: AttachOptions,
  early: readonly NodeJS.Signals[],
): LetGo {
  let seen = early.length;
  for (const signal of early) tell(child, signal);
  const forward = (signal: NodeJS.Signals): void => {
    seen += 1;
    if (onSignal === undefined || seen > 1) tell(child, signal);
    else
      onSignal(signal).catch(() => {
        tell(child, signal);
      });
  };
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  for (const name of names) process.on(name, forward);
  return () => {
    for (const name of names) process.off(name, forward);
  };
}

/** Nobody would wait for it any more, unless it has a process group of its own. */
function endWithPara(child: ChildProcess, { ownGroup }: AttachOptions): LetGo {
  if (ownGroup === true) return () => undefined;
  const end = (): void => void child.kill('SIGTERM');
  const quit = (): void => {
    end();
    process.kill(process.pid, 'SIGQUIT');
  };
  process.once('exit', end).once('SIGQUIT', quit);
  return () => {
    process.off('exit', end).off('SIGQUIT', quit);
  };
}
