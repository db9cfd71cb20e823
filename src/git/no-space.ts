/** Whether a git that failed had no room to write: it does not always say so. */
import { statfsSync } from 'node:fs';
import { dirname, isAbsolute } from 'node:path';
import { EXIT, ParaError } from '../errors.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import type { Captured } from '../sys/run.ts';
import type { GitCall } from './call.ts';

const SAYS_SO = /no space left on device|disk quota exceeded|out of diskspace/i;
const COULD_NOT_WRITE =
  /(unable|failed) to (write|create|append)|(could not|couldn't|cannot) (write|create|append)|write error/i;

/** What git takes away again when it fails may have been the most of it. */
const ALMOST_NONE = 1024 * 1024;

/** NO_SPACE, when that is why; `why` is what git said. */
export function noSpace(call: GitCall, captured: Captured, why: string): ParaError | undefined {
  const full = COULD_NOT_WRITE.test(captured.stderr) ? placesOf(call).find(isFull) : undefined;
  if (full === undefined && !SAYS_SO.test(captured.stderr)) return undefined;
  return new ParaError('NO_SPACE', `no space is left on the disk: ${why}`, {
    hint: full === undefined ? 'df -h' : `df -h ${shellQuote(full)}`,
    details: { command: call.args[0], exitCode: captured.exitCode },
    exit: EXIT.git,
  });
}

/** Where the call may have written. */
function placesOf({ args, cwd, place }: GitCall): readonly string[] {
  const { commonDir, gitDir, workTree } = place ?? {};
  const objects = commonDir === undefined ? undefined : `${commonDir}/objects`;
  const named = args.filter((arg) => isAbsolute(arg)).flatMap((path) => [path, dirname(path)]);
  return [cwd, commonDir, objects, gitDir, workTree, ...named].filter((path) => path !== undefined);
}

function isFull(path: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize < ALMOST_NONE;
  } catch {
    return false; // not there (any more)
  }
}
