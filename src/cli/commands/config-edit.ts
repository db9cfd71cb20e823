import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { readConfigText, replaceConfig } from '../../config/edit.ts';
import { ParaError } from '../../errors.ts';
import { shellQuote } from '../../sys/shell-quote.ts';
import type { App } from '../app.ts';
import { defineCommand } from '../define.ts';
import { configFiles } from '../app.ts';

export default defineCommand({
  command: 'edit',
  describe: 'Open the settings in your editor; a file that is not valid is not taken',
  options: {
    project: {
      type: 'boolean',
      default: false,
      describe: "The repository's .para/config.json instead of your own",
    },
  },
  examples: [['$0 config edit', 'with $VISUAL, or $EDITOR']],
  async run(args, app) {
    const files = await configFiles(app, args.project);
    const file = args.project ? (files.project ?? files.user) : files.user;
    const before = await readConfigText(file);
    const copy = join(await mkdtemp(join(tmpdir(), 'para-config-')), 'config.json');
    await writeFile(copy, before ?? '{}\n', { mode: 0o600 });
    await openEditor(app, copy);
    const after = await readFile(copy, 'utf8');
    const changed = after !== (before ?? '{}\n');
    if (changed) await take(file, after, copy);
    await rm(dirname(copy), { recursive: true, force: true });
    app.output.answer({ file, changed }, () => (changed ? `${file} is changed` : 'nothing was changed'));
    return 0;
  },
});

async function openEditor(app: App, path: string): Promise<void> {
  // Words are split as people write them there: `code --wait`.
  const [program, ...words] = (app.env['VISUAL'] || app.env['EDITOR'] || 'vi').trim().split(/\s+/);
  const code = await app.runner.attach({ file: program ?? 'vi', args: [...words, path] });
  if (code === 0) return;
  await rm(dirname(path), { recursive: true, force: true });
  throw new ParaError(
    'COMMAND_FAILED',
    `the editor ${program ?? ''} ended with ${String(code)}; nothing was changed`,
    {
      hint: 'VISUAL=nano para config edit',
    },
  );
}

/** The old file stays when the new text is not valid, and so does the text. */
async function take(file: string, text: string, copy: string): Promise<void> {
  await replaceConfig(file, text).catch((error: unknown) => {
    if (!(error instanceof ParaError)) throw error;
    throw error.withHint(`Nothing was changed; what you wrote is in ${shellQuote(copy)}`);
  });
}
