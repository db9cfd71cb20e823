import { readValue } from '../../config/edit.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'get <key>',
  describe: 'Print one setting',
  positionals: { key: { describe: 'Dotted path, such as docker.default_image' } },
  options: {},
  examples: [['$0 config get docker.default_image', '']],
  async run(args, app) {
    const key = String(args['key']);
    const value = readValue((await app.config()).config, key);
    app.output.answer({ key, value }, () =>
      typeof value === 'string' ? value : JSON.stringify(value, undefined, 2),
    );
    return 0;
  },
});
