import { syncSession, type Synced } from '../../sessions/sync.ts';
import { keptInWords } from '../../sessions/teardown.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'sync [session]',
  changes: true,
  describe: "Bring the container's commits back now; it goes on running",
  positionals: { session: { describe: 'Session; without one, the one whose worktree you are in' } },
  options: {},
  examples: [
    ['$0 docker sync fix-login', 'then: git log para/fix-login'],
    ['$0 docker sync --json', 'from inside the worktree, for scripts'],
  ],
  async run(args, app) {
    const synced = await syncSession(app, args['session'] as string | undefined);
    for (const line of remarks(synced)) app.output.warn(line);
    app.output.answer(document(synced), () => text(synced));
    return 0;
  },
});

function document({ record, back, behind }: Synced): Record<string, unknown> {
  return {
    session: record.name,
    branch: record.branch,
    commit: back.after,
    commits_brought_back: back.commits,
    rewritten_tip_kept: back.kept ?? null,
    taken_from: back.takenFrom ?? null,
    other_refs: back.others,
    commits_only_on_host: behind,
  };
}

function remarks({ record, back, behind }: Synced): readonly string[] {
  const lines = [...keptInWords(back)];
  if (back.takenFrom !== undefined)
    lines.push(`They were taken from ${back.takenFrom}, where the container's HEAD is`);
  if (behind > 0)
    lines.push(
      `The container's branch has not got ${commits(behind)} of the host. To let it follow, files stay: para docker exec ${record.name} -- git reset -q ${back.after.slice(0, 10)}`,
    );
  return lines;
}

function text({ record: { branch }, back }: Synced): string {
  const range = `${back.before.slice(0, 10)}..${back.after.slice(0, 10)}`;
  return [
    back.moved
      ? `Brought ${commits(back.commits)} back to ${branch} (${range})`
      : `${branch} has all that was committed in the container`,
    ...back.others.map((ref) => `  also taken: ${ref}`),
  ].join('\n');
}

function commits(count: number): string {
  return `${String(count)} ${count === 1 ? 'commit' : 'commits'}`;
}
