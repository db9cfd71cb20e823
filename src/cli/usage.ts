/** What is wrong with a command line, and what was probably meant. */
import { nearest } from '../config/nearest.ts';
import { ParaError } from '../errors.ts';
import type { Flag } from './define.ts';

/** What is known of the command line that yargs refused. */
export interface Typed {
  readonly argv: readonly string[];
  /** The command's words; undefined when none was found in it. */
  readonly words: string | undefined;
  readonly flags: readonly Flag[];
}

/** The error behind yargs' message. */
export function usageError(message: string, typed: Typed): ParaError {
  const meant = unknownFlags(message, typed.argv).flatMap((word) => {
    const near = nearest(word, namesOf(typed.flags));
    return near === undefined ? [] : [`Did you mean --${near}?`];
  });
  const help = typed.words === undefined ? 'para --help' : `para ${typed.words} --help`;
  return new ParaError('USAGE', oneLine(message), { hint: [...meant, help].join('\n') });
}

/** The names without dashes that yargs does not know, of those that were typed as flags. */
function unknownFlags(message: string, argv: readonly string[]): readonly string[] {
  const [, names = ''] = /^Unknown arguments?: (.+)$/m.exec(message) ?? [];
  return names
    .split(', ')
    .filter((name) => argv.some((word) => word === `--${name}` || word.startsWith(`--${name}=`)));
}

function namesOf(flags: readonly Flag[]): readonly string[] {
  return flags.flatMap(({ word }) => (word.startsWith('--') ? [word.slice(2)] : []));
}

function oneLine(text: string): string {
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '')
    .join('; ');
}
