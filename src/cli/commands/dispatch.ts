import { ParaError } from '../../errors.ts';
import { readPrompt } from '../../sessions/prompt.ts';
import { defineCommand } from '../define.ts';
import { START_OPTIONS, startSession } from '../start-line.ts';

export default defineCommand({
  command: 'dispatch <name> [task]',
  changes: true,
  describe: 'Start a session and let the agent of your settings work in it, in the background',
  positionals: {
    name: { describe: 'Name of the session' },
    task: { describe: 'What the agent is to do; - reads it from stdin' },
  },
  options: START_OPTIONS,
  examples: [
    ['$0 dispatch fix-login "Fix the login form" --docker', ''],
    ['$0 dispatch fix-login -f task.md --docker --setup-script tools/install.sh', ''],
    ['git diff main | $0 dispatch review -', 'the prompt from stdin'],
    ['$0 config set agent.preset claude', 'once; or codex, gemini, opencode, aider'],
  ],
  async run(args, app, { hasDash }) {
    const task = args['task'] === '' && hasDash ? '-' : (args['task'] as string | undefined);
    const texts = [task, args.prompt].filter((text) => text !== undefined);
    if (texts.length > 1)
      throw new ParaError('USAGE', 'the prompt is given twice', { hint: 'Give the text, or -f FILE.' });
    const prompt = await readPrompt(app, { text: texts[0], file: args.file });
    if (prompt === undefined)
      throw new ParaError('USAGE', 'there is no prompt', {
        hint: `para dispatch ${String(args['name'])} "What is to be done"`,
      });
    return startSession(args, app, { name: String(args['name']), prompt });
  },
});
