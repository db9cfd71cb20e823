import { listRecords } from '../../sessions/store.ts';
import { ParaError } from '../../errors.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';
import { commandWords } from '../words.ts';

const SCRIPTS: Readonly<Record<string, string>> = {
  bash: `# para completion for bash: eval "$(para completion bash)"
_para() { local IFS=$'\\n'; COMPREPLY=($(compgen -W "$(para completion words -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- "\${COMP_WORDS[COMP_CWORD]}")); }
complete -o default -F _para para`,
  zsh: `# para completion for zsh: eval "$(para completion zsh)"
_para() { local -a words_; words_=("\${(@f)$(para completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"); compadd -a words_ }
compdef _para para`,
  fish: `# para completion for fish: para completion fish | source
complete -c para -f -a '(para completion words -- (commandline -opc)[2..-1] (commandline -ct) 2>/dev/null)'`,
};

const WITH_SESSION = /^(finish|docker (exec|start|stop))$/;

export default defineCommand({
  command: 'completion <shell>',
  describe: 'Print a completion script for bash, zsh or fish',
  positionals: { shell: { describe: 'bash, zsh or fish' } },
  options: {},
  examples: [['eval "$($0 completion bash)"', 'in ~/.bashrc']],
  async run(args, app, { rest }) {
    const shell = String(args['shell']);
    if (shell === 'words') {
      const words = await candidates(rest.slice(0, -1), app);
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

/** What can follow the words typed so far. */
async function candidates(typed: readonly string[], app: App): Promise<readonly string[]> {
  const words = typed.filter((word) => !word.startsWith('-'));
  const line = words.join(' ');
  const next = commandWords().flatMap((entry) => {
    const parts = entry.split(' ');
    return parts.length > words.length && parts.slice(0, words.length).join(' ') === line
      ? [parts[words.length] ?? '']
      : [];
  });
  const sessions = WITH_SESSION.test(words.slice(0, words[0] === 'docker' ? 2 : 1).join(' '))
    ? await sessionNames(app)
    : [];
  return [...new Set([...next, ...sessions])];
}

async function sessionNames(app: App): Promise<readonly string[]> {
  try {
    return (await listRecords(await app.places())).records
      .filter((record) => record.status !== 'review')
      .map((record) => record.name);
  } catch {
    return []; // completing outside a repository is no error
  }
}
