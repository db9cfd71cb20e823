import { stopSessionContainer } from '../../sessions/containers.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'stop [session]',
  describe: 'Stop the container of a session',
  positionals: { session: { describe: 'Session; without one, the one whose worktree you are in' } },
  options: {
    grace: {
      type: 'string',
      default: '10',
      requiresArg: true,
      describe: 'Seconds to end by itself before it is killed',
    },
  },
  examples: [['$0 docker stop fix-login', 'its files and commits stay']],
  async run(args, app) {
    const { session, container } = await stopSessionContainer(
      app,
      args['session'] as string | undefined,
      args.grace,
    );
    app.output.answer(
      { session, container, state: 'exited' },
      () => `The container of ${session} is stopped`,
    );
    return 0;
  },
});
