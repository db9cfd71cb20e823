import { ParaError } from '../../errors.ts';
import { execInSession } from '../../sessions/containers.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'exec [session]',
  describe: 'Run a command in the container of a session',
  positionals: { session: { describe: 'Session; without one, the one whose worktree you are in' } },
  options: {},
  takesRest: true,
  examples: [
    ['$0 docker exec fix-login -- npm test', ''],
    ['$0 docker exec -- git log --oneline', 'from inside the worktree'],
  ],
  async run(args, app, { rest, hasRest }) {
    if (!hasRest || rest.length === 0) {
      throw new ParaError('USAGE', 'no command was given', {
        hint: 'para docker exec [session] -- COMMAND [ARG…]',
      });
    }
    const streams = { stdinTty: process.stdin.isTTY, stdoutTty: process.stdout.isTTY };
    return execInSession(app, args['session'] as string | undefined, rest, streams);
  },
});
