import { cleanSteps, planClean, type CleanPlan } from '../../sessions/clean.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'clean',
  changes: true,
  describe: 'Remove finished sessions whose work is merged, and old archives',
  options: {
    'dry-run': {
      alias: 'n',
      type: 'boolean',
      default: false,
      describe: 'Say what would go, and why the rest stays',
    },
  },
  examples: [
    ['$0 clean --dry-run', 'look first'],
    ['$0 clean', ''],
  ],
  async run(args, app) {
    const plan = await planClean(app);
    if (!args['dry-run']) await app.run(cleanSteps(plan, app), undefined);
    app.output.answer({ dry_run: args['dry-run'], ...document(plan) }, () => text(plan, args['dry-run']));
    return 0;
  },
});

function document({ sessions, archives, tars, warm, kept }: CleanPlan): Record<string, unknown> {
  return {
    sessions: sessions.map(({ record, how, into }) => ({
      name: record.name,
      branch: record.branch,
      how,
      into,
    })),
    archives: archives.map(({ session, time }) => ({ session, time })),
    tars,
    warm: warm.map(({ id }) => id),
    kept,
  };
}

function text({ sessions, archives, tars, warm, kept }: CleanPlan, dry: boolean): string {
  const verb = dry ? 'Would remove' : 'Removed';
  const lines = [
    ...sessions.map(({ record, how, into }) =>
      how === 'branch gone'
        ? `${verb} ${record.name}: its branch ${record.branch} is gone`
        : `${verb} ${record.name} and its branch ${record.branch}: ${how} into ${into}`,
    ),
    ...archives.map(({ session, time }) => `${verb} the archive of ${session} of ${time}`),
    ...tars.map((path) => `${verb} ${path}, which a finish kept`),
    ...warm.map(({ id }) => `${verb} ${id}, which was kept ready for nobody`),
    ...kept.map(({ session, why }) => `Kept ${session}: ${why}`),
  ];
  return lines.length === 0 ? 'Nothing to clean.' : lines.join('\n');
}
