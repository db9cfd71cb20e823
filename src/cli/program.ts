/** The command line: which command, its options, and what went wrong with them. yargs lives here alone. */
import yargs, { type Argv } from 'yargs';
import type { OutputFlags } from '../ui/output.ts';
import { waitLike } from '../sys/lock.ts';
import type { App } from './app.ts';
import { flagsOf, type Command, type CommandName } from './define.ts';
import {
  beforeDashes,
  plainWords,
  refuseContradictions,
  requireKnownCommand,
  withHelpAsked,
} from './line.ts';
import { withoutNoise } from './help.ts';
import { settleFirst } from './settling.ts';
import { COMMANDS, GROUPS, type Entry } from './table.ts';
import { usageError } from './usage.ts';
import { patienceOf } from './waiting.ts';

/** The flags that decide how para speaks, read before anything is parsed so that even a usage error obeys them. */
export function readOutputFlags(argv: readonly string[]): OutputFlags {
  const own = beforeDashes(argv);
  const has = (...names: string[]): boolean => own.some((word) => names.includes(word));
  return {
    json: has('--json'),
    quiet: has('--quiet', '-q'),
    verbose: has('--verbose', '-v'),
    color: !has('--no-color', '--no-colour'),
  };
}

/** Runs a command line. @returns the exit code. @throws ParaError */
export async function runProgram(
  typed: readonly string[],
  version: string,
  makeApp: (engine: string) => App,
): Promise<number> {
  const argv = typed.length === 0 ? await nothingTyped(makeApp('')) : withHelpAsked(typed);
  requireKnownCommand(argv);
  const entry = findEntry(argv);
  const loaded = entry === undefined ? undefined : (await entry.load()).default;
  let exit = 0;
  const flags = [...(loaded?.flags ?? []), ...globalFlags];
  // yargs throws some of what it has against a command line, and reports the rest.
  const refuse = (message: string | null, error?: Error): Error =>
    error === undefined || error.name === 'YError'
      ? usageError(error?.message ?? message ?? 'wrong usage', { argv, words: entry?.words, flags })
      : error;
  const width = isHelpAsked(argv) ? Math.min(110, process.stdout.columns || 100) : null;
  const program = base(version, width, refuse);
  const run = (command: Command) => async (args: Record<string, unknown>) => {
    refuseContradictions(argv, entry?.words ?? '', command);
    const rest = args['--'] as readonly string[] | undefined;
    const app = makeApp(typeof args['engine'] === 'string' ? args['engine'] : '');
    waitLike(patienceOf(args, app));
    const invocation = {
      rest: rest ?? [],
      hasRest: argv.includes('--'),
      hasDash: beforeDashes(argv).includes('-'),
      commands: COMMAND_NAMES,
      globalFlags,
    };
    if (command.changes) await settleFirst(app, entry?.words ?? '', args);
    exit = (await command.run(args, app, invocation)) ?? 0;
  };
  register(program, entry, loaded, run);
  if (!isHelpAsked(argv)) layOutNoHelp(program);
  let shown = '';
  await program.parseAsync([...argv], {}, (error: unknown, _argv: unknown, output: string) => {
    if (error instanceof Error) throw refuse(null, error);
    shown = output;
  });
  if (shown !== '') process.stdout.write(`${withoutNoise(shown)}\n`);
  return exit;
}

/** `para` alone: the live view for a person in a repository, else what para can do. */
async function nothingTyped(app: App): Promise<readonly string[]> {
  if (!process.stdin.isTTY || !app.output.isTerminal) return ['--help'];
  return app.repository().then(
    () => ['monitor'],
    () => ['--help'],
  );
}

const GLOBAL_OPTIONS = {
  json: { type: 'boolean', describe: 'Print one JSON document on stdout', global: true, default: false },
  quiet: {
    alias: 'q',
    type: 'boolean',
    describe: 'Say nothing but the answer',
    global: true,
    default: false,
  },
  verbose: {
    alias: 'v',
    type: 'boolean',
    describe: 'Show every process that is run',
    global: true,
    default: false,
  },
  engine: {
    choices: ['auto', 'docker', 'podman'],
    defaultDescription: 'from settings',
    describe: 'Container engine',
    global: true,
    requiresArg: true,
  },
  wait: {
    type: 'boolean',
    describe: 'Wait for another para that is at work here (--no-wait: exit 9 at once, naming it)',
    global: true,
    default: true,
  },
  color: {
    type: 'boolean',
    describe: 'Colours on a terminal (--no-color: never)',
    global: true,
    default: true,
  },
} as const;

const globalFlags = flagsOf({ ...GLOBAL_OPTIONS, help: { alias: 'h', type: 'boolean', default: false } });
const COMMAND_NAMES: readonly CommandName[] = COMMANDS.map(({ words, load }) => ({
  words,
  flags: async () => (await load()).default.flags,
}));

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
  run: (command: Command) => (args: Record<string, unknown>) => Promise<void>,
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
  run: (command: Command) => (args: Record<string, unknown>) => Promise<void>,
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
    run(loaded) as never,
  );
}

/** The entry that the words before any `--` name. */
function findEntry(argv: readonly string[]): Entry | undefined {
  const words = plainWords(argv);
  const matches = (entry: Entry): boolean => {
    const [first, second] = entry.words.split(' ');
    if (second === undefined) return words[0] === first || (entry.aliases ?? []).includes(words[0] ?? '');
    return words[0] === first && (words[1] === second || (entry.aliases ?? []).includes(words[1] ?? ''));
  };
  return COMMANDS.find(matches);
}
