/** Rows of a repository of 50 000 files, on tmpfs: a disk would be measured otherwise. None where there is no tmpfs. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { carefulFinish } from './by-hand.mjs';

const TMPFS = '/dev/shm';
const [DIRECTORIES, FILES_IN_EACH] = [500, 100];

/** The rows, and how what they need is taken away. It is made when the first row is run. */
export function largeRows({ para, options }) {
  if (!existsSync(TMPFS)) return { rows: [], tidy() {} };
  const dir = mkdtempSync(join(TMPFS, 'para-large-'));
  const repo = join(dir, 'repo');
  const quietly = (command) => {
    const [file, ...args] = command;
    const { status, stderr } = spawnSync(file, args, { ...options, cwd: repo, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${command.join(' ')}: ${status}\n${stderr}`);
  };
  const sh = (script) => ['sh', '-c', `cd '${repo}'\n${script}`];
  const here = (...args) => ['sh', '-c', 'cd "$0" && exec "$@"', repo, ...para(...args)];
  const prepare = (n) => {
    if (n > 0 || existsSync(repo)) return;
    makeFiles(repo);
    quietly(sh('git init -q && git add . && git commit -qm first'));
  };
  const path = (session) => join(repo, '.para/raw', session);
  const add = (session) => `git -c checkout.workers=0 worktree add -q -b raw/${session} '${path(session)}'`;
  const drop = (session) => `git worktree remove --force '${path(session)}' && git branch -qD raw/${session}`;
  const work = (worktree) => writeFileSync(join(worktree, 'work'), 'work\n');
  const rows = [
    {
      // What any start costs is on top: 0.15 s of the 0.6 s that such a checkout takes in memory.
      ...{ name: 'para start, 50 000 files', floor: 'git worktree add', target: 1.3 },
      para: {
        before: prepare,
        run: (n) => here('start', `p${n}`, '-q'),
        after: (n) => quietly(here('cancel', `p${n}`, '-q')),
      },
      raw: { run: (n) => sh(add(`r${n}`)), after: (n) => quietly(sh(drop(`r${n}`))) },
    },
    {
      ...{ name: 'para finish, 50 000 files', floor: 'the same by hand', target: 1.4 },
      para: {
        before: (n) => {
          prepare(n);
          quietly(here('start', `f${n}`, '-q'));
          work(join(repo, '.para/worktrees', `f${n}`));
        },
        run: (n) => here('finish', 'Done', `f${n}`, '-q'),
      },
      raw: {
        before: (n) => {
          quietly(sh(add(`g${n}`)));
          work(path(`g${n}`));
        },
        run: (n) => sh(carefulFinish({ worktree: path(`g${n}`), repo, session: `g${n}` })),
      },
    },
  ];
  return {
    rows,
    tidy: () => {
      rmSync(dir, { recursive: true, force: true });
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
