/**
 * Reads a command line that leaves nothing to guess, as yargs would, from the same options: loading yargs takes longer
 * than most of what is typed. Whatever is abbreviated, doubtful, wrong or asks for help is not read here.
 */
import type { Options } from 'yargs';
import { beforeDashes } from './line.ts';
import type { Command } from './define.ts';
import { GLOBAL_OPTIONS } from './globals.ts';

/** What yargs would hand to the command. */
type Args = Record<string, unknown>;

/** No quotes, no blanks, nothing that a parser could take for more than it is. */
const PLAIN = /^[\w./:=@,+%][\w./:=@,+%-]*$/;
/** What is known of an option by whoever reads it here; one that asks for more is left to yargs. */
const KNOWN_KEYS: ReadonlySet<string> = new Set([
  ...['alias', 'array', 'choices', 'default', 'defaultDescription', 'describe', 'global'],
  ...['nargs', 'requiresArg', 'type'],
]);

/** `words` are the command's own, such as `docker exec`. @returns undefined for a line that yargs has to read */
export function readPlainLine(argv: readonly string[], words: string, command: Command): Args | undefined {
  const own = beforeDashes(argv);
  const named = words.split(' ');
  if (!named.every((word, i) => own[i] === word)) return undefined;
  const options = { ...GLOBAL_OPTIONS, ...command.options };
  if (!Object.values(options).every(isSimple)) return undefined;
  const read = readWords(own.slice(named.length), flagsOf(options));
  const placed = read === undefined ? undefined : place(read.others, command);
  if (read === undefined || placed === undefined) return undefined;
  const rest = argv.slice(own.length + 1);
  return {
    ...{ _: named, $0: 'para', ...(rest.length === 0 ? {} : { '--': rest }) },
    ...withAliases(options, read.values),
    ...placed,
  };
}

function isSimple(option: Options): boolean {
  const { type, array, nargs, requiresArg } = option;
  const isSwitch = type === 'boolean' && array !== true;
  const takesOne = (type === 'string' || type === undefined) && requiresArg === true;
  return (
    Object.keys(option).every((key) => KNOWN_KEYS.has(key)) &&
    (isSwitch || (takesOne && (array !== true || nargs === 1)))
  );
}

/** An option by one of its spellings. */
interface Spelled {
  readonly name: string;
  readonly option: Options;
  /** What a switch is set to. */
  readonly value: boolean;
}

function flagsOf(options: Readonly<Record<string, Options>>): ReadonlyMap<string, Spelled> {
  const flags = new Map<string, Spelled>();
  for (const [name, option] of Object.entries(options)) {
    for (const word of [name, ...[option.alias ?? []].flat()])
      flags.set(word.length === 1 ? `-${word}` : `--${word}`, { name, option, value: true });
    if (option.type === 'boolean') flags.set(`--no-${name}`, { name, option, value: false });
  }
  return flags;
}

interface Read {
  readonly values: ReadonlyMap<string, unknown>;
  readonly others: readonly string[];
}

function readWords(words: readonly string[], flags: ReadonlyMap<string, Spelled>): Read | undefined {
  const values = new Map<string, unknown>();
  const others: string[] = [];
  for (let i = 0; i < words.length; i += 1) {
    const word = words[i] ?? '';
    const next = words[i + 1];
    const flag = flags.get(word);
    if (flag === undefined) {
      if (!PLAIN.test(word)) return undefined;
      others.push(word);
    } else if (flag.option.type === 'boolean') {
      // A switch takes such a word for its value.
      if (values.has(flag.name) || next === 'true' || next === 'false') return undefined;
      values.set(flag.name, flag.value);
    } else {
      const value = valueOf(flag, next, values.get(flag.name));
      if (value === undefined) return undefined;
      values.set(flag.name, value);
      i += 1;
    }
  }
  return { values, others };
}

/** The value that follows; of a list, with those before it. */
function valueOf(
  { option: { array, choices } }: Spelled,
  word: string | undefined,
  before: unknown,
): unknown {
  if (word === undefined || !PLAIN.test(word)) return undefined;
  if (choices !== undefined && !choices.includes(word)) return undefined;
  if (array === true) return [...((before as readonly string[] | undefined) ?? []), word];
  return before === undefined ? word : undefined;
}

/** Every option that was given or has a default, by all its names. */
function withAliases(options: Readonly<Record<string, Options>>, values: ReadonlyMap<string, unknown>): Args {
  const args: Args = {};
  for (const [name, option] of Object.entries(options)) {
    const value = values.get(name) ?? (option.default as unknown);
    if (value !== undefined) for (const word of [name, ...[option.alias ?? []].flat()]) args[word] = value;
  }
  return args;
}

/** The words that are no flags, by the names that `command` has for them. */
function place(words: readonly string[], command: Command): Args | undefined {
  const args: Args = {};
  let used = 0;
  for (const [, open, name = '', many] of command.command.matchAll(/([<[])([\w-]+)(\.\.)?[>\]]/g)) {
    const taken = words.slice(used, many === undefined ? used + 1 : undefined);
    used += taken.length;
    if (open === '<' && taken.length === 0) return undefined;
    if (!areTaken(taken, command.described[name] ?? {})) return undefined;
    if (many !== undefined) args[name] = taken;
    else if (taken.length === 1) args[name] = taken[0];
  }
  return used === words.length ? args : undefined;
}

function areTaken(words: readonly string[], { choices, ...others }: Options): boolean {
  return (
    Object.keys(others).every((key) => ['array', 'describe', 'type'].includes(key)) &&
    words.every((word) => choices?.includes(word) ?? true)
  );
}
