import { defineCommand } from '../define.ts';
import { configFiles } from '../app.ts';

export default defineCommand({
  command: 'path',
  describe: 'Print where the settings files are',
  options: {},
  examples: [['$0 config path', '']],
  async run(_args, app) {
    const files = await configFiles(app, false);
    app.output.answer({ user: files.user, project: files.project ?? null }, () =>
      [`user     ${files.user}`, `project  ${files.project ?? '(not in a repository)'}`].join('\n'),
    );
    return 0;
  },
});
