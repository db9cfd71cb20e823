/** Bundles src/ into dist/: one small entry, every command a chunk of its own that is loaded when typed. */
import { build } from 'esbuild';
import { chmod, rm } from 'node:fs/promises';

/** ink without its way to a debugger, which is not installed. Whoever watches is there, whatever CI=1 says. */
function ink({ onLoad, onResolve }) {
  onResolve({ filter: /^\.\/devtools\.js$/ }, () => ({ path: 'react-devtools-core', external: true }));
  onLoad({ filter: /\/node_modules\/is-in-ci\/index\.js$/ }, () => ({ contents: 'export default false' }));
}

await rm('dist', { recursive: true, force: true });
await build({
  entryPoints: ['src/main.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // jsonc-parser's main is UMD, whose requires a bundler can not see.
  mainFields: ['module', 'main'],
  // React without its checks for developers.
  define: { 'process.env.NODE_ENV': '"production"', 'process.env.DEV': '"false"' },
  plugins: [{ name: 'ink', setup: ink }],
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
  // Shell and JavaScript at once: without the `--`, node takes para's own --env-file for its own and ends with 9
  // when there is no such file (nodejs/node#54232).
  // Bundled CommonJS needs `require`; the alias avoids yargs' own createRequire (facts/style.md §4.6).
  banner: {
    js: '#!/bin/sh\n\':\' //; exec node -- "$0" "$@"\nimport { createRequire as __createRequire } from \'node:module\';\nconst require = __createRequire(import.meta.url);',
  },
});
// Runs beside a box, where nothing but node is: one file, and nothing of para's in it.
await build({
  entryPoints: ['src/proxy/main.ts'],
  outfile: 'dist/proxy.cjs',
  bundle: true,
  platform: 'node',
  format: 'cjs',
  target: 'node20',
  minifySyntax: true,
  legalComments: 'none',
  logLevel: 'warning',
});
await chmod('dist/main.js', 0o755);
