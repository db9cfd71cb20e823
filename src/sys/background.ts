/**
 * A process that is read to its end and not written to, which is nearly every call of git and of an engine. What has its
 * lines shown as they come, or is written to, takes execa: 1 ms more for each process, and 10 to load it.
 */
import { spawn, type ChildProcess } from 'node:child_process';
import type { Readable } from 'node:stream';
import { endAtDeadline, tell, type Why } from './child-end.ts';
import { leaveOrphans } from './last-words.ts';

/** What is run; `timeoutMs` 0 = no deadline, `maxBuffer` = bytes of each stream. */
interface Background {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly maxBuffer: number;
  readonly signal: AbortSignal | undefined;
}

/** How it ended, in execa's words. */
export interface BufferResult {
  readonly exitCode?: number;
  readonly signal?: string;
  /** Why it could not be started, such as ENOENT. */
  readonly code?: string;
  readonly stdout?: Uint8Array;
  readonly stderr?: Uint8Array;
  readonly timedOut: boolean;
  readonly isCanceled: boolean;
  readonly isMaxBuffer: boolean;
}

/** A process, if there is one, and how it will have ended. */
export interface Begun {
  readonly child: ChildProcess | undefined;
  readonly result: Promise<BufferResult>;
}

/** Starts it, in a process group of its own. */
export function runBackground(what: Background): Begun {
  const { file, args, cwd, env } = what;
  try {
    const child = spawn(file, args, {
      ...{ cwd, env, detached: true, windowsHide: true },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    return { child, result: readToEnd(child, what) };
  } catch (error) {
    return { child: undefined, result: Promise.resolve({ ...ON_ITS_OWN, ...notStarted(error) }) };
  }
}

const ON_ITS_OWN = { timedOut: false, isCanceled: false, isMaxBuffer: false } as const;

const notStarted = (error: unknown): { readonly code: string } => ({
  code: (error as NodeJS.ErrnoException).code ?? 'UNKNOWN',
});

function readToEnd(
  child: ChildProcess & { readonly stdout: Readable; readonly stderr: Readable },
  { timeoutMs, maxBuffer, signal }: Background,
): Promise<BufferResult> {
  const told = { ...ON_ITS_OWN } as Record<Why | 'isMaxBuffer', boolean>;
  const wasTold = (): boolean => Object.values(told).includes(true);
  const tooMuch = (): void => {
    told.isMaxBuffer = true;
    tell(child, 'SIGTERM');
  };
  const [stdout, stderr] = [child.stdout, child.stderr].map((stream) => collect(stream, maxBuffer, tooMuch));
  leaveOrphans(child, wasTold);
  const letGo = endAtDeadline(child, { timeoutMs, signal }, (why) => {
    told[why] = true;
    // It has ended, and something that it started holds its output.
    if (child.exitCode === null && child.signalCode === null) return;
    child.stdout.destroy();
    child.stderr.destroy();
  });
  return new Promise<BufferResult>((resolve) => {
    const end = (how: Pick<BufferResult, 'exitCode' | 'signal' | 'code'>): void => {
      letGo();
      resolve({ ...told, ...how, stdout: Buffer.concat(stdout ?? []), stderr: Buffer.concat(stderr ?? []) });
    };
    child.once('error', (error) => {
      if (child.pid === undefined) end(notStarted(error));
    });
    child.once('close', (code, by) => {
      if (child.pid !== undefined) end(by === null ? { exitCode: code ?? 1 } : { signal: by });
    });
  });
}

/** What comes of a stream; once it is more than `most` bytes, the rest is let go. */
function collect(stream: Readable, most: number, tooMuch: () => void): Buffer[] {
  const chunks: Buffer[] = [];
  let size = 0;
  stream.on('error', () => undefined);
  stream.on('data', (chunk: Buffer) => {
    if (size > most) return;
    size += chunk.length;
    if (size > most) tooMuch();
    else chunks.push(chunk);
  });
  return chunks;
}
