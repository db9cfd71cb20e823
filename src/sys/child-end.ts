/** How a child process is brought to its end: at a deadline, or when somebody wants no more of it. */
import type { ChildProcess } from 'node:child_process';
import { setMaxListeners } from 'node:events';

/** Milliseconds from a SIGTERM to a SIGKILL. */
const GRACE_MS = 5_000;

/** What ends it; `timeoutMs` 0 = no deadline. */
interface Limits {
  readonly timeoutMs: number;
  readonly signal: AbortSignal | undefined;
}

/** Why it was told to end. */
export type Why = 'timedOut' | 'isCanceled';

/** Sends it the signal. What does not end on SIGTERM is killed. */
export function tell(child: ChildProcess, signal: NodeJS.Signals): void {
  if (!child.kill(signal) || signal !== 'SIGTERM') return;
  const timer = setTimeout(() => child.kill('SIGKILL'), GRACE_MS);
  child.once('exit', () => {
    clearTimeout(timer);
  });
}

/** Tells it to end at its deadline, or once `signal` is aborted. @returns what to call when it has ended */
export function endAtDeadline(
  child: ChildProcess,
  { timeoutMs, signal }: Limits,
  onEnd?: (why: Why) => void,
): () => void {
  const end = (why: Why) => (): void => {
    onEnd?.(why);
    tell(child, 'SIGTERM');
  };
  const timer = timeoutMs > 0 ? setTimeout(end('timedOut'), timeoutMs) : undefined;
  const abort = end('isCanceled');
  // As many as run at once listen to the same one: node would call more than ten a leak, on stderr.
  if (signal !== undefined) setMaxListeners(Infinity, signal);
  signal?.addEventListener('abort', abort);
  if (signal?.aborted === true) abort();
  return () => {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
  };
}
