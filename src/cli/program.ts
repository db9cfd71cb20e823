/** The command line: which command is meant, and its run. yargs is loaded only for a line that is not plain. */
import type { OutputFlags } from '../ui/output.ts';
import { waitLike } from '../sys/lock.ts';
import type { App } from './app.ts';
import type { CommandName } from './define.ts';
import { globalFlags } from './globals.ts';
import {
  beforeDashes,
  plainWords,
  refuseContradictions,
  requireKnownCommand,
  withHelpAsked,
} from './line.ts';
import { readPlainLine } from './plain-line.ts';
import { COMMANDS, type Entry } from './table.ts';
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
  const run = async (args: Record<string, unknown>): Promise<void> => {
    if (loaded === undefined) return;
    refuseContradictions(argv, entry?.words ?? '', loaded);
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
    if (loaded.changes) await (await import('./settling.ts')).settleFirst(app, entry?.words ?? '', args);
    exit = (await loaded.run(args, app, invocation)) ?? 0;
  };
  const plain = entry && loaded ? readPlainLine(argv, entry.words, loaded) : undefined;
  if (plain !== undefined) await run(plain);
  else await (await import('./yargs-line.ts')).runYargsLine({ argv, version, entry, loaded }, run);
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

const COMMAND_NAMES: readonly CommandName[] = COMMANDS.map(({ words, load }) => ({
  words,
  flags: async () => (await load()).default.flags,
}));

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
