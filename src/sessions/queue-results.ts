/** What the runner says of a queued command: read as from an enemy, since all of it can be written in the container. */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { openRegular, readRegular, withDirectory } from '../sys/untrusted.ts';

/**
 * `interrupted`: it was begun, and its end is not known, because the container stopped or the runner was killed.
 * `timeout` and `cancelled` have ended too.
 */
export type QueueState = 'queued' | 'running' | 'done' | 'timeout' | 'cancelled' | 'interrupted';

/** What became of a command. */
export interface Outcome {
  readonly state: QueueState;
  readonly exitCode: number | undefined;
  /** It was begun since the container was started last. */
  readonly sinceStart: boolean;
}

/** The two ends of what a command printed. */
export interface Printed {
  readonly stdout: Buffer;
  readonly stderr: Buffer;
  /** More was printed, or may have been: these are the last bytes of it. */
  readonly cut: boolean;
}

const SMALL = 64;

/** What has become of it. `running`: its container runs. */
export async function lookAt(
  stateDir: string,
  id: string,
  host: { readonly cancelled: boolean; readonly running: boolean },
): Promise<Outcome> {
  const seen = await withJob(stateDir, id, async (job) => ({
    exit: /^(\d{1,3})\n$/.exec(await text(join(job, 'exit')))?.[1],
    reason: (await text(join(job, 'reason'))).trim(),
    claimed: (await stat(job)).ctimeMs,
  }));
  if (seen === undefined)
    return { state: host.cancelled ? 'cancelled' : 'queued', exitCode: undefined, sinceStart: false };
  const why = REASONS[seen.reason];
  // Made anew at each start of the container: what was begun before it has no one who could end it.
  const ready = await stat(join(stateDir, 'out', 'ready')).catch(() => undefined);
  const sinceStart = ready === undefined || ready.mtimeMs <= seen.claimed;
  if (seen.exit !== undefined) return { state: why ?? 'done', exitCode: Number(seen.exit), sinceStart };
  // One that is told to end runs until it has an exit code.
  const state = host.running && sinceStart ? 'running' : (why ?? 'interrupted');
  return { state, exitCode: undefined, sinceStart };
}

/** What the runner says of a command that did not end by itself. */
const REASONS: Readonly<Partial<Record<string, QueueState>>> = {
  timeout: 'timeout',
  cancelled: 'cancelled',
  shutdown: 'interrupted',
};

/** What it has printed, at most the last `cap` bytes of each stream. */
export async function readPrinted(stateDir: string, id: string, cap: number): Promise<Printed> {
  const found = await withJob(stateDir, id, async (job) => {
    const [stdout, stderr] = await Promise.all([
      readEnd(join(job, 'stdout'), cap),
      readEnd(join(job, 'stderr'), cap),
    ]);
    return { stdout: stdout.bytes, stderr: stderr.bytes, cut: stdout.cut || stderr.cut };
  });
  return found ?? { stdout: Buffer.alloc(0), stderr: Buffer.alloc(0), cut: false };
}

/** `queue` can be a link too: only `out` is the host's. */
async function withJob<T>(
  stateDir: string,
  id: string,
  use: (job: string) => Promise<T>,
): Promise<T | undefined> {
  const queue = join(stateDir, 'out', 'queue');
  return withDirectory(queue, (inside) => withDirectory(join(inside, id), use));
}

async function text(path: string): Promise<string> {
  return (await readRegular(path, SMALL))?.toString('latin1') ?? '';
}

interface End {
  readonly bytes: Buffer;
  readonly cut: boolean;
}

/** Of too much the runner puts what came before into `.1`, and loses what is printed at that moment. */
async function readEnd(path: string, cap: number): Promise<End> {
  const last = (await tail(path, cap)) ?? { bytes: Buffer.alloc(0), cut: false };
  const before = await tail(`${path}.1`, cap - last.bytes.length);
  return before === undefined ? last : { bytes: Buffer.concat([before.bytes, last.bytes]), cut: true };
}

async function tail(path: string, cap: number): Promise<End | undefined> {
  const handle = await openRegular(path);
  if (handle === undefined) return undefined;
  try {
    const { size } = await handle.stat();
    const from = Math.max(0, size - cap);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(Math.min(size, cap)), 0, undefined, from);
    return { bytes: buffer.subarray(0, bytesRead), cut: from > 0 };
  } finally {
    await handle.close();
  }
}
