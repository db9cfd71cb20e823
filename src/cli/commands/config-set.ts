import { isUnused, setConfigValue } from '../../config/edit.ts';
import { defineCommand } from '../define.ts';
import { configFiles } from '../app.ts';

export default defineCommand({
  command: 'set <key> <value>',
  describe: 'Change one setting',
  positionals: {
    key: { describe: 'Dotted path, such as docker.enabled' },
    value: { describe: 'A word, a number, true, false, or JSON' },
  },
  options: {
    project: {
      type: 'boolean',
      default: false,
      describe: "In the repository's .para/config.json instead of your own",
    },
  },
  examples: [
    ['$0 config set docker.enabled true', 'containers by default'],
    ['$0 config set --project docker.default_image node:22', ''],
  ],
  async run(args, app) {
    const files = await configFiles(app, args.project);
    const file = args.project ? (files.project ?? files.user) : files.user;
    const key = String(args['key']);
    await setConfigValue(file, key, String(args['value']));
    if (isUnused(key))
      app.output.warn(`${key} is accepted for the sake of other tools; para does not use it`);
    app.output.answer({ key, file }, () => `${key} is set in ${file}`);
    return 0;
  },
});
