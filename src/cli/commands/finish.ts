import type { FinishPlan, FinishState } from '../../sessions/finish.ts';
import { newFinishState, planFinish, withFinishPlan } from '../../sessions/finish.ts';
import { previewFinish } from '../../sessions/finish-preview.ts';
import { finishRemarks } from '../../sessions/finish-remarks.ts';
import { finishSteps } from '../../sessions/finish-steps.ts';
import { EXIT, ParaError } from '../../errors.ts';
import { listRecords } from '../../sessions/store.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';
import { wayBack } from '../way-back.ts';

export default defineCommand({
  command: 'finish [what-was-done] [session]',
  changes: true,
  usage: '$0 finish "What was done" [session]\n$0 finish -m "What was done" [session]',
  describe: 'Commit, push, remove container and worktree; the branch is ready for review',
  positionals: {
    'what-was-done': { describe: 'Message of the commit that takes what is left uncommitted' },
    session: { describe: 'Session; without one, the one whose worktree you are in' },
  },
  options: {
    message: {
      alias: 'm',
      type: 'string',
      requiresArg: true,
      describe: 'The message as an option; then the first word is the session',
    },
    branch: {
      alias: 'b',
      type: 'string',
      requiresArg: true,
      describe: 'Name of the branch that is left',
      defaultDescription: "the session's own",
    },
    push: {
      type: 'boolean',
      describe: 'Push the branch (--no-push: do not)',
      defaultDescription: 'git.push',
    },
    container: {
      type: 'boolean',
      default: true,
      describe: 'Remove the container (--no-container: do without its engine, and leave it)',
    },
    'archive-ignored': {
      type: 'boolean',
      default: false,
      describe: 'Keep ignored files and nested repositories, in a tar in .para/state/archive',
    },
    force: { alias: 'f', type: 'boolean', default: false, describe: 'Let those go' },
    'dry-run': { type: 'boolean', default: false, describe: 'Say what would be done, and do nothing' },
  },
  examples: [
    ['$0 finish "Fix the login form" fix-login', ''],
    ['$0 finish "Fix the login form" -b fix/login --push', 'from inside the worktree'],
  ],
  async run(args, app) {
    const words = [args['what-was-done'], args['session']].filter((word) => typeof word === 'string');
    const request = {
      ...(await messageAndSession(app, words, args.message)),
      branch: args.branch,
      push: args.push,
      noContainer: !args.container,
      keeping: { archive: args['archive-ignored'], force: args.force },
    };
    if (args['dry-run']) {
      const plan = await planFinish(app, request);
      const { record } = plan;
      const facts = {
        session: record.name,
        branch: plan.target,
        remote: plan.remote ?? null,
        container: record.container?.name ?? null,
        ...(await previewFinish(plan)),
      };
      const stays = plan.unheld.length > 0 && !plan.keeping.archive && !plan.keeping.force;
      if (stays)
        app.output.note('No commit can hold what would go: it takes --archive-ignored to keep it, or -f');
      app.output.answer({ dry_run: true, plan: facts }, () =>
        [
          `Would finish ${record.name} as ${plan.target}${plan.remote === undefined ? '' : ` and push it to ${plan.remote}`}`,
          ...some('commit', facts.would_commit),
          ...some('go  ', facts.would_go),
          ...some(
            'leave out',
            facts.would_leave_out.map(({ path }) => path),
          ),
          ...(record.container === null || plan.left !== undefined
            ? []
            : [`  go      container ${record.container.name}`]),
          ...(plan.keepWorktree ? [] : [`  go      worktree ${record.worktree_path}`]),
        ].join('\n'),
      );
      return 0;
    }
    try {
      return await withFinishPlan(app, request, (plan) => finish(app, plan));
    } catch (error) {
      throw withoutEngine(error);
    }
  },
});

function some(what: string, paths: readonly string[]): readonly string[] {
  if (paths.length === 0) return [];
  return [`  ${what.padEnd(6)}  ${paths.slice(0, 20).join(' ')}${paths.length > 20 ? ' …' : ''}`];
}

/** The words in their two readings. @throws USAGE when one is missing, or the only one is the name of a session */
async function messageAndSession(
  app: App,
  [first, second]: readonly string[],
  message: string | undefined,
): Promise<{ readonly message: string; readonly session: string | undefined }> {
  const hint = `para finish "What was done" ${first ?? '[session]'}`;
  if (message !== undefined) {
    if (second === undefined) return { message, session: first };
    throw new ParaError('USAGE', 'the message was given twice: with --message and as the first word', {
      hint,
    });
  }
  if (first === undefined)
    throw new ParaError('USAGE', 'not enough arguments: the message is missing', { hint });
  if (second === undefined && (await isSession(app, first)))
    throw new ParaError('USAGE', `${first} is a session, and a message is needed`, {
      hint: `Did you mean: ${hint}`,
    });
  return { message: first, session: second };
}

async function isSession(app: App, word: string): Promise<boolean> {
  const { records } = await listRecords(await app.places());
  return records.some(({ name }) => name === word);
}

/** A session is bound to its engine: another one is no way on when that does not answer. */
function withoutEngine(error: unknown): unknown {
  if (!(error instanceof ParaError) || error.exit !== EXIT.engine) return error;
  const left = error.code === 'UNDO_INCOMPLETE' && error.hint !== undefined ? `${error.hint}\n` : '';
  return error.withHint(
    `${left}Start the engine and try again, or bring the work back without it (the container is left):\npara finish --no-container …`,
  );
}

async function finish(app: App, plan: FinishPlan): Promise<number> {
  const state = newFinishState(plan);
  try {
    await app.run(finishSteps(plan), state);
  } catch (error) {
    if (state.settled)
      app.output.warn(
        `All work is committed on ${plan.record.branch}. To go on: para recover ${plan.record.name}`,
      );
    throw error;
  }
  if (plan.worktreeGone && !plan.again)
    app.output.warn('The worktree was removed by hand: only what was committed is on the branch');
  if (plan.left !== undefined)
    app.output.warn(
      `The container ${plan.left.name} was left, and may still run; when ${plan.left.engine} answers: para docker cleanup`,
    );
  for (const line of finishRemarks(state)) app.output.warn(line);
  app.output.answer(document(plan, state), (paint) =>
    [
      text(plan, state, paint.bold(plan.target)),
      ...(plan.keepWorktree
        ? [`  The worktree stays: ${plan.record.worktree_path}`]
        : wayBack(app, { worktree: plan.record.worktree_path, root: plan.repo.root })),
    ].join('\n'),
  );
  return state.pushError?.exit ?? 0;
}

function document(plan: FinishPlan, state: FinishState): Record<string, unknown> {
  return {
    session: plan.record.name,
    branch: plan.target,
    commit: state.tip,
    commits_brought_back: state.broughtBack,
    committed: state.committed ?? null,
    pushed_to: state.pushed ?? null,
    push_error: state.pushError?.message ?? null,
    ignored_files_removed: state.kept === undefined ? state.unheld : [],
    ignored_files_kept: state.kept ?? null,
    special_files: state.special,
    host_triggers: state.triggers,
    status: 'review',
  };
}

function text(plan: FinishPlan, state: FinishState, branch: string): string {
  if (state.tip === plan.record.base)
    return `Finished ${plan.record.name}: nothing was changed; branch ${branch} is where it began`;
  const range = `${plan.record.base.slice(0, 10)}..${state.tip.slice(0, 10)}`;
  return [
    `Finished ${plan.record.name}: branch ${branch} (${range}) is ready for review`,
    `  git log ${plan.record.base.slice(0, 10)}..${plan.target}`,
  ].join('\n');
}
