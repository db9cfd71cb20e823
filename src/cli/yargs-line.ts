/** A command line as yargs reads it: its help, and what is wrong with it. yargs lives here alone. */
import yargs, { type Argv } from 'yargs';
import type { Command } from './define.ts';
import { GLOBAL_OPTIONS, globalFlags } from './globals.ts';
import { withoutNoise } from './help.ts';
import { beforeDashes } from './line.ts';
import { COMMANDS, GROUPS, type Entry } from './table.ts';
import { usageError } from './usage.ts';

/** A command line, and the command that was found in it. */
export interface Line {
  readonly argv: readonly string[];
  readonly version: string;
  readonly entry: Entry | undefined;
  readonly loaded: Command | undefined;
}

type Args = Record<string, unknown>;

/** Reads the line and hands what it says to `run`; prints the help when that is asked for. @throws USAGE */
export async function runYargsLine(
  { argv, version, entry, loaded }: Line,
  run: (args: Args) => Promise<void>,
): Promise<void> {
  const flags = [...(loaded?.flags ?? []), ...globalFlags];
  // yargs throws some of what it has against a command line, and reports the rest.
  const refuse = (message: string | null, error?: Error): Error =>
    error === undefined || error.name === 'YError'
      ? usageError(error?.message ?? message ?? 'wrong usage', { argv, words: entry?.words, flags })
      : error;
  const width = isHelpAsked(argv) ? Math.min(110, process.stdout.columns || 100) : null;
  const program = base(version, width, refuse);
  register(program, entry, loaded, run);
  if (!isHelpAsked(argv)) layOutNoHelp(program);
  let shown = '';
  await program.parseAsync([...argv], {}, (error: unknown, _argv: unknown, output: string) => {
    if (error instanceof Error) throw refuse(null, error);
    shown = output;
  });
  if (shown !== '') process.stdout.write(`${withoutNoise(shown)}\n`);
}

function isHelpAsked(argv: readonly string[]): boolean {
  return beforeDashes(argv).some((word) => word === '--help' || word === '-h');
}

/** A part of yargs that has no face of its own. */
interface Yargs {
  getInternalMethods(): { getUsageInstance(): { cacheHelpMessage: () => void } };
}

/** yargs lays out the help of every command it runs, which takes as long as the rest of it (yargs 18, command.js). */
function layOutNoHelp(program: Argv): void {
  (program as unknown as Yargs).getInternalMethods().getUsageInstance().cacheHelpMessage = () => undefined;
}

function base(
  version: string,
  width: number | null,
  refuse: (message: string | null, error?: Error) => Error,
): Argv {
  return yargs()
    .scriptName('para')
    .usage(
      '$0 <command> [options]\n\nParallel lines of work: a git worktree, a branch and a container per session.',
    )
    .version(version)
    .help()
    .alias('h', 'help')
    .options(GLOBAL_OPTIONS)
    .parserConfiguration({
      'populate--': true,
      'parse-numbers': false,
      'parse-positional-numbers': false,
      'duplicate-arguments-array': true,
      'camel-case-expansion': false,
    })
    .strict()
    .demandCommand(1, 'say what to do')
    .exitProcess(false)
    .showHelpOnFail(false)
    .wrap(width)
    .fail((message: string | null, error: Error | undefined) => {
      throw refuse(message, error);
    });
}

function register(
  program: Argv,
  entry: Entry | undefined,
  loaded: Command | undefined,
  run: (args: Args) => Promise<void>,
): void {
  // What is known to be meant needs no others beside it.
  const commands = entry === undefined ? COMMANDS : [entry];
  for (const group of [undefined, ...Object.keys(GROUPS)]) {
    const members = commands.filter(({ words }) =>
      group === undefined ? !words.includes(' ') : words.startsWith(`${group} `),
    );
    const add = (to: Argv): Argv => {
      for (const member of members) addCommand(to, member, member === entry ? loaded : undefined, run);
      return to;
    };
    if (group === undefined) add(program);
    else if (members.length > 0)
      program.command(group, GROUPS[group] ?? '', (sub) =>
        add(sub).demandCommand(1, `say what to do: para ${group} --help lists it`),
      );
  }
}

function addCommand(
  to: Argv,
  entry: Entry,
  loaded: Command | undefined,
  run: (args: Args) => Promise<void>,
): void {
  const word = entry.words.split(' ').at(-1) ?? entry.words;
  if (loaded === undefined) {
    to.command([word, ...(entry.aliases ?? [])], entry.describe);
    return;
  }
  to.command(
    [loaded.command, ...(entry.aliases ?? [])],
    loaded.describe,
    (sub: Argv) => loaded.build(sub),
    run as never,
  );
}
