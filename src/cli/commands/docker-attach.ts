import { ParaError } from '../../errors.ts';
import { attachToSession } from '../../sessions/attach.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'attach [session]',
  describe: 'Open a shell in the container of a session',
  positionals: { session: { describe: 'Session; without one, the one whose worktree you are in' } },
  options: {},
  examples: [
    ['$0 docker attach fix-login', 'its $SHELL, bash, zsh, fish, ash or sh: the first that is there'],
    ['$0 docker attach', 'from inside the worktree, in the same directory'],
  ],
  async run(args, app) {
    const session = args['session'] as string | undefined;
    if (!process.stdin.isTTY || !process.stdout.isTTY)
      throw new ParaError('USAGE', 'a shell needs a terminal for its input and its output', {
        hint: `para docker exec ${session ?? '[session]'} -- COMMAND [ARG…]`,
      });
    const code = await attachToSession(app, session, (text) => {
      app.output.note(text);
    });
    // Whatever ran on the screen when it was cut off could not put it back.
    if (code > 128) app.output.calmTerminal();
    return code;
  },
});
