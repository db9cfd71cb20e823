import configSchema from '../../../schemas/config.schema.json' with { type: 'json' };
import dockerSchema from '../../../schemas/docker.schema.json' with { type: 'json' };
import { defineCommand } from '../define.ts';

const SCHEMAS = { config: configSchema, docker: dockerSchema };

export default defineCommand({
  command: 'schema [file]',
  describe: 'Print a JSON Schema of the settings',
  positionals: {
    file: {
      describe: 'config: config.json; docker: .para/docker.json',
      choices: ['config', 'docker'],
      default: 'config',
    },
  },
  options: {},
  examples: [['$0 config schema docker', 'of .para/docker.json']],
  run(args, app) {
    const schema = args['file'] === 'docker' ? SCHEMAS.docker : SCHEMAS.config;
    app.output.answer({ schema_document: schema }, () => JSON.stringify(schema, undefined, 2));
    return Promise.resolve(0);
  },
});
