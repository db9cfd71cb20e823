/** What the container of a session has printed: its main process, not what `exec` runs. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LogsRequest } from '../docker/driver.ts';
import type { DockerService } from '../docker/service.ts';
import { ParaError } from '../errors.ts';
import { requireContainer, type ContainerContext } from './containers.ts';
import { findSession } from './find.ts';
import { diedOfMemory, memoryOf } from './limit-hit.ts';
import type { SessionRecord } from './store.ts';
import { shellQuote } from '../sys/shell-quote.ts';

/** What a person asked for, as typed. */
export interface LogsWish {
  readonly session: string | undefined;
  readonly follow: boolean;
  readonly tail: string | undefined;
  readonly since: string | undefined;
  readonly timestamps: boolean;
}

/** The engine call that answers a wish, and whose it is. */
export interface LogsPlan {
  readonly record: SessionRecord;
  readonly service: DockerService;
  readonly request: LogsRequest;
}

/** Decides, and asks no engine yet. @throws USAGE, SESSION_NOT_FOUND, CONTAINER_NOT_FOUND */
export async function planLogs(context: ContainerContext, wish: LogsWish, now: Date): Promise<LogsPlan> {
  const tail = wish.tail === undefined ? undefined : parseTail(wish.tail);
  const since = wish.since === undefined ? undefined : parseSince(wish.since, now);
  const { record } = await findSession(context, wish.session, 'containers');
  const { name: container, engine } = requireContainer(record);
  const service = await context.dockerFor(engine);
  const { follow, timestamps } = wish;
  return { record, service, request: { container, follow, tail, since, timestamps } };
}

const LATE_MS = 30;

/**
 * Prints the logs on para's own stdout and stderr, byte for byte; with `follow` until the container ends, and then
 * `warn` says whether that was for want of memory. One engine call when all is well, two with `follow`.
 * @returns 0, or 128+n when a signal ended it
 * @throws CONTAINER_NOT_FOUND, DAEMON_NOT_AVAILABLE …
 */
export async function printLogs(
  { record, service, request }: LogsPlan,
  stop: { readonly signalNumber: number },
  warn: (text: string) => void,
): Promise<number> {
  const code = await service.logsAttach(request);
  // A signal may be heard later than the end of the client that it ended too.
  if (request.follow) await sleep(LATE_MS);
  // docker's client calls a Ctrl-C a good end, podman's a bad one.
  if (stop.signalNumber > 0) return 128 + stop.signalNumber;
  if (code === 0 && request.follow) {
    const info = await service.status(request.container).catch(ignoreEngine);
    if (info !== undefined && diedOfMemory(info))
      warn(`the container of ${record.name} was killed: it had used up ${memoryOf(info)}`);
  }
  if (code === 0 || code > 128) return code;
  if ((await service.status(request.container)) === undefined) throw gone(record);
  const { name: engine } = service.engine.driver;
  throw new ParaError('COMMAND_FAILED', `${engine} could not read the logs of ${record.name}`, {
    hint: `See it yourself: ${engine} logs ${request.container}`,
  });
}

/** The logs as one text, for scripts. @throws CONTAINER_NOT_FOUND … */
export async function readLogs({ service, request }: LogsPlan): Promise<string> {
  return service.logs(request);
}

/** What was asked for is printed. */
function ignoreEngine(error: unknown): undefined {
  if (!(error instanceof ParaError)) throw error;
}

function gone(record: SessionRecord): ParaError {
  return new ParaError(
    'CONTAINER_NOT_FOUND',
    `the container of ${record.name} is gone, and its logs with it`,
    {
      hint: `The worktree is untouched: cd ${shellQuote(record.worktree_path)}`,
    },
  );
}

function parseTail(text: string): number {
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new ParaError('USAGE', `--tail ${JSON.stringify(text)} is not a number of lines`, {
    hint: '--tail 100',
  });
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const AGE = /^(?:\d+(?:\.\d+)?[smhd])+$/;
const DAY = /^\d{4}-\d\d-\d\d$/;
const TIME = /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?$/;

/**
 * A moment in UTC (RFC 3339), since the engines read the same words differently: an age such as `90s` or `1h30m`, or
 * a date or time, of this machine's zone unless it names another. @throws USAGE
 */
export function parseSince(text: string, now: Date): string {
  const age = AGE.test(text) ? ageOf(text) : undefined;
  const typed = DAY.test(text) ? `${text}T00:00` : TIME.test(text) ? text.replace(' ', 'T') : '';
  const time = age === undefined ? Date.parse(typed) : now.getTime() - age * 1000;
  // Out of what a Date can say: an age of thousands of years.
  if (!Number.isNaN(new Date(time).getTime())) return new Date(time).toISOString();
  throw new ParaError('USAGE', `--since ${JSON.stringify(text)} is no age, date or time`, {
    hint: '--since 10m   or   --since 2026-01-31   or   --since 2026-01-31T09:30',
  });
}

function ageOf(text: string): number {
  return [...text.matchAll(/([\d.]+)([smhd])/g)].reduce(
    (sum, [, count = '', unit = '']) => sum + Number(count) * (SECONDS[unit] ?? 0),
    0,
  );
}
