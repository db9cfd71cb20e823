import { startSessionContainer } from '../../sessions/containers.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'start [session]',
  describe: 'Start the container of a session',
  positionals: { session: { describe: 'Session; without one, the one whose worktree you are in' } },
  options: {},
  examples: [['$0 docker start fix-login', '']],
  async run(args, app) {
    const { session, container } = await startSessionContainer(app, args['session'] as string | undefined);
    app.output.answer(
      { session, container, state: 'running' },
      () => `The container of ${session} is running`,
    );
    return 0;
  },
});
