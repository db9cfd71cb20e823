import { ParaError } from '../../errors.ts';
import { planLogs, printLogs, readLogs } from '../../sessions/logs.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'logs [session]',
  describe: 'Print what the container of a session has printed',
  positionals: { session: { describe: 'Session; without one, the one whose worktree you are in' } },
  options: {
    follow: {
      alias: 'f',
      type: 'boolean',
      default: false,
      describe: 'Go on until the container ends, or Ctrl-C',
    },
    tail: { type: 'string', requiresArg: true, describe: 'The last N lines', defaultDescription: 'all' },
    since: { type: 'string', requiresArg: true, describe: 'From then on: an age (10m), a date or a time' },
    timestamps: {
      alias: 't',
      type: 'boolean',
      default: false,
      describe: 'Put the time before each line',
    },
  },
  examples: [
    ['$0 docker logs fix-login --tail 50', ''],
    ['$0 docker logs fix-login -f --since 10m', 'the last ten minutes, and what comes'],
  ],
  async run(args, app) {
    const { follow, tail, since, timestamps } = args;
    const wish = { session: args['session'] as string | undefined, follow, tail, since, timestamps };
    const asDocument = args['json'] === true;
    if (follow && asDocument)
      throw new ParaError('USAGE', '--follow has no end, and --json is one document', {
        hint: 'Leave one of them out.',
      });
    const plan = await planLogs(app, wish, app.now());
    if (asDocument) {
      const logs = await readLogs(plan);
      app.output.answer({ session: plan.record.name, container: plan.request.container, logs }, () => logs);
      return 0;
    }
    return printLogs(plan, app.cancellation, (text) => {
      app.output.warn(text);
    });
  },
});
