/** The two readers of a command line: what the quick one reads, it reads as yargs does. */
import { expect } from '@jest/globals';
import fc from 'fast-check';
import type { Command } from '../../src/cli/define.ts';
import { globalFlags } from '../../src/cli/globals.ts';
import { readPlainLine } from '../../src/cli/plain-line.ts';
import { COMMANDS, type Entry } from '../../src/cli/table.ts';
import { runYargsLine } from '../../src/cli/yargs-line.ts';
import { fuzz } from './fuzz.ts';

const loaded: { readonly entry: Entry; readonly command: Command }[] = [];
for (const entry of COMMANDS) loaded.push({ entry, command: (await entry.load()).default });

/** Words that a parser may take for something else than a word. */
const ODD = [
  '-',
  '',
  '--',
  '1',
  '0x1f',
  '1e3',
  '-1',
  'true',
  'false',
  'no',
  '"q"',
  "'s'",
  'a b',
  '--x=1',
  '-vq',
];
const WORDS = [
  's',
  'fix-login',
  'A=1',
  'a.b',
  'x,y',
  '../up',
  '/abs',
  'show',
  'log',
  'bash',
  '_',
  'é',
  '10m',
];
const anyWord = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...WORDS) },
  { weight: 1, arbitrary: fc.constantFrom(...ODD) },
);

/** A line of the command: its flags with and without values, words, and sometimes what follows `--`. */
function lineOf({ entry, command }: { readonly entry: Entry; readonly command: Command }) {
  const flag = fc.constantFrom(...command.flags, ...globalFlags).chain(({ word, takesValue, choices }) =>
    fc
      .oneof(
        {
          weight: 6,
          arbitrary: takesValue ? fc.constantFrom(...choices, ...WORDS).map((v) => [v]) : fc.constant([]),
        },
        { weight: 1, arbitrary: anyWord.map((v) => [v]) },
        { weight: 1, arbitrary: fc.constant<string[]>([]) },
      )
      .map((value) => [word, ...value]),
  );
  const choices = Object.values(command.described).flatMap((option) => (option.choices ?? []).map(String));
  const word = choices.length === 0 ? anyWord : fc.oneof(anyWord, fc.constantFrom(...choices));
  const part = fc.oneof(
    flag,
    word.map((w) => [w]),
  );
  const rest = fc.option(
    fc.array(anyWord, { maxLength: 3 }).map((words) => ['--', ...words]),
    { nil: [] },
  );
  return fc
    .tuple(fc.array(part, { maxLength: 4 }), rest)
    .map(([parts, after]) => [...entry.words.split(' '), ...parts.flat(), ...after]);
}

async function byYargs(argv: readonly string[], entry: Entry, command: Command): Promise<unknown> {
  let read: unknown = 'refused';
  await runYargsLine({ argv, version: '1', entry, loaded: command }, (args) => {
    read = args;
    return Promise.resolve();
  }).catch(() => undefined);
  return read;
}

fuzz(
  'P11',
  'a line that is read without yargs is read as yargs reads it',
  fc.constantFrom(...loaded).chain((one) => lineOf(one).map((argv) => ({ ...one, argv }))),
  async ({ entry, command, argv }) => {
    const plain = readPlainLine(argv, entry.words, command);
    if (plain === undefined) return false;
    expect(plain).toEqual(await byYargs(argv, entry, command));
    return true;
  },
);
