/** What is left of the output of a process that was told to end. */
import type { ChildProcess } from 'node:child_process';

/** Milliseconds for it. */
const LAST_WORDS_MS = 500;

/** What an ended process started may go on, and hold its output open (a remote's hook): that is not waited for. */
export function leaveOrphans(child: ChildProcess, wasTold: () => boolean = () => false): void {
  child.once('exit', (_code, signal) => {
    if (signal === null && !wasTold()) return;
    setTimeout(() => {
      child.stdout?.destroy();
      child.stderr?.destroy();
    }, LAST_WORDS_MS).unref();
  });
}
