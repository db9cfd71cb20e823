/** What is wrong with a command line that yargs would take: an unknown command, options that contradict each other. */
import { closest } from '../config/nearest.ts';
import { ParaError } from '../errors.ts';
import type { Command } from './define.ts';
import { COMMANDS, GROUPS } from './table.ts';

/** What people type who come from other tools, and para's words for it. */
const OTHER_WORDS: Readonly<Record<string, readonly string[]>> = {
  rm: ['cancel', 'clean'],
  remove: ['cancel', 'clean'],
  delete: ['cancel', 'clean'],
  new: ['start'],
  create: ['start'],
  add: ['start'],
  done: ['finish'],
  commit: ['finish'],
  push: ['finish'],
  restore: ['recover'],
  undo: ['recover'],
  prune: ['clean'],
  ps: ['list'],
  settings: ['config show'],
  'docker ps': ['docker list'],
  'docker rm': ['docker stop', 'docker cleanup'],
  'docker remove': ['docker stop', 'docker cleanup'],
  'docker prune': ['docker cleanup'],
  'docker run': ['docker exec', 'start'],
  'docker sh': ['docker attach', 'docker exec'],
  'docker up': ['docker start'],
  'docker down': ['docker stop'],
  'config list': ['config show'],
  'config ls': ['config show'],
  'config add': ['config set'],
  'config rm': ['config unset'],
};

const KNOWN: readonly string[] = COMMANDS.flatMap(({ words, aliases = [] }) => {
  const group = words.includes(' ') ? `${words.split(' ')[0] ?? ''} ` : '';
  return [words, ...aliases.map((alias) => group + alias)];
});

/** The words before any `--`. */
export function beforeDashes(argv: readonly string[]): readonly string[] {
  const dashes = argv.indexOf('--');
  return dashes === -1 ? argv : argv.slice(0, dashes);
}

/** The words that are neither flags nor a global flag's value: the command's are among them, first. */
export function plainWords(argv: readonly string[]): readonly string[] {
  return beforeDashes(argv).filter((word, i, all) => !word.startsWith('-') && all[i - 1] !== '--engine');
}

/** `para help start` is `para start --help`. */
export function withHelpAsked(argv: readonly string[]): readonly string[] {
  const at = argv.indexOf('help');
  return at !== -1 && plainWords(argv)[0] === 'help' ? [...argv.filter((_, i) => i !== at), '--help'] : argv;
}

/** @throws USAGE for words that are no command, with the one that was probably meant */
export function requireKnownCommand(argv: readonly string[]): void {
  const [first, second] = plainWords(argv);
  if (first === undefined) return;
  const isGroup = Object.hasOwn(GROUPS, first);
  if (KNOWN.includes(first) || (isGroup && second === undefined)) return;
  const typed = isGroup && second !== undefined ? `${first} ${second}` : first;
  if (KNOWN.includes(typed)) return;
  const hint = [
    ...meant(typed, isGroup ? first : undefined),
    isGroup ? `para ${first} --help` : 'para --help',
  ];
  throw new ParaError('USAGE', `unknown command ${JSON.stringify(typed)}`, { hint: hint.join('\n') });
}

function meant(typed: string, group: string | undefined): readonly string[] {
  const candidates = KNOWN.filter((words) =>
    group === undefined ? !words.includes(' ') : words.startsWith(group),
  );
  const near = closest(typed, [...candidates, ...(group === undefined ? Object.keys(GROUPS) : [])], 2);
  const others = [...(OTHER_WORDS[typed] ?? []), ...Object.keys(GROUPS).map((name) => `${name} ${typed}`)];
  const said = others.filter((words) => KNOWN.includes(words));
  const found = said.length > 0 ? said : near === undefined ? [] : [near];
  return found.length === 0 ? [] : [`Did you mean para ${found.join(', or para ')}?`];
}

/**
 * What yargs takes and para does not: a positional given as an option, `--no-` of an option with a value, an option
 * and its own contrary, and words after `--` for a command that runs none. @throws USAGE
 */
export function refuseContradictions(argv: readonly string[], words: string, command: Command): void {
  const help = `para ${words} --help`;
  const own = beforeDashes(argv).map((word) => word.split('=')[0] ?? word);
  const unknown = own.find((word) => isPositional(word, command) || isNegatedValue(word, command));
  if (unknown !== undefined) throw new ParaError('USAGE', `unknown argument: ${unknown}`, { hint: help });
  for (const names of command.switches) {
    const yes = own.find((word) => names.some((name) => word === dashed(name)));
    const no = own.find((word) => names.some((name) => word === `--no-${name}`));
    if (yes !== undefined && no !== undefined)
      throw new ParaError('USAGE', `${yes} and ${no} contradict each other`, { hint: help });
  }
  if (argv.includes('--') && !command.takesRest)
    throw new ParaError('USAGE', 'words after -- are for docker exec alone, which runs them in a container', {
      hint: help,
    });
}

function isPositional(word: string, { positionals }: Command): boolean {
  return positionals.some((name) => word === `--${name}` || word === `--no-${name}`);
}

function isNegatedValue(word: string, { flags }: Command): boolean {
  return (
    word.startsWith('--no-') && flags.some((flag) => flag.takesValue && flag.word === `--${word.slice(5)}`)
  );
}

function dashed(name: string): string {
  return name.length === 1 ? `-${name}` : `--${name}`;
}
