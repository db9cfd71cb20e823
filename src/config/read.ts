/** Reads one settings file as from a stranger: size cap, regular file, fatal UTF-8, JSON with comments. */
import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { parse, printParseErrorCode, type ParseError } from 'jsonc-parser';
import { ParaError } from '../errors.ts';

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
    if (!stat.isFile()) throw new ParaError('CONFIG_UNREADABLE', `${file}: not a regular file`);
    if (stat.size > rules.maxBytes)
      throw new ParaError('CONFIG_INVALID', `${file}: larger than ${String(rules.maxBytes)} bytes`);
    return await handle.readFile();
  } catch (error) {
    if (error instanceof ParaError) throw error;
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    throw new ParaError('CONFIG_UNREADABLE', `${file}: can not be read (${code ?? 'unknown'})`, {
      cause: error,
    });
  } finally {
    await handle?.close();
  }
}

/** The value of JSON with comments. @throws ParaError CONFIG_INVALID with line:column. */
export function parseJsonc(file: string, bytes: Uint8Array): unknown {
  const text = decodeUtf8(file, bytes);
  const errors: ParseError[] = [];
  const value: unknown = parse(text, errors);
  const first = errors[0];
  if (first === undefined) return value;
  const before = text.slice(0, first.offset).split('\n');
  const at = `${String(before.length)}:${String((before.at(-1)?.length ?? 0) + 1)}`;
  throw new ParaError('CONFIG_INVALID', `${file}:${at}: ${printParseErrorCode(first.error)}`);
}

/** The text of UTF-8. @throws ParaError CONFIG_INVALID. */
export function decodeUtf8(file: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new ParaError('CONFIG_INVALID', `${file}: not UTF-8`, { cause });
  }
}
