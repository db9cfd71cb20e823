/** Questions on a terminal. */
import type { Output } from '../ui/output.ts';
import { ParaError } from '../errors.ts';

/** One answer that can be given. */
export interface Choice<T> {
  readonly name: string;
  readonly value: T;
}

/** True when there is somebody to ask. */
export function canAsk(output: Output): boolean {
  return process.stdin.isTTY && output.progress === 'tasks';
}

/** Lets a person choose; the first choice is the one that Enter takes. @throws INTERRUPTED at Ctrl-C */
export async function ask<T>(output: Output, message: string, choices: readonly Choice<T>[]): Promise<T> {
  const { default: select } = await import('@inquirer/select');
  try {
    return await select({ message, choices }, { output: output.stderr });
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError')
      throw new ParaError('INTERRUPTED', 'interrupted');
    throw error;
  }
}
