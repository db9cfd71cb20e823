/**
 * `commands.json`: the commands of a queue, for programs; on the host, and the same inside. The queue itself is a file
 * for each command (queue.ts): one that the list has lost is taken from there.
 */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommandsFile } from '../config/generated/types.ts';
import { isCommandsFile } from '../config/records.ts';
import { INSIDE } from '../docker/spec.ts';
import { readOwnJson, replaceFile } from '../sys/files.ts';

/** One command, as schemas/commands.schema.json says. */
export type QueuedCommand = NonNullable<CommandsFile['commands']>[number];

/** 0 is the most urgent, 9 the least. */
export const DEFAULT_PRIORITY = 5;

/** Bytes; what is larger nobody reads. */
export const MAX_BYTES = 16 * 1024 * 1024;

/** Every command that is remembered, oldest first. What neither copy of the list tells, the files of the queue do. */
export async function readCommands(stateDir: string): Promise<readonly QueuedCommand[]> {
  const listed =
    (await readList(join(stateDir, 'commands.json'))) ??
    (await readList(join(stateDir, 'cmd', 'commands.json'))) ??
    [];
  const known = new Set(listed.map(({ id }) => id));
  const lost = (await filesOf(stateDir)).map(fromFile).filter(({ id }) => !known.has(id));
  if (lost.length === 0) return listed;
  return [...listed, ...lost].sort(({ number: a = 0 }, { number: b = 0 }) => a - b);
}

/** Undefined for what makes no sense. */
async function readList(path: string): Promise<readonly QueuedCommand[] | undefined> {
  const data = await readOwnJson(path, MAX_BYTES);
  return isCommandsFile(data) ? (data as CommandsFile).commands : undefined;
}

/** Replaces both. */
export async function writeCommands(stateDir: string, commands: readonly QueuedCommand[]): Promise<void> {
  const text = toText(commands);
  await replaceFile(join(stateDir, 'commands.json'), text);
  await replaceFile(join(stateDir, 'cmd', 'commands.json'), text);
}

/** Bytes that the list of these takes. */
export function sizeOf(commands: readonly QueuedCommand[]): number {
  return Buffer.byteLength(toText(commands));
}

function toText(commands: readonly QueuedCommand[]): string {
  return `${JSON.stringify({ commands }, undefined, 2)}\n`;
}

/** Most urgent first, then in order: the runner takes them as a glob sorts them. */
export function fileName({ priority = DEFAULT_PRIORITY, number = 0, id, type }: QueuedCommand): string {
  const kind = type === 'exec' ? 'sh' : type;
  return `${String(priority)}-${String(number).padStart(6, '0')}-${id}.${kind}`;
}

const FILE_NAME = /^(\d)-(\d{6})-([0-9A-Za-z_-]{1,64})\.(sh|signal|shutdown)$/;

/** The highest number that was ever given, as far as the queue remembers. */
export async function lastNumber(stateDir: string, commands: readonly QueuedCommand[]): Promise<number> {
  const numbers = (await filesOf(stateDir)).map(([, , number]) => Number(number));
  return Math.max(0, ...numbers, ...commands.map(({ number = 0 }) => number));
}

async function filesOf(stateDir: string): Promise<readonly RegExpExecArray[]> {
  const files = await readdir(join(stateDir, 'cmd', 'queue')).catch(() => []);
  return files.map((file) => FILE_NAME.exec(file)).filter((found) => found !== null);
}

/** What a file's name tells; the script is what is run. */
function fromFile([file, priority, number, id = '', kind]: RegExpExecArray): QueuedCommand {
  const place = {
    ...{ id, priority: Number(priority) },
    ...(Number(number) === 0 ? {} : { number: Number(number) }),
  };
  if (kind === 'signal' || kind === 'shutdown') return { ...place, type: kind };
  return { ...place, type: 'exec', command: 'sh', args: [`${INSIDE.cmd}/queue/${file}`] };
}
