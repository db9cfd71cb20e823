/** The binary. What is asked for most often is answered before anything is loaded; the rest is compiled only once. */
import { keepCode } from './sys/code-cache.ts';

/** Put there by scripts/build.mjs: the version of package.json, and a name of what the bundle is made of. */
declare const PARA_BUILD: { readonly version: string; readonly id: string };

const argv = process.argv.slice(2);
if (argv.length === 1 && (argv[0] === '--version' || argv[0] === '-V')) {
  process.stdout.write(`${PARA_BUILD.version}\n`);
} else {
  keepCode(__dirname, PARA_BUILD.id, process.env);
  void import('./main.ts').then(({ main }) => main(argv, PARA_BUILD.version));
}
