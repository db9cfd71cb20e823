/** What an agent is told to do: an argument, a file, or stdin. */
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ParaError } from '../errors.ts';

/** Where a prompt may come from; at most one is given. `-` means stdin, for a text too. */
export interface PromptWish {
  readonly text: string | undefined;
  readonly file: string | undefined;
}

/** What reading a prompt needs of the App. */
export interface PromptContext {
  readonly cwd: string;
  /** All of stdin, to its end. */
  readStdin(maxBytes: number): Promise<string>;
}

/** Most bytes of a prompt. */
export const MAX_PROMPT = 1024 * 1024;
/** Linux takes no longer word in a command line (MAX_ARG_STRLEN, execve(2)). */
const MAX_WORD = 128 * 1024 - 256;

/** The prompt, undefined when none was given. @throws USAGE */
export async function readPrompt(context: PromptContext, wish: PromptWish): Promise<string | undefined> {
  const { text, file } = wish;
  if (text !== undefined && file !== undefined)
    throw new ParaError('USAGE', 'the prompt is given twice', { hint: 'Give the text, or -f FILE.' });
  if (text === undefined && file === undefined) return undefined;
  const prompt =
    text === '-' || file === '-'
      ? await context.readStdin(MAX_PROMPT)
      : (text ?? (await read(context, file ?? '')));
  if (prompt.trim() === '') throw new ParaError('USAGE', 'the prompt is empty');
  if (prompt.includes('\0')) throw new ParaError('USAGE', 'the prompt is not text: there is a NUL in it');
  if (Buffer.byteLength(prompt) > MAX_PROMPT) throw new ParaError('USAGE', 'the prompt is larger than 1 MiB');
  return prompt;
}

/** A prompt that goes into the command line must fit there. @throws USAGE */
export function requireFits(command: readonly string[], prompt: string): void {
  if (!command.some((word) => word.includes('{prompt}')) || Buffer.byteLength(prompt) < MAX_WORD) return;
  throw new ParaError('USAGE', 'the prompt is too long for a command line', {
    hint: 'Put the text into a file, and tell the agent to read that file;\nor let agent.command take {prompt_file} instead of {prompt}.',
  });
}

async function read({ cwd }: PromptContext, path: string): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(await readFile(resolve(cwd, path)));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === 'ENOENT' ? 'no such file' : message;
    throw new ParaError('USAGE', `the prompt ${path} can not be read: ${why}`, { cause: error });
  }
}
