/** What is measured: each command of para's beside what it can not avoid. Targets are ratios of the medians. */
import { join } from 'node:path';
import { carefulFinish } from './by-hand.mjs';

/** Rows without an engine. */
export function plainRows({ para }) {
  const nothing = { run: () => [process.execPath, '-e', '0'] };
  return [
    {
      name: 'para --version',
      floor: 'node -e 0',
      target: 1.2,
      raw: nothing,
      para: { run: () => para('--version') },
    },
    {
      name: 'para list --no-containers',
      floor: 'node -e 0',
      target: 4,
      raw: nothing,
      para: { run: () => para('list', '--no-containers') },
    },
  ];
}

/** Rows of one engine. The raw calls are the same in all of them, with the flags that para gives. */
export function engineRows(bench, { engine, targets, sessions }) {
  const { para, repo, image, quietly, container } = bench;
  const running = container('first');
  const name = (n, kind) => `${kind}${n}`;
  const start = (session) => para('start', session, '--docker', '--image', image, '-q');
  const create = createLine(bench);
  const worktree = (session) => join(repo, '.para/raw', session);
  const add = (session) => `git worktree add -q -b raw/${session} '${worktree(session)}'`;
  const make = (session) =>
    `${add(session)} && ${create(session)} >/dev/null && ${engine} start '${container(session)}-raw' >/dev/null`;
  const drop = (session) =>
    `${engine} rm -f '${container(session)}-raw' >/dev/null; git worktree remove --force '${worktree(session)}'; git branch -qD raw/${session}`;
  const sh = (script) => ['sh', '-c', script];
  const finishRaw = (session) =>
    carefulFinish({
      ...{ worktree: worktree(session), repo, session },
      first: `${engine} stop -t 10 '${container(session)}-raw' >/dev/null; test "$(${engine} inspect -f '{{.State.Running}}' '${container(session)}-raw')" = false`,
      between: `${engine} rm '${container(session)}-raw' >/dev/null`,
    });
  const work = (dir) => quietly('sh', '-c', `echo work >'${dir}/work'`);
  const begin = (kind) => (n) => {
    quietly(...start(name(n, kind)));
    work(join(repo, '.para/worktrees', name(n, kind)));
  };
  const beginRaw = (kind) => (n) => {
    quietly(...sh(make(name(n, kind))));
    work(worktree(name(n, kind)));
  };
  return [
    {
      name: 'para docker exec s -- true',
      floor: `${engine} exec`,
      target: targets.exec,
      para: { run: () => para('docker', 'exec', 'first', '--', 'true') },
      raw: { run: () => [engine, 'exec', running, 'true'] },
    },
    {
      ...{ name: 'para docker exec, peak memory', floor: 'node -e 0', target: 1.4, unit: 'MiB' },
      para: { run: () => para('docker', 'exec', 'first', '--', 'sleep', '1') },
      raw: { run: () => [process.execPath, '-e', '0'] },
    },
    {
      name: `para docker list, ${sessions} sessions`,
      floor: `${engine} ps -a`,
      target: targets.list,
      para: { run: () => para('docker', 'list') },
      raw: { run: () => [engine, 'ps', '-a', '--format', bench.psFormat] },
    },
    {
      name: 'para start s --docker',
      floor: 'worktree add, create, start',
      target: targets.start,
      para: { run: (n) => start(name(n, 'p')), after: (n) => quietly(...para('cancel', name(n, 'p'), '-q')) },
      raw: { run: (n) => sh(make(name(n, 'r'))), after: (n) => quietly(...sh(drop(name(n, 'r')))) },
    },
    {
      name: 'para finish',
      floor: 'the same by hand, with the engine',
      target: targets.finish,
      para: { before: begin('f'), run: (n) => para('finish', 'Done', name(n, 'f'), '-q') },
      raw: { before: beginRaw('g'), run: (n) => sh(finishRaw(name(n, 'g'))) },
    },
    {
      name: 'para cancel',
      floor: 'the same by hand, with the engine',
      target: targets.finish,
      para: { before: begin('c'), run: (n) => para('cancel', name(n, 'c'), '-q') },
      raw: { before: beginRaw('d'), run: (n) => sh(finishRaw(name(n, 'd'))) },
    },
  ];
}

/** The create line that para itself types (`--verbose` shows it as a shell takes it), for another worktree and name. */
function createLine({ para, image, run, container }) {
  const { stderr } = run(...para('start', 'model', '--docker', '--image', image, '--verbose'));
  const line = stderr.split('\n').find((text) => text.includes(' create --pull never '));
  if (line === undefined) throw new Error(`para start --verbose shows no create line:\n${stderr}`);
  const shown = line.replace(/ {2}# [^#]*$/, '');
  return (session) =>
    shown
      .replace(`--name ${container('model')} `, `--name ${container(session)}-raw `)
      .replace('/.para/worktrees/model"', `/.para/raw/${session}"`);
}
