import { parseGrace, stopSessionContainer } from '../../sessions/start-stop.ts';
import {
  newRemoveState,
  planRemove,
  removeSteps,
  withRemovePlan,
  type RemovePlan,
} from '../../sessions/remove-container.ts';
import { keptInWords } from '../../sessions/teardown.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'stop [session]',
  changes: true,
  describe: 'Stop the container of a session; with --remove, take it away',
  positionals: { session: { describe: 'Session; without one, the one whose worktree you are in' } },
  options: {
    grace: {
      type: 'string',
      default: '10',
      requiresArg: true,
      describe: 'Seconds to end by itself before it is killed',
    },
    remove: {
      type: 'boolean',
      default: false,
      describe: 'Bring its commits back and remove it: the session goes on without one',
    },
    'dry-run': { type: 'boolean', default: false, describe: 'Say what would be done, and do nothing' },
  },
  examples: [
    ['$0 docker stop fix-login', 'its files and commits stay'],
    ['$0 docker stop fix-login --remove', 'they stay too: in the worktree, and on the branch'],
  ],
  async run(args, app) {
    const session = args['session'] as string | undefined;
    const graceSeconds = parseGrace(args.grace);
    if (args['dry-run']) return say(app, await planRemove(app, session, graceSeconds), args.remove);
    if (args.remove) return remove(app, { session, graceSeconds });
    const stopped = await stopSessionContainer(app, session, graceSeconds);
    app.output.answer(
      { ...stopped, state: 'exited' },
      () => `The container of ${stopped.session} is stopped`,
    );
    return 0;
  },
});

async function remove(
  app: App,
  wish: { readonly session: string | undefined; readonly graceSeconds: number },
): Promise<number> {
  await withRemovePlan(app, wish, async (plan) => {
    const { name, container, branch, worktree_path: worktree } = plan.record;
    const state = newRemoveState();
    try {
      await app.run(removeSteps(plan), state);
    } catch (error) {
      if (state.settled)
        app.output.warn(`Its commits are all on ${branch}. To go on: para docker stop ${name} --remove`);
      throw error;
    }
    for (const line of state.back === undefined ? [] : keptInWords(state.back)) app.output.warn(line);
    const others = state.back?.others ?? [];
    app.output.answer(
      {
        ...{ session: name, container: container?.name, state: 'removed', branch },
        ...{ commits_brought_back: state.back?.commits ?? 0, other_refs: others },
      },
      () =>
        [
          `${name} has no container any more; its commits are on ${branch}, its files in ${worktree}`,
          ...others.map((ref) => `  also taken: ${ref}`),
        ].join('\n'),
    );
  });
  return 0;
}

function say(app: App, { record }: RemovePlan, removes: boolean): number {
  const plan = { session: record.name, container: record.container?.name, remove: removes };
  const verb = removes ? 'bring the commits back of, and remove,' : 'stop';
  app.output.answer(
    { dry_run: true, plan },
    () => `Would ${verb} the container ${record.container?.name ?? ''}`,
  );
  return 0;
}
