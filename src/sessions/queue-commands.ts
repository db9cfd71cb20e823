/** What a person does with the queue of a session's container. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ContainerInfo } from '../docker/driver.ts';
import { ParaError } from '../errors.ts';
import { checkedWorkdir, requireContainer, workdirOf, type ContainerContext } from './containers.ts';
import { findSession, type Found } from './find.ts';
import { prepareInside } from './inside.ts';
import { cancelQueued, enqueue, findQueued, listQueue, lookAtQueued, type QueueRow } from './queue.ts';
import type { QueuedCommand } from './queue-file.ts';
import { readPrinted, type Printed } from './queue-results.ts';
import { lockQueue } from './store.ts';

/** What queueing needs of the App. */
export interface QueueContext extends ContainerContext {
  now(): Date;
  newId(): string;
}

/** A command to run in the background. */
export interface QueueWish {
  readonly argv: readonly string[];
  readonly workdir: string | undefined;
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutSeconds: number | undefined;
  readonly priority: number | undefined;
}

/** What was put into the queue. */
export interface Queued {
  readonly session: string;
  readonly command: QueuedCommand;
  /** False: it waits for the container to be started. */
  readonly running: boolean;
}

/** Puts a command into the queue of a session's container. @throws CONTAINER_NOT_FOUND, BUSY, REFUSED */
export async function queueCommand(
  context: QueueContext,
  session: string | undefined,
  { argv, workdir, env, timeoutSeconds, priority }: QueueWish,
): Promise<Queued> {
  const found = await findSession(context, session, 'containers');
  const { record } = found;
  const running = isUp(await inspect(context, found));
  const [command = 'sh', ...args] = argv;
  const wish: Omit<QueuedCommand, 'number'> = {
    ...{ id: newId(context), type: 'exec', command, args },
    working_dir: checkedWorkdir(workdir) ?? (await workdirOf(context.cwd, record.worktree_path)),
    ...(Object.keys(env).length === 0 ? {} : { env }),
    ...(timeoutSeconds === undefined ? {} : { timeout_seconds: timeoutSeconds }),
    ...(priority === undefined ? {} : { priority }),
    created_at: context.now().toISOString(),
  };
  const queued = await put(found, wish);
  return { session: record.name, command: queued, running };
}

function newId(context: QueueContext): string {
  return context.newId().replaceAll('-', '').slice(0, 12);
}

async function put({ places, record }: Found, wish: Omit<QueuedCommand, 'number'>): Promise<QueuedCommand> {
  const stateDir = places.docker(record.name);
  return lockQueue(places, record.name, async () => {
    await prepareInside(stateDir);
    return enqueue(stateDir, wish);
  });
}

/** The queue of one session. */
export async function showQueue(
  context: QueueContext,
  session: string | undefined,
): Promise<{ readonly session: string; readonly rows: readonly QueueRow[] }> {
  const found = await findSession(context, session, 'containers');
  const running = isUp(await inspect(context, found));
  return {
    session: found.record.name,
    rows: await listQueue(found.places.docker(found.record.name), running),
  };
}

/** Takes one out, or has it ended. @throws COMMAND_FAILED when there is none, or it has ended */
export async function cancelCommand(
  context: QueueContext,
  session: string | undefined,
  id: string,
): Promise<QueueRow> {
  const { name, stateDir, row } = await findRow(context, session, id);
  if (row.state !== 'queued' && row.state !== 'running') throw hasEnded(row, name);
  await cancelQueued(stateDir, row.command);
  return row;
}

/** What can be sent to a command: the signals that every shell knows by name, and whose number says nothing. */
const SIGNALS: ReadonlySet<string> = new Set(
  'HUP INT QUIT ABRT KILL USR1 USR2 ALRM TERM CONT STOP WINCH'.split(' '),
);

