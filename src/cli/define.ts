import type { Argv, InferredOptionTypes, Options } from 'yargs';
import { ParaError } from '../errors.ts';
import type { App } from './app.ts';

/** What every command's `run` gets besides its own options. */
export interface Invocation {
  /** argv after `--`, untouched. */
  readonly rest: readonly string[];
  /** True when a `--` was typed. */
  readonly hasRest: boolean;
  /** True when a lone `-` was typed: yargs makes an empty text of it where it stands for itself. */
  readonly hasDash: boolean;
  /** Every command there is, for completion. */
  readonly commands: readonly CommandName[];
  /** The flags that every command takes. */
  readonly globalFlags: readonly Flag[];
}

/** What can be typed of a command. */
export interface CommandName {
  /** Such as `docker exec`. */
  readonly words: string;
  /** Its own ones; the command is loaded for them. */
  readonly flags: () => Promise<readonly Flag[]>;
}

/** A flag as it is typed. */
export interface Flag {
  /** Such as `--push`, `--no-push` or `-b`. */
  readonly word: string;
  readonly takesValue: boolean;
  /** The values it takes, when they are few. */
  readonly choices: readonly string[];
}

/** A command: its words, its options, and one function. */
export interface CommandSpec<O extends Record<string, Options>> {
  /** yargs notation, such as `start [name]`. */
  readonly command: string;
  readonly aliases?: readonly string[];
  readonly describe: string;
  /** Descriptions of the positional words in `command`. */
  readonly positionals?: Readonly<Record<string, Options>>;
  readonly options: O;
  /** True for a command that does something with what follows `--`. */
  readonly takesRest?: boolean;
  /** True for a verb that changes sessions or containers: what others left half done is settled before it runs. */
  readonly changes?: boolean;
  /** Instead of the usage that yargs makes of `command`. */
  readonly usage?: string;
  /** Command line and what it does. */
  readonly examples: readonly (readonly [string, string])[];
  /** @returns para's exit code; undefined = 0. */
  run(
    args: InferredOptionTypes<O> & Record<string, unknown>,
    app: App,
    invocation: Invocation,
  ): Promise<number | undefined>;
}

/** A command with the types of its options closed over, ready for the program. */
export interface Command {
  readonly command: string;
  readonly aliases: readonly string[];
  readonly describe: string;
  readonly flags: readonly Flag[];
  /** As yargs takes them; what else reads a line (plain-line.ts) reads it by these. */
  readonly options: Readonly<Record<string, Options>>;
  /** What was said of the positional words in `command`. */
  readonly described: Readonly<Record<string, Options>>;
  /** Names and aliases of each option that is on or off. */
  readonly switches: readonly (readonly string[])[];
  /** Names of the positional words, which are no options. */
  readonly positionals: readonly string[];
  readonly takesRest: boolean;
  readonly changes: boolean;
  build(argv: Argv): Argv;
  run(args: Record<string, unknown>, app: App, invocation: Invocation): Promise<number | undefined>;
}

/** Makes a command of its description; `args` is typed from `options`. */
export function defineCommand<const O extends Record<string, Options>>(spec: CommandSpec<O>): Command {
  return {
    command: spec.command,
    aliases: spec.aliases ?? [],
    describe: spec.describe,
    flags: flagsOf(spec.options),
    options: spec.options,
    described: spec.positionals ?? {},
    switches: Object.entries(spec.options).flatMap(([name, { type, alias }]) =>
      type === 'boolean' ? [[name, ...[alias ?? []].flat()]] : [],
    ),
    positionals: [...spec.command.matchAll(/[<[]([\w-]+)/g)].map(([, name = '']) => name),
    takesRest: spec.takesRest ?? false,
    changes: spec.changes ?? false,
    build(argv) {
      if (spec.usage !== undefined) argv.usage(`${spec.usage}\n\n${spec.describe}`);
      for (const [name, option] of Object.entries(spec.positionals ?? {}))
        argv.positional(name, { type: 'string', ...option } as never);
      return argv
        .options(spec.options)
        .example(spec.examples.map(([line, what]) => [line, what] as [string, string]));
    },
    async run(args, app, invocation) {
      refuseRepeated(args, { ...spec.positionals, ...spec.options });
      return spec.run(args as never, app, invocation);
    },
  };
}

/** Every spelling of every option; `--no-…` where it says something. */
export function flagsOf(options: Readonly<Record<string, Options>>): readonly Flag[] {
  return Object.entries(options).flatMap(([name, option]) => {
    const takesValue = option.type !== 'boolean';
    const choices = (option.choices ?? []).map(String);
    const words = [name, ...[option.alias ?? []].flat()].map((word) =>
      word.length === 1 ? `-${word}` : `--${word}`,
    );
    const negative = takesValue || option.default === false ? [] : [`--no-${name}`];
    return [...words, ...negative].map((word) => ({ word, takesValue, choices }));
  });
}

/** yargs makes a list of a flag that was given twice, whatever its type. @throws USAGE */
function refuseRepeated(
  args: Readonly<Record<string, unknown>>,
  options: Readonly<Record<string, Options>>,
): void {
  const lists = Object.entries(options).flatMap(([name, { array, alias }]) =>
    array === true ? [name, ...[alias ?? []].flat()] : [],
  );
  const repeated = Object.keys(args).find(
    (key) => /^\w/.test(key) && key !== '_' && Array.isArray(args[key]) && !lists.includes(key),
  );
  if (repeated !== undefined)
    throw new ParaError('USAGE', `--${repeated} may be given once only`, { hint: 'para --help' });
}
