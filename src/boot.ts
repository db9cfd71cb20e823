/** The binary. What is asked for most often is answered before anything is loaded; the rest is compiled only once. */
import type * as program from './main.ts';
import { openBundle } from './sys/code-cache.ts';

/** Put there by scripts/build.mjs: the version of package.json, a name of what the bundle is made of, its files and commands. */
declare const PARA_BUILD: {
  readonly version: string;
  readonly id: string;
  readonly files: readonly string[];
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
  const { id: build, files } = PARA_BUILD;
  load = openBundle({ directory: __dirname, files, build, part: command ?? 'other' }, process.env);
  const { main } = load('./para.js') as typeof program;
  void main(argv, PARA_BUILD.version);
}
