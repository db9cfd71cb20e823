/**
 * The commands that the host wants done in a container: one file each, which the runner claims (runner-script.ts), and
 * `commands.json`, which says the same to programs. This side is written by para alone.
 */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandsFile } from '../config/generated/types.ts';
import { isCommandsFile } from '../config/records.ts';
import { ParaError } from '../errors.ts';
import { isThere, readOwnJson, replaceFile } from '../sys/files.ts';
import { quote } from '../sys/run.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { lookAt, type Outcome } from './queue-results.ts';

/** One command, as schemas/commands.schema.json says. */
export type QueuedCommand = NonNullable<CommandsFile['commands']>[number];

/** A command, and what has become of it. */
export interface QueueRow extends Outcome {
  readonly command: QueuedCommand;
}

/** 0 is the most urgent, 9 the least. */
export const DEFAULT_PRIORITY = 5;
/** Most that are kept; the oldest that came to an end are forgotten. */
const MOST = 1_000;

/** Puts a command into the queue; the caller holds its lock (store.ts). @throws REFUSED when it is full */
export async function enqueue(stateDir: string, wish: Omit<QueuedCommand, 'number'>): Promise<QueuedCommand> {
  const commands = await prune(stateDir, await readCommands(stateDir));
  const last = await lastNumber(stateDir, commands);
  const command: QueuedCommand = { ...wish, number: last + 1 };
  // First for programs that read: whoever claims it finds it there.
  await writeCommands(stateDir, [...commands, command]);
  await replaceFile(join(stateDir, 'cmd', 'queue', fileName(command)), toFile(command));
  return command;
}

/** Every command that is remembered, and what became of it. `running`: the container runs. */
export async function listQueue(stateDir: string, running: boolean): Promise<readonly QueueRow[]> {
  const commands = await readCommands(stateDir);
  return Promise.all(
    commands.map(async (command) => ({ command, ...(await outcomeOf(stateDir, command, running)) })),
  );
}

/** One of them. @throws COMMAND_FAILED when there is none of that id */
export async function findQueued(stateDir: string, id: string, running: boolean): Promise<QueueRow> {
  const command = (await readCommands(stateDir)).find((one) => one.id === id);
  if (command === undefined)
    throw new ParaError(
      'COMMAND_FAILED',
      `there is no command ${JSON.stringify(id.slice(0, 70))} in the queue`,
      {
        hint: 'para docker queue list',
      },
    );
  return { command, ...(await outcomeOf(stateDir, command, running)) };
}

/** Takes a command out of the queue, or has it ended when it runs; the runner sees to that. Safe to repeat. */
export async function cancelQueued(stateDir: string, { id }: QueuedCommand): Promise<void> {
  await replaceFile(cancelFile(stateDir, id), '');
}

async function outcomeOf(stateDir: string, { id }: QueuedCommand, running: boolean): Promise<Outcome> {
  const cancelled = await isThere(cancelFile(stateDir, id));
  return lookAt(stateDir, id, { cancelled, running });
}

function cancelFile(stateDir: string, id: string): string {
  return join(stateDir, 'cmd', 'queue', `${id}.cancel`);
}

/** Most urgent first, then in order: the runner takes them as a glob sorts them. */
function fileName({ priority = DEFAULT_PRIORITY, number = 0, id, type }: QueuedCommand): string {
  const kind = type === 'exec' ? 'sh' : type;
  return `${String(priority)}-${String(number).padStart(6, '0')}-${id}.${kind}`;
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

const MAX_BYTES = 16 * 1024 * 1024;

async function readCommands(stateDir: string): Promise<readonly QueuedCommand[]> {
  // Of what makes no sense nothing is taken: the files of the queue itself are what counts.
  const data = await readOwnJson(join(stateDir, 'commands.json'), MAX_BYTES);
  return isCommandsFile(data) ? (data as CommandsFile).commands : [];
}

async function writeCommands(stateDir: string, commands: readonly QueuedCommand[]): Promise<void> {
  const text = `${JSON.stringify({ commands }, undefined, 2)}\n`;
  await replaceFile(join(stateDir, 'commands.json'), text);
  await replaceFile(join(stateDir, 'cmd', 'commands.json'), text);
}

async function lastNumber(stateDir: string, commands: readonly QueuedCommand[]): Promise<number> {
  const files = await readdir(join(stateDir, 'cmd', 'queue')).catch(() => []);
  const numbers = files.map((file) => Number(/^\d-(\d{6})-/.exec(file)?.[1] ?? 0));
  const last = Math.max(0, ...numbers, ...commands.map(({ number = 0 }) => number));
  if (last < 999_999) return last;
  throw new ParaError('REFUSED', 'the queue of this container has no numbers left', {
    hint: 'para docker stop --remove, and start it again',
  });
}

async function prune(
  stateDir: string,
  commands: readonly QueuedCommand[],
): Promise<readonly QueuedCommand[]> {
  if (commands.length < MOST) return commands;
  const kept: QueuedCommand[] = [];
  let over = commands.length - MOST + 1;
  for (const command of commands) {
    const { state } = await outcomeOf(stateDir, command, true);
    const forgets = over > 0 && state !== 'queued' && state !== 'running';
    if (!forgets) kept.push(command);
    else {
      over -= 1;
      await rm(join(stateDir, 'cmd', 'queue', fileName(command)), { force: true });
      await rm(cancelFile(stateDir, command.id), { force: true });
    }
  }
  if (kept.length < MOST) return kept;
  throw new ParaError('REFUSED', `${String(kept.length)} commands wait in the queue already`, {
    hint: 'para docker queue list',
  });
}
