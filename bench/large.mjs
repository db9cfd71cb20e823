/** Rows of a repository of 50 000 files, on tmpfs: a disk would be measured otherwise. None where there is no tmpfs. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { carefulFinish } from './by-hand.mjs';
import { place } from './place.mjs';
import { byHand, startRow } from './rows.mjs';

const TMPFS = '/dev/shm';
const [DIRECTORIES, FILES_IN_EACH] = [500, 100];

const ROWS = {
  start: { name: 'para start s --docker, 50 000 files', target: 1.05 },
  finish: { name: 'para finish, 50 000 files', floor: 'the same by hand', target: 1.4 },
};

/** Those whose name contains `only`, with the first of root's engines; `measure` is the bench's own. */
export async function withLarge({ engines, only, main }, measure) {
  const id = engines.find((engine) => engine !== 'rootless');
  const wanted = Object.values(ROWS).some(({ name }) => name.includes(only));
  if (!existsSync(TMPFS) || id === undefined || !wanted) return [];
  const own = mkdtempSync(join(TMPFS, 'para-large-'));
  try {
    const bench = place({ id, own, main, extra: makeFiles });
    try {
      return await measure(id, [startRow(bench, ROWS.start), finishRow(bench)], bench.options);
    } finally {
      bench.tidy();
    }
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
}

/** Without an engine: what is of the files alone. */
function finishRow(bench) {
  const { para, repo, run } = bench;
  const { add, worktree } = byHand(bench);
  const work = (path) => writeFileSync(join(path, 'work'), 'work\n');
  return {
    ...ROWS.finish,
    para: {
      before: (n) => {
        run(...para('start', `f${n}`, '-q'));
        work(join(repo, '.para/worktrees', `f${n}`));
      },
      run: (n) => para('finish', 'Done', `f${n}`, '-q'),
    },
    raw: {
      before: (n) => {
        run('sh', '-c', add(`g${n}`));
        work(worktree(`g${n}`));
      },
      run: (n) => ['sh', '-c', carefulFinish({ worktree: worktree(`g${n}`), repo, session: `g${n}` })],
    },
  };
}

function makeFiles(repo) {
  const text = 'some words on a line of a file, as there are many in any large repository\n'.repeat(48);
  for (let d = 0; d < DIRECTORIES; d += 1) {
    const directory = join(repo, `part${d % 20}`, `module${d}`);
    mkdirSync(directory, { recursive: true });
    for (let f = 0; f < FILES_IN_EACH; f += 1)
      writeFileSync(join(directory, `${f}.txt`), `${d} ${f}\n${text}`);
  }
}
