/** What is measured: each command of para's beside what it can not avoid. Targets are ratios of the medians. */
import { join } from 'node:path';
import { carefulFinish } from './by-hand.mjs';

const NODE = [process.execPath, '-e', '0'];
const sh = (script) => ['sh', '-c', script];
const LISTED = ['one', 'two', 'three', 'four'];

/** Rows without an engine. */
export function plainRows(bench) {
  const { para, run } = bench;
  return [
    {
      ...{ name: 'para --version', floor: 'node -e 0', target: 1.2 },
      raw: { run: () => NODE },
      para: { run: () => para('--version') },
    },
    {
      ...{ name: `para list --no-containers, ${LISTED.length} sessions`, target: 1 },
      floor: '2 x node -e 0 + its git calls',
      first: () => LISTED.forEach((session) => run(...para('start', session, '-q'))),
      raw: { run: () => sh(listByHand(bench)) },
      para: { run: () => para('list', '--no-containers') },
    },
  ];
}

/** Node twice, and the git calls that `para list` itself makes (--verbose shows them as a shell takes them). */
function listByHand({ para, run, repo }) {
  const { stderr } = run(...para('list', '--no-containers', '--verbose'));
  const calls = stderr.split('\n').flatMap((line) => /^(\S*git .*?) {2}# [^#]*$/.exec(line)?.[1] ?? []);
  if (calls.length < LISTED.length) throw new Error(`para list --verbose shows no git calls:\n${stderr}`);
  const worktrees = [...LISTED];
  const of = (call) =>
    call.includes(' status ') ? `(cd '${repo}/.para/worktrees/${worktrees.shift()}' && ${call})` : call;
  return [...Array(2).fill(`'${process.execPath}' -e 0`), ...calls.map(of)].join('\n');
}

/** A session made and taken away with git and the engine, with the flags that para gives. */
export function byHand(bench) {
  const { repo, engine, container } = bench;
  const worktree = (session) => join(repo, '.para/raw', session);
  const add = (session) =>
    `git -c checkout.workers=0 worktree add -q -b raw/${session} '${worktree(session)}'`;
  const box = (session) => `'${container(session)}-raw'`;
  const now = engine === 'podman' ? ' -t 0' : '';
  const up = (session) =>
    `${createLine(bench)(session)} >/dev/null && ${engine} start ${box(session)} >/dev/null`;
  return {
    ...{ worktree, add, box, up, make: (session) => `${add(session)} && ${up(session)}` },
    drop: (session) =>
      `${engine} rm -f${now} ${box(session)} >/dev/null; git worktree remove --force '${worktree(session)}'; git branch -qD raw/${session}`,
  };
}

export const startLine = ({ para, image }, session) =>
  para('start', session, '--docker', '--image', image, '-q');

/** `para start` beside the three calls. */
export function startRow(bench, { name, target }) {
  const { para, run } = bench;
  const { make, drop } = byHand(bench);
  return {
    ...{ name, floor: 'worktree add, create, start', target },
    para: {
      run: (n) => startLine(bench, `p${n}`),
      after: (n) => run(...para('cancel', `p${n}`, '-q')),
    },
    raw: {
      run: (n) => sh(make(`r${n}`)),
      after: (n) => run(...sh(drop(`r${n}`))),
    },
  };
}

/** Rows of one engine. The raw calls are the same in all of them, with the flags that para gives. */
export function engineRows(bench, targets) {
  const { para, engine, container } = bench;
  return [
    {
      ...{ name: 'para docker exec s -- true', floor: `${engine} exec`, target: targets.exec },
      para: { run: () => para('docker', 'exec', 'first', '--', 'true') },
      raw: { run: () => [engine, 'exec', container('first'), 'true'] },
    },
    {
      ...{ name: 'para docker exec, peak memory', floor: 'node -e 0', target: 1.4, unit: 'MiB' },
      para: { run: () => para('docker', 'exec', 'first', '--', 'sleep', '1') },
      raw: { run: () => NODE },
    },
    startRow(bench, { name: 'para start s --docker', target: targets.start }),
    endRow(bench, 'finish', { target: targets.finish, words: (session) => ['finish', 'Done', session] }),
    endRow(bench, 'cancel', { target: targets.finish, words: (session) => ['cancel', session] }),
  ];
}

/** `para finish` or `cancel` of a session with work in it. */
function endRow(bench, verb, { target, words }) {
  const { para, repo, run, engine } = bench;
  const { make, worktree, box } = byHand(bench);
  const finishRaw = (session) =>
    carefulFinish({
      ...{ worktree: worktree(session), repo, session },
      first: `${engine} stop -t 10 ${box(session)} >/dev/null; test "$(${engine} inspect -f '{{.State.Running}}' ${box(session)})" = false`,
      between: `${engine} rm ${box(session)} >/dev/null`,
    });
  const work = (dir) => run(...sh(`echo work >'${dir}/work'`));
  return {
    ...{ name: `para ${verb}`, floor: 'the same by hand, with the engine', target },
    para: {
      before: (n) => {
        run(...startLine(bench, `${verb}${n}`));
        work(join(repo, '.para/worktrees', `${verb}${n}`));
      },
      run: (n) => para(...words(`${verb}${n}`), '-q'),
    },
    raw: {
      before: (n) => {
        run(...sh(make(`by${verb}${n}`)));
        work(worktree(`by${verb}${n}`));
      },
      run: (n) => sh(finishRaw(`by${verb}${n}`)),
    },
  };
}

const created = new Map();

/** The create line that para itself types (`--verbose` shows it as a shell takes it), for another worktree and name. */
function createLine(bench) {
  if (!created.has(bench.repo)) created.set(bench.repo, shownLine(bench));
  const shown = created.get(bench.repo);
  return (session) =>
    shown
      .replace(`--name ${bench.container('model')} `, `--name ${bench.container(session)}-raw `)
      .replace('/.para/worktrees/model"', `/.para/raw/${session}"`);
}

function shownLine({ para, image, run }) {
  const { stderr } = run(...para('start', 'model', '--docker', '--image', image, '--verbose'));
  const line = stderr.split('\n').find((text) => text.includes(' create --pull never '));
  if (line === undefined) throw new Error(`para start --verbose shows no create line:\n${stderr}`);
  return line.replace(/ {2}# [^#]*$/, '');
}
