import { readPrompt } from '../../sessions/prompt.ts';
import { defineCommand } from '../define.ts';
import { START_OPTIONS, startSession } from '../start-line.ts';

export default defineCommand({
  command: 'start [name]',
  changes: true,
  describe: 'Start a session: worktree, branch and, with --docker, a container',
  positionals: { name: { describe: 'Name of the session; without one, para makes a readable one' } },
  options: START_OPTIONS,
  examples: [
    ['$0 start fix-login', 'a worktree and the branch para/fix-login'],
    ['$0 start fix-login --docker', 'and a container, image by the kind of project'],
    ['$0 start api --docker --image node:22 --port 3000 --memory 2g', ''],
    ['$0 start -p "Fix the login form" --docker', 'and the agent of your settings at work in it'],
  ],
  async run(args, app) {
    const prompt = await readPrompt(app, { text: args.prompt, file: args.file });
    return startSession(args, app, { name: args['name'] as string | undefined, prompt });
  },
});
