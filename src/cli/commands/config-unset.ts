import { unsetConfigValue } from '../../config/edit.ts';
import { defineCommand } from '../define.ts';
import { configFiles } from '../app.ts';

export default defineCommand({
  command: 'unset <key>',
  describe: 'Take one setting out of the file, so that the default holds again',
  positionals: { key: { describe: 'Dotted path, such as docker.enabled' } },
  options: {
    project: {
      type: 'boolean',
      default: false,
      describe: "From the repository's .para/config.json instead of your own",
    },
  },
  examples: [['$0 config unset docker.default_image', '']],
  async run(args, app) {
    const files = await configFiles(app, args.project);
    const file = args.project ? (files.project ?? files.user) : files.user;
    const key = String(args['key']);
    const removed = await unsetConfigValue(file, key);
    app.output.answer({ key, file, removed }, () =>
      removed ? `${key} is not set any more in ${file}` : `${key} was not set in ${file}`,
    );
    return 0;
  },
});
