/**
 * The commands that the host wants done in a container: one file each, which the runner claims (runner-script.ts), and
 * a list of them for programs (queue-file.ts). This side is written by para alone.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { checkCommand } from '../config/records.ts';
import { ParaError } from '../errors.ts';
import { isThere, replaceFile } from '../sys/files.ts';
import { quote } from '../sys/run.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import {
  fileName,
  lastNumber,
  MAX_BYTES,
  readCommands,
  sizeOf,
  writeCommands,
  type QueuedCommand,
} from './queue-file.ts';
import { lookAt, type Outcome } from './queue-results.ts';

/** A command, and what has become of it. */
export interface QueueRow extends Outcome {
  readonly command: QueuedCommand;
}

/** Most that are kept; the oldest that came to an end are forgotten. */
const MOST = 1_000;

/**
 * Puts a command into the queue; the caller holds its lock (store.ts).
 * @throws USAGE when it does not fit the format, REFUSED when the queue is full; nothing is written then
 */
export async function enqueue(stateDir: string, wish: Omit<QueuedCommand, 'number'>): Promise<QueuedCommand> {
  const commands = await readCommands(stateDir);
  const command: QueuedCommand = { ...wish, number: await nextNumber(stateDir, commands) };
  requireFitting(command);
  const forgotten = await inTheWay(stateDir, commands, command);
  // First for programs that read: whoever claims it finds it there.
  await writeCommands(stateDir, [...commands.filter((old) => !forgotten.has(old)), command]);
  for (const old of forgotten) {
    await rm(queueFile(stateDir, fileName(old)), { force: true });
    await rm(cancelFile(stateDir, old.id), { force: true });
  }
  await replaceFile(queueFile(stateDir, fileName(command)), toFile(command));
  return command;
}

/** Every command that is remembered, and what became of it. `running`: the container runs. */
export async function listQueue(stateDir: string, running: boolean): Promise<readonly QueueRow[]> {
  const commands = await readCommands(stateDir);
  return Promise.all(commands.map((command) => lookAtQueued(stateDir, command, running)));
}

/** One of them. @throws COMMAND_FAILED when there is none of that id */
export async function findQueued(stateDir: string, id: string, running: boolean): Promise<QueueRow> {
  const command = (await readCommands(stateDir)).find((one) => one.id === id);
  if (command !== undefined) return lookAtQueued(stateDir, command, running);
  throw new ParaError(
    'COMMAND_FAILED',
    `there is no command ${JSON.stringify(id.slice(0, 70))} in the queue`,
    {
      hint: 'para docker queue list',
    },
  );
}

/** What has become of a command that is known. */
export async function lookAtQueued(
  stateDir: string,
  command: QueuedCommand,
  running: boolean,
): Promise<QueueRow> {
  const cancelled = await isThere(cancelFile(stateDir, command.id));
  return { command, ...(await lookAt(stateDir, command.id, { cancelled, running })) };
}

/** Takes a command out of the queue, or has it ended when it runs; the runner sees to that. Safe to repeat. */
export async function cancelQueued(stateDir: string, { id }: QueuedCommand): Promise<void> {
  await replaceFile(cancelFile(stateDir, id), '');
}

function queueFile(stateDir: string, name: string): string {
  return join(stateDir, 'cmd', 'queue', name);
}

function cancelFile(stateDir: string, id: string): string {
  return queueFile(stateDir, `${id}.cancel`);
}

function toFile(command: QueuedCommand): string {
  if (command.type === 'shutdown') return '';
  if (command.type === 'signal') return `${command.command ?? 'TERM'} ${command.args?.[0] ?? ''}\n`;
  return toScript(command);
}

function toScript({
  command = ':',
  args,
  env,
  working_dir: directory,
  timeout_seconds: limit,
}: QueuedCommand): string {
  return [
    ...(limit === undefined ? [] : [`#timeout ${String(limit)}`]),
    ...(directory === undefined ? [] : [`cd -- ${shellQuote(directory)} || exit 126`]),
    ...Object.entries(env ?? {}).map(([name, value]) => `export ${name}=${shellQuote(value)}`),
    args === undefined ? command : `exec ${quote({ file: command, args })}`,
    '',
  ].join('\n');
}

async function nextNumber(stateDir: string, commands: readonly QueuedCommand[]): Promise<number> {
  const last = await lastNumber(stateDir, commands);
  if (last < 999_999) return last + 1;
  throw new ParaError('REFUSED', 'the queue of this container has no numbers left', {
    hint: 'para docker stop --remove, and start it again',
  });
}

const MIB = 2 ** 20;

/** What nobody could read afterwards is not queued. @throws USAGE */
function requireFitting(command: QueuedCommand): void {
  const bytes = sizeOf([command]);
  const problem =
    bytes > MAX_BYTES
      ? `it takes ${String(Math.ceil(bytes / MIB))} MiB, and the queue holds ${String(MAX_BYTES / MIB)}`
      : checkCommand(command);
  if (problem === undefined) return;
  const hint =
    command.command === ''
      ? 'para docker exec --detach [session] -- COMMAND [ARG…]'
      : 'Put what is long, or much, into a script of the worktree, and queue that:\npara docker exec --detach -- sh ./script.sh';
  throw new ParaError('USAGE', `this can not be queued: ${problem}`, { hint });
}

/** Those that came to an end and are forgotten, the oldest first, so that a new one has a place. @throws REFUSED */
async function inTheWay(
  stateDir: string,
  commands: readonly QueuedCommand[],
  command: QueuedCommand,
): Promise<ReadonlySet<QueuedCommand>> {
  let count = commands.length + 1 - MOST;
  let bytes = sizeOf([...commands, command]) - MAX_BYTES;
  const forgotten = new Set<QueuedCommand>();
  for (const old of commands) {
    if (count <= 0 && bytes <= 0) break;
    const { state } = await lookAtQueued(stateDir, old, true);
    if (state === 'queued' || state === 'running') continue;
    forgotten.add(old);
    count -= 1;
    bytes -= sizeOf([old, old]) - sizeOf([old]);
  }
  if (count <= 0 && bytes <= 0) return forgotten;
  const waiting = String(commands.length - forgotten.size);
  const full =
    count > 0
      ? `${waiting} commands wait in the queue already`
      : `the ${waiting} commands that wait leave no room for this one`;
  throw new ParaError('REFUSED', full, { hint: 'para docker queue list' });
}