/** Sends a signal (`INT`, `SIGINT`) to a command that runs, by way of its queue. @throws USAGE, COMMAND_FAILED when it does not run */
export async function signalCommand(
  context: QueueContext,
  session: string | undefined,
  { id, signal }: { readonly id: string; readonly signal: string },
): Promise<QueuedCommand> {
  const name = signal.toUpperCase().replace(/^SIG/, '');
  if (!SIGNALS.has(name))
    throw new ParaError('USAGE', `${JSON.stringify(signal.slice(0, 40))} is not a signal that can be sent`, {
      hint: `One of: ${[...SIGNALS].join(' ')}`,
    });
  const { found, row } = await findRow(context, session, id);
  if (row.state === 'running')
    return put(found, {
      ...{ id: newId(context), type: 'signal', command: name, args: [id] },
      created_at: context.now().toISOString(),
    });
  const { name: of } = found.record;
  if (row.state !== 'queued') throw hasEnded(row, of);
  throw new ParaError('COMMAND_FAILED', `the command ${id} has not begun yet`, {
    hint: `To take it out of the queue:\npara docker queue cancel ${id} ${of}`,
  });
}

function hasEnded({ command: { id }, state }: QueueRow, session: string): ParaError {
  return new ParaError('COMMAND_FAILED', `the command ${id} has ended already (${state})`, {
    hint: `para docker queue result ${id} ${session}`,
  });
}

/** What a command printed, and how it ended. */
export interface QueueResult {
  readonly session: string;
  readonly row: QueueRow;
  readonly printed: Printed;
  /** The limit of the container that is the reason for its end; told once. */
  readonly limit: ParaError | undefined;
}

const OUTPUT_BYTES = 64 * 1024;
const LOOK_MS = 250;
/** How often the engine is asked meanwhile: a look at files costs next to nothing, a process does not. */
const ASK_MS = 3_000;

/** How to ask for a result. */
export interface ResultWish {
  readonly id: string;
  /** Until there is one. */
  readonly wait: boolean;
  readonly signal: AbortSignal;
  /** Told once when nothing will happen before somebody starts the container. */
  readonly say: (text: string) => void;
}

/** The result as it is now, or with `wait` when there is one. @throws INTERRUPTED, and as the engine does */
export async function resultOf(
  context: QueueContext,
  session: string | undefined,
  { id, wait, signal, say }: ResultWish,
): Promise<QueueResult> {
  const { found, name, stateDir, ...first } = await findRow(context, session, id);
  let { row, info } = first;
  let asked = performance.now();
  let isTold = false;
  while (wait && (row.state === 'queued' || row.state === 'running')) {
    if (signal.aborted) throw new ParaError('INTERRUPTED', 'interrupted; the command goes on');
    if (!isUp(info) && !isTold)
      say(`${id} waits for the container of ${name} to be started: para docker start ${name}`);
    isTold ||= !isUp(info);
    await sleep(LOOK_MS);
    if (performance.now() - asked >= ASK_MS) {
      info = await inspect(context, found);
      asked = performance.now();
    }
    row = await lookAtQueued(stateDir, row.command, isUp(info));
  }
  const limit = await limitOf(found, row, info);
  return { session: name, row, printed: await readPrinted(stateDir, id, OUTPUT_BYTES), limit };
}

/** Of a command that was begun before the container's last start nobody can tell. */
async function limitOf(
  found: Found,
  { state, exitCode, sinceStart }: QueueRow,
  info: ContainerInfo | undefined,
): Promise<ParaError | undefined> {
  if (info === undefined || !sinceStart || (state !== 'done' && state !== 'interrupted')) return undefined;
  return (await import('./limit-hit.ts')).limitBehind(found, info, { code: exitCode });
}

/** A command, and where its queue is. */
interface FoundRow {
  readonly found: Found;
  readonly name: string;
  readonly stateDir: string;
  readonly row: QueueRow;
  readonly info: ContainerInfo | undefined;
}

async function findRow(context: QueueContext, session: string | undefined, id: string): Promise<FoundRow> {
  const found = await findSession(context, session, 'containers');
  const { name } = found.record;
  const stateDir = found.places.docker(name);
  const info = await inspect(context, found);
  return { found, name, stateDir, info, row: await findQueued(stateDir, id, isUp(info)) };
}

async function inspect(context: QueueContext, { record }: Found): Promise<ContainerInfo | undefined> {
  const { name, engine } = requireContainer(record);
  return (await context.dockerFor(engine)).status(name);
}

/** What was begun in it goes on: in one that is paused, as soon as it is not any more. */
function isUp(info: ContainerInfo | undefined): boolean {
  return info?.state === 'running' || info?.state === 'paused';
}
