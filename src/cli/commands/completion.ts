import { settingPaths } from '../../config/edit.ts';
import { listBranches } from '../../git/refs.ts';
import { listRecords } from '../../sessions/store.ts';
import { ParaError } from '../../errors.ts';
import type { App } from '../app.ts';
import { defineCommand, type CommandName, type Flag, type Invocation } from '../define.ts';

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# para completion for bash: eval "$(para completion bash)"
_para() { local IFS=$'\\n'; COMPREPLY=($(compgen -W "$(para completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}")); }
complete -o default -F _para para`,
  zsh: `# para completion for zsh: eval "$(para completion zsh)"
_para() { local -a words_; words_=(\${(f)"$(para completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"}); compadd -a words_ }
compdef _para para`,
  fish: `# para completion for fish: para completion fish | source
complete -c para -f -a '(para completion words -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'`,
};

/** What stands before a session: the message, or the command's second word. */
const BEFORE_SESSION =
  /^(cancel|resume|finish .+|docker (attach|exec|logs|start|stop|sync|network (log|learn)|queue list))$/s;

/** What stands before it in those that do more than one thing. */
const ACTIONS: Readonly<Partial<Record<string, readonly string[]>>> = {
  'docker queue': ['list', 'result', 'wait', 'cancel', 'signal'],
  'docker network': ['log', 'learn'],
  'docker pool': ['fill', 'drain'],
};

export default defineCommand({
  command: 'completion <shell>',
  describe: 'Print a completion script for bash, zsh or fish',
  positionals: { shell: { describe: 'bash, zsh or fish' } },
  options: {},
  takesRest: true,
  examples: [['eval "$($0 completion bash)"', 'in ~/.bashrc']],
  async run(args, app, invocation) {
    const shell = String(args['shell']);
    if (shell === 'words') {
      const words = await candidates(invocation.rest, invocation, app);
      app.output.answer({ words }, () => words.join('\n'));
      return 0;
    }
    const script = SCRIPTS[shell];
    if (script === undefined)
      throw new ParaError('USAGE', `there is no completion for ${JSON.stringify(shell)}`, {
        hint: 'para completion bash|zsh|fish',
      });
    app.output.answer({ shell, script }, () => script);
    return 0;
  },
});

/** What the last of the words can become; the shell picks those that begin as it does. */
async function candidates(line: readonly string[], known: Invocation, app: App): Promise<readonly string[]> {
  // What follows `--` is the container's business. bash makes a word of `=`.
  if (line.slice(0, -1).includes('--')) return [];
  const typed = line.slice(0, -1).filter((word) => word !== '=');
  const flags = await flagsAfter(typed, known);
  const before = flags.find((flag) => flag.word === typed.at(-1));
  if (before?.word === '--base') return branches(app);
  if (before?.takesValue === true) return before.choices;
  if (line.at(-1)?.startsWith('-') === true) return flags.map((flag) => flag.word);
  const words = withoutFlags(typed, flags);
  return [...new Set([...nextWords(words, known.commands), ...(await argumentsAfter(words, typed, app))])];
}

/** What is no word of a command itself: sessions, shells, settings. */
async function argumentsAfter(
  words: readonly string[],
  typed: readonly string[],
  app: App,
): Promise<readonly string[]> {
  const line = words.join(' ');
  if (line === 'completion') return Object.keys(SCRIPTS);
  const actions = ACTIONS[line];
  if (actions !== undefined) return actions;
  if (/^config (get|set|unset)$/.test(line)) return settingPaths();
  const hasMessage = words[0] === 'finish' && typed.some((word) => word === '-m' || word === '--message');
  const spoken = hasMessage ? ['finish', 'message', ...words.slice(1)] : words;
  // A message is one word.
  const isLater = spoken[0] === 'finish' && spoken.length > 2;
  const isSession = !isLater && BEFORE_SESSION.test(spoken.join(' '));
  return isSession ? sessionNames(app, spoken[0] === 'docker' && spoken[1] !== 'start') : [];
}

/** The flags of the command that was typed, if one was, and those that stand everywhere. */
async function flagsAfter(
  typed: readonly string[],
  { commands, globalFlags }: Invocation,
): Promise<readonly Flag[]> {
  const line = `${withoutFlags(typed, globalFlags).join(' ')} `;
  const command = commands.find(({ words }) => line.startsWith(`${words} `));
  return [...((await command?.flags()) ?? []), ...globalFlags];
}

function withoutFlags(typed: readonly string[], flags: readonly Flag[]): readonly string[] {
  const takesValue = (word: string | undefined): boolean =>
    flags.some((flag) => flag.word === word && flag.takesValue);
  return typed.filter((word, i) => !word.startsWith('-') && !takesValue(typed[i - 1]));
}

function nextWords(words: readonly string[], commands: readonly CommandName[]): readonly string[] {
  return commands.flatMap((command) => {
    const parts = command.words.split(' ');
    const begins = words.every((word, i) => word === parts[i]);
    return begins && parts.length > words.length ? [parts[words.length] ?? ''] : [];
  });
}

async function branches(app: App): Promise<readonly string[]> {
  try {
    return await listBranches(await app.repository());
  } catch {
    return []; // completing outside a repository is no error
  }
}

async function sessionNames(app: App, withContainer: boolean): Promise<readonly string[]> {
  try {
    return (await listRecords(await app.places())).records
      .filter(({ status, container }) => (withContainer ? container !== null : status !== 'review'))
      .map((record) => record.name);
  } catch {
    return []; // completing outside a repository is no error
  }
}
