/** Bundles src/ into dist/: one small entry, every command a chunk of its own that is loaded when typed. */
import { build } from 'esbuild';
import { chmod, rm } from 'node:fs/promises';

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
await chmod('dist/main.js', 0o755);
