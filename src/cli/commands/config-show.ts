import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'show',
  describe: 'Print the settings in force',
  options: { origin: { type: 'boolean', default: false, describe: 'With the file that set each value' } },
  examples: [['$0 config show --origin', 'which file set what']],
  async run(args, app) {
    const { config, origin } = await app.config();
    const origins = Object.fromEntries(origin);
    app.output.answer(args.origin ? { config, origin: origins } : { config }, (paint) =>
      args.origin
        ? flatten(config)
            .map(
              ([path, value]) => `${path} = ${JSON.stringify(value)}  ${paint.dim(originOf(origin, path))}`,
            )
            .join('\n')
        : JSON.stringify(config, undefined, 2),
    );
    return 0;
  },
});

/** Every leaf, with its dotted path; arrays are leaves. */
function flatten(value: unknown, path = ''): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) =>
    flatten(inner, path === '' ? key : `${path}.${key}`),
  );
}

/** The origin of a path, or of the nearest thing above it that was set whole. */
function originOf(origin: ReadonlyMap<string, string>, path: string): string {
  for (let at = path; at !== ''; at = at.includes('.') ? at.slice(0, at.lastIndexOf('.')) : '') {
    const file = origin.get(at);
    if (file !== undefined) return file;
  }
  return 'default';
}
