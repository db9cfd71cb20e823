/** What is kept of compiled code: whatever happens to it, the program runs, and makes it anew. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { buildSync } from 'esbuild';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  mkdtempSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import Module from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Node keeps it itself, and checks it, from 22.1 on. */
const isNodes = 'enableCompileCache' in Module;
const suite = isNodes ? describe.skip : describe;

suite('the code cache', () => {
  const dir = mkdtempSync(join(tmpdir(), 'para-code-'));
  const cache = join(dir, 'cache');
  const kept = (): string => {
    const files = (readdirSync(cache, { recursive: true }) as string[]).filter((name) =>
      name.endsWith('.bin'),
    );
    return join(cache, files[0] ?? '');
  };
  const run = (home = cache, uid?: number): { code: number | null; signal: string | null; out: string } => {
    const env = { XDG_CACHE_HOME: home, HOME: dir };
    const ids = uid === undefined ? {} : { uid, gid: uid };
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, [join(dir, 'main.cjs')], {
      ...{ env, encoding: 'utf8', timeout: 20_000, cwd: '/' },
      ...ids,
    });
    return { code: status, signal, out: stdout + stderr };
  };
  const well = { code: 0, signal: null, out: 'sum 19900\n' };

  beforeAll(() => {
    chmodSync(dir, 0o755);
    const functions = Array.from(
      { length: 200 },
      (_, i) => `const f${String(i)}=(a)=>{const b={i:${String(i)}};return a+b.i};`,
    );
    const calls = Array.from({ length: 200 }, (_, i) => `sum=f${String(i)}(sum);`);
    writeFileSync(
      join(dir, 'part.js'),
      `module.exports={"./part.js"(exports){${functions.join('')}let sum=0;${calls.join('')}console.log('sum',sum)}};`,
    );
    buildSync({
      stdin: {
        contents: `import { openBundle } from './src/sys/code-cache.ts';
          openBundle({ directory: __dirname, files: ['part.js'], build: 'b', part: 'p' }, process.env)('./part.js');`,
        resolveDir: process.cwd(),
      },
      ...{ outfile: join(dir, 'main.cjs'), bundle: true, platform: 'node', format: 'cjs' },
    });
  });
  beforeEach(() => {
    rmSync(cache, { recursive: true, force: true });
    expect(run()).toEqual(well);
  });
  afterAll(() => {
    rmSync(dir, { recursive: true, force: true });
  });

  test('is used as it was written', () => {
    const { ino, mtimeMs } = statSync(kept());
    expect(run()).toEqual(well);
    expect(statSync(kept())).toMatchObject({ ino, mtimeMs });
  });

  test('is made anew when any of it is damaged', () => {
    const whole = readFileSync(kept());
    const file = kept();
    const step = Math.floor(whole.length / 25);
    for (let at = 0; at < whole.length; at += step) {
      const damaged = Buffer.from(whole);
      if (at % 2 === 0) damaged.fill(0, at, Math.min(at + 16, whole.length));
      damaged[at] = (whole[at] ?? 0) ^ 0xff;
      writeFileSync(file, damaged);
      expect({ at, ...run() }).toEqual({ at, ...well });
      expect(readFileSync(file).equals(damaged)).toBe(false);
    }
    for (const size of [0, 1, 63, 64, 65, whole.length - 1]) {
      writeFileSync(file, whole.subarray(0, size));
      expect(run()).toEqual(well);
      expect(readFileSync(file).length).toBeGreaterThan(whole.length / 2);
    }
  });

  test('is done without, and without a word, where it can not be kept', () => {
    expect(run('/proc/para/nowhere')).toEqual(well);
    // The system's own user may write anywhere.
    const nobody = process.geteuid?.() === 0 ? 65_534 : undefined;
    const theirs = join(dir, 'theirs');
    mkdirSync(theirs);
    if (nobody !== undefined) chownSync(theirs, nobody, nobody);
    expect(run(theirs, nobody)).toEqual(well);
    const [build = ''] = readdirSync(join(theirs, 'para', 'code'));
    const closed = join(theirs, 'para', 'code', build);
    for (const mode of [0o000, 0o300, 0o500]) {
      for (const name of readdirSync(closed)) rmSync(join(closed, name));
      chmodSync(closed, mode);
      expect({ mode, ...run(theirs, nobody) }).toEqual({ mode, ...well });
      chmodSync(closed, 0o700);
      expect(readdirSync(closed)).toEqual([]);
    }
  });
});
