import { EXIT } from '../../errors.ts';
import { cleanupSteps, planCleanup, type CleanupPlan } from '../../sessions/orphans.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'cleanup',
  changes: true,
  describe: 'Remove containers and networks that no session owns any more',
  options: {
    'all-repos': {
      type: 'boolean',
      default: false,
      describe: 'Those of repositories that are gone, too; they are removed only with -f',
    },
    force: { alias: 'f', type: 'boolean', default: false, describe: 'Remove also what --all-repos found' },
    'dry-run': {
      alias: 'n',
      type: 'boolean',
      default: false,
      describe: 'Say what would go, and why the rest stays',
    },
  },
  examples: [
    ['$0 docker cleanup --dry-run', 'look first'],
    ['$0 docker cleanup', 'nothing that holds work is removed'],
    ['$0 docker cleanup --all-repos -f', ''],
  ],
  async run(args, app) {
    const plan = await planCleanup(app, args['all-repos']);
    const dry = args['dry-run'] || (args['all-repos'] && !args.force);
    for (const line of plan.silent) app.output.note(`${line}; it was not asked`);
    const removed = new Set<string>();
    if (!dry) await app.run(cleanupSteps(plan), removed);
    app.output.answer({ dry_run: dry, orphans: plan.orphans, kept: plan.kept }, () => text(plan, dry));
    if (dry && !args['dry-run'] && plan.orphans.length > 0)
      app.output.note('To remove them: para docker cleanup --all-repos -f');
    return plan.kept.length > 0 && !dry ? EXIT.refused : EXIT.ok;
  },
});

function text({ orphans, kept }: CleanupPlan, dry: boolean): string {
  const verb = dry ? 'Would remove' : 'Removed';
  const lines = [
    ...orphans.map(({ kind, name, why }) => `${verb} the ${kind} ${name}: ${why}`),
    ...kept.map(({ kind, name, why, next }) => `Kept the ${kind} ${name}: ${why}\n  ${next}`),
  ];
  return lines.length === 0 ? 'Nothing to clean up.' : lines.join('\n');
}
