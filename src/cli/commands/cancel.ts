import { cancelSteps } from '../../sessions/cancel-steps.ts';
import {
  newCancelState,
  planCancel,
  withCancelPlan,
  type CancelPlan,
  type CancelState,
} from '../../sessions/cancel.ts';
import { withoutSpecial } from '../../sessions/finish-remarks.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';
import { wayBack } from '../way-back.ts';

export default defineCommand({
  command: 'cancel [session]',
  changes: true,
  describe: 'Archive a session with all its work, and take it away; para recover brings it back',
  positionals: { session: { describe: 'Session; without one, the one whose worktree you are in' } },
  options: {
    'archive-ignored': {
      type: 'boolean',
      default: false,
      describe: 'Keep ignored files and nested repositories, in a tar beside the archive',
    },
    force: { alias: 'f', type: 'boolean', default: false, describe: 'Let those go' },
    'dry-run': { type: 'boolean', default: false, describe: 'Say what would be done, and do nothing' },
  },
  examples: [
    ['$0 cancel fix-login', ''],
    ['$0 cancel fix-login --archive-ignored', 'keep also what git ignores'],
  ],
  async run(args, app) {
    const request = {
      session: args['session'] as string | undefined,
      force: args.force,
      archiveIgnored: args['archive-ignored'],
    };
    if (args['dry-run']) {
      const plan = await planCancel(app, request);
      const facts = {
        session: plan.record.name,
        branch: plan.record.branch,
        ignored: plan.left,
        keep: plan.keep,
      };
      app.output.answer(
        { dry_run: true, plan: facts },
        () => `Would archive ${plan.record.name}, and take it away`,
      );
      return 0;
    }
    return withCancelPlan(app, request, (plan) => cancel(app, plan));
  },
});

async function cancel(app: App, plan: CancelPlan): Promise<number> {
  const { name } = plan.record;
  const state = newCancelState();
  try {
    await app.run(cancelSteps(plan), state);
  } catch (error) {
    if (state.settled) app.output.warn(`All of it is archived. To go on: para cancel ${name}`);
    throw error;
  }
  if (plan.keep === 'drop')
    app.output.warn(`Gone with the worktree, as asked: ${plan.left.slice(0, 8).join(' ')}`);
  for (const line of withoutSpecial(state.special)) app.output.warn(line);
  app.output.answer(document(plan, state), () =>
    [
      `Cancelled ${name}; all its work is archived`,
      `  para recover ${name}`,
      ...wayBack(app, { worktree: plan.record.worktree_path, root: plan.repo.root }),
    ].join('\n'),
  );
  return 0;
}

function document(plan: CancelPlan, state: CancelState): Record<string, unknown> {
  return {
    session: plan.record.name,
    archive: plan.time,
    snapshot: state.snapshot ?? null,
    commits_brought_back: state.broughtBack,
    ignored_files: plan.left,
    ignored_files_kept: plan.keep === 'pack',
    special_files: state.special,
  };
}
