/** What is wrong with a command line, and what was probably meant. */
import { nearest } from '../config/nearest.ts';
import { oneOf } from '../config/words.ts';
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
  const unknown = unknownFlags(message, typed.argv);
  const meant = unknown.flatMap((word) => {
    const near = nearest(word, namesOf(typed.flags));
    return near === undefined ? [] : [`Did you mean --${near}?`];
  });
  const help = typed.words === undefined ? 'para --help' : `para ${typed.words} --help`;
  const wrong = wrongChoice(message);
  if (typed.words === 'docker exec' && !typed.argv.includes('--'))
    meant.push('What comes after -- is the command: para docker exec [session] -- COMMAND [ARG…]');
  const sentence = wrong?.sentence ?? plain(oneLine(message), unknown);
  return new ParaError('USAGE', sentence, { hint: [...(wrong?.meant ?? meant), help].join('\n') });
}

/** One of a few words was to come, and another one did. */
function wrongChoice(message: string): { sentence: string; meant: readonly string[] } | undefined {
  const [, name = '', given = '', choices = ''] =
    /Argument: ([\w-]+), Given: "([^]*)", Choices: (.+)$/m.exec(message) ?? [];
  if (name === '') return undefined;
  const words = [...choices.matchAll(/"([^"]*)"/g)].map(([, word = '']) => word);
  const near = nearest(given, words);
  return {
    sentence: `--${name} is ${oneOf(words)}, not ${JSON.stringify(given)}`,
    meant: near === undefined ? [] : [`Did you mean --${name} ${near}?`],
  };
}

/** yargs' own sentences as para would say them. */
function plain(message: string, unknown: readonly string[]): string {
  return message
    .replace(
      /^Unknown (arguments?): /,
      (_, word: string) => `unknown ${word}: ${unknown.length > 0 ? '--' : ''}`,
    )
    .replace(
      /^Not enough arguments following: (\S+)$/,
      (_, name: string) => `${flagNamed(name)} needs a value`,
    )
    .replace(
      /^Not enough non-option arguments: got (\d+), need at least (\d+)$/,
      'not enough arguments: $2 needed, $1 given',
    );
}

function flagNamed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
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
