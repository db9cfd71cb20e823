/** Rows of many: what is kept ready, many starts at once, and what looks at a hundred sessions. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { monitorRow } from './monitor-cpu.mjs';
import { byHand, startLine } from './rows.mjs';

const MANY = 50;
const SESSIONS = 100;
/** As many as are best on two cores. */
const AT_ONCE = 4;

/** The last of an engine: they leave more sessions than there were. */
export function scaleRows(bench, targets, sessions) {
  const { para, run, engine, psFormat } = bench;
  const fill = () => run(...eachOf(sessions, SESSIONS - 1, startLine(bench, 's{}')));
  return [
    poolRow(bench, targets.pool),
    startsRow(bench, targets.starts),
    {
      ...{ name: `para docker list, ${SESSIONS} sessions`, floor: `${engine} ps -a`, target: targets.list },
      first: fill,
      para: { run: () => para('docker', 'list') },
      raw: { run: () => [engine, 'ps', '-a', '--format', psFormat] },
    },
    ...monitorRow(bench, { target: targets.monitor, sessions: SESSIONS }),
  ];
}

/** A command for each number, a few at once. `{}` is the number. */
function eachOf(from, to, argv, atOnce = AT_ONCE) {
  return ['sh', '-c', `seq ${from} ${to} | xargs -P${atOnce} -I{} "$@"`, 'sh', ...argv];
}

/** The same start, with a container that is ready and without one. */
function poolRow(bench, target) {
  const { para, run, own, image } = bench;
  const settings = join(own, 'settings.json');
  const pool = ['env', `PARA_CONFIG_PATH=${settings}`];
  const cancel = (name) => run(...para('cancel', name, '-q'));
  const started = (name) => [...pool, ...startLine(bench, name)];
  return {
    ...{ name: 'para start s --docker, from the pool', floor: 'para start s --docker', target },
    first: () => writeFileSync(settings, JSON.stringify({ docker: { warm_pool: 1 } })),
    para: {
      before: () => run(...pool, ...para('docker', 'pool', 'fill', '--image', image, '-q')),
      run: (n) => started(`warm${n}`),
      after: (n) => cancel(`warm${n}`),
    },
    raw: { run: (n) => startLine(bench, `cold${n}`), after: (n) => cancel(`cold${n}`) },
  };
}

/** One that fails makes the whole fail. */
function startsRow(bench, target) {
  const { para, run, own, repo, engine } = bench;
  const { add, up, box, worktree } = byHand(bench);
  const script = (n) => join(own, `up${n}.sh`);
  const numbers = Array.from({ length: MANY }, (_, n) => n + 1);
  const all = (of) => numbers.map((n) => of(`many${n}`)).join(' ');
  const now = engine === 'podman' ? ' -t 0' : '';
  const drop = `${engine} rm -f${now} ${all(box)} >/dev/null; for tree in ${all(worktree)}; do git worktree remove --force "$tree"; done; git branch -qD ${all((name) => `raw/${name}`)}`;
  const together =
    'for i in $(seq "$0"); do "$@" "at-once$i" & all="$all $!"; done; for one in $all; do wait "$one" || failed=1; done; test -z "$failed"';
  return {
    ...{
      name: `para start s --docker, ${MANY} at once`,
      floor: `the same calls, ${AT_ONCE} at once`,
      target,
    },
    first: () =>
      numbers.forEach((n) => {
        // git's own adds get in each other's way.
        const text = `flock '${repo}/.git/raw' ${add(`many${n}`)} && ${up(`many${n}`)}\n`;
        writeFileSync(script(n), text);
      }),
    para: {
      run: () => [
        'sh',
        '-c',
        together,
        String(MANY),
        ...para('start', '--docker', '--image', bench.image, '-q'),
      ],
      after: () => run(...eachOf(1, MANY, para('cancel', 'at-once{}', '-q'))),
    },
    raw: { run: () => eachOf(1, MANY, ['sh', script('{}')]), after: () => run('sh', '-c', drop) },
  };
}
