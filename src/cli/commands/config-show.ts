import { isUnused } from '../../config/edit.ts';
import { defineCommand } from '../define.ts';

export default defineCommand({
  command: 'show',
  describe: 'Print the settings in force',
  options: { origin: { type: 'boolean', default: false, describe: 'With the file that set each value' } },
  examples: [['$0 config show --origin', 'which file set what']],
  async run(args, app) {
    const { config: all, origin } = await app.config();
    const config = used(all) as typeof all;
    const origins = Object.fromEntries([...origin].filter(([path]) => path === '' || !isUnused(path)));
    app.output.answer(args.origin ? { config, origin: origins } : { config }, (paint) =>
      args.origin
        ? columns(
            flatten(config).map(([path, value]) => [path, written(path, value), originOf(origin, path)]),
          )
            .map(([path = '', value = '', from = '']) => `${path} = ${value}  ${paint.dim(from)}`)
            .join('\n')
        : JSON.stringify(config, undefined, 2),
    );
    return 0;
  },
});

/** Without the settings that do nothing. */
function used(value: unknown, path = ''): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).map(
    ([key, inner]) => [path === '' ? key : `${path}.${key}`, key, inner] as const,
  );
  return Object.fromEntries(
    entries.flatMap(([at, key, inner]) => (isUnused(at) ? [] : [[key, used(inner, at)]])),
  );
}

/** Every leaf, with its dotted path; arrays are leaves. */
function flatten(value: unknown, path = ''): readonly (readonly [string, unknown])[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, value]];
  return Object.entries(value).flatMap(([key, inner]) =>
    flatten(inner, path === '' ? key : `${path}.${key}`),
  );
}

/** As it would be set: bytes that are whole gigabytes or megabytes as people write them. */
function written(path: string, value: unknown): string {
  if (path.endsWith('memory_limit') && typeof value === 'number')
    for (const [unit, size] of [
      ['g', 1024 ** 3],
      ['m', 1024 ** 2],
    ] as const)
      if (value % size === 0) return JSON.stringify(`${String(value / size)}${unit}`);
  return JSON.stringify(value);
}

/** Pads all but the last column, as far as that keeps lines short. */
function columns(rows: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const widths = [0, 1].map((column) =>
    Math.max(0, ...rows.map((row) => row[column]?.length ?? 0).filter((n) => n <= 40)),
  );
  return rows.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
}

/** The origin of a path, or of the nearest thing above it that was set whole. */
function originOf(origin: ReadonlyMap<string, string>, path: string): string {
  for (let at = path; at !== ''; at = at.includes('.') ? at.slice(0, at.lastIndexOf('.')) : '') {
    const file = origin.get(at);
    if (file !== undefined) return file;
  }
  return 'default';
}
