/** Reads one settings file as from a stranger: size cap, regular file, then strict JSON with comments. */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';
import { ParaError } from '../errors.ts';
import { shellQuote } from '../sys/shell-quote.ts';
import { parseJsonc, schemaCommand } from './jsonc.ts';

/** Most bytes of a config file and of a docker.json. */
export const MAX_CONFIG_BYTES = 1024 * 1024;
export const MAX_DOCKER_BYTES = 256 * 1024;

/** How a file is opened. `maxBytes` in bytes; `follow` false refuses a symlink. */
export interface ReadRules {
  readonly maxBytes: number;
  readonly follow: boolean;
}

/** The file's value, or undefined when there is none. @throws ParaError CONFIG_UNREADABLE, CONFIG_INVALID. */
export async function readJsonc(file: string, rules: ReadRules): Promise<unknown> {
  const bytes = await readBytes(file, rules);
  return bytes === undefined ? undefined : parseJsonc(file, bytes);
}

/** The file's bytes, or undefined when there is none. @throws ParaError CONFIG_UNREADABLE, CONFIG_INVALID. */
export async function readBytes(file: string, rules: ReadRules): Promise<Uint8Array | undefined> {
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | (rules.follow ? 0 : constants.O_NOFOLLOW);
  let handle;
  try {
    handle = await open(file, flags);
    const stat = await handle.stat();
    if (!stat.isFile())
      throw new ParaError('CONFIG_UNREADABLE', `${file}: not a regular file`, { hint: look(file) });
    return await readCapped(handle, file, rules.maxBytes);
  } catch (error) {
    if (error instanceof ParaError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ParaError(
      'CONFIG_UNREADABLE',
      `${file}: ${READING[code ?? ''] ?? `can not be read (${code ?? 'unknown'})`}`,
      { cause: error, hint: look(file) },
    );
  } finally {
    await handle?.close();
  }
}

/** The command that shows what is there instead. */
function look(file: string): string {
  return `ls -ld ${shellQuote(file)}`;
}

const READING: Readonly<Record<string, string>> = {
  ELOOP: 'a symbolic link; put the file itself there',
  EACCES: 'not readable by you; change its mode',
};

/** The cap holds for what is read, not for what the size was: the file may grow meanwhile. */
async function readCapped(handle: FileHandle, file: string, maxBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  let total = 0;
  for (;;) {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(64 * 1024));
    if (bytesRead === 0) return Buffer.concat(chunks);
    total += bytesRead;
    requireSmall(file, total, maxBytes);
    chunks.push(buffer.subarray(0, bytesRead));
  }
}

/** @throws ParaError CONFIG_INVALID */
export function requireSmall(file: string, bytes: number, maxBytes: number): void {
  if (bytes <= maxBytes) return;
  throw new ParaError('CONFIG_INVALID', `${file}: larger than ${String(maxBytes / 1024)} KiB`, {
    hint: `Take out what does not belong there. What it may hold:\n${schemaCommand(file)}`,
  });
}
