/** The binary. What is asked for most often is answered before anything is loaded; the rest is compiled only once. */
import { join } from 'node:path';
import type * as program from './main.ts';
import { openBundle } from './sys/code-cache.ts';

/** Put there by scripts/build.mjs: the version of package.json, a name of what the bundle is made of, its commands. */
declare const PARA_BUILD: {
  readonly version: string;
  readonly id: string;
  readonly commands: readonly string[];
};

/** Where what can be no CommonJS finds the rest of the bundle. */
export let load: ReturnType<typeof openBundle>;

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`${PARA_BUILD.version}\n`);
} else {
  const [first = '', second = ''] = argv;
  const command = [`${first}-${second}`, first].find((name) => PARA_BUILD.commands.includes(name));
  const bundle = { file: join(__dirname, 'para.js'), build: PARA_BUILD.id, part: command ?? 'other' };
  load = openBundle(bundle, process.env);
  const { main } = load('./para.js') as typeof program;
  void main(argv, PARA_BUILD.version);
}
