/**
 * What para's commands cost, as multiples of what they can not avoid, in the same run.
 *
 *   npm run bench -- [--engine docker|podman|rootless]… [--only TEXT] [--runs 11] [--sessions 20]
 *                    [--peers] [--check] [--json FILE] [--svg FILE]
 *
 * Needs the tests' engines (scripts/engines.sh up) and a build. --check ends with 1 when a ratio is over its target.
 * --peers measures other tools too, beside the same raw calls: those that bench/peers.sh installed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chart } from './chart.mjs';
import { largeRows } from './large.mjs';
import { compare, comparePeaks } from './measure.mjs';
import { peerRows } from './peers.mjs';
import { engineRows, plainRows } from './rows.mjs';

const { values: asked } = parseArgs({
  options: {
    engine: { type: 'string', multiple: true },
    ...{ only: { type: 'string', default: '' }, runs: { type: 'string', default: '11' } },
    ...{ sessions: { type: 'string', default: '20' }, check: { type: 'boolean', default: false } },
    ...{ json: { type: 'string' }, svg: { type: 'string' }, peers: { type: 'boolean', default: false } },
  },
});
const [runs, sessions] = [Number(asked.runs), Number(asked.sessions)];
const TARGETS = {
  docker: { exec: 1.6, list: 2.6, start: 1.2, finish: 1.4 },
  podman: { exec: 1.25, list: 1.6, start: 1.25, finish: 1.4 },
  rootless: { exec: 1.25, list: 1.6, start: 1.4, finish: 1.4 },
};
const benchDir = process.env['PARA_BENCH_DIR'] || join(tmpdir(), 'para-bench');
const known = JSON.parse(readFileSync(join(benchDir, 'bench.json'), 'utf8'));
const dir = realpathSync(mkdtempSync(join(tmpdir(), 'para-speed-')));
chmodSync(dir, 0o755);
cpSync(new URL('..', import.meta.url).pathname + 'dist', join(dir, 'dist'), { recursive: true });
const main = join(dir, 'dist/main.js');

/** A repository of its own for one engine's user, with nothing in the environment that slows node. */
function place(id) {
  const engine = id === '' ? {} : known[id];
  const own = join(dir, id === '' ? 'plain' : id);
  const repo = join(own, 'repo');
  mkdirSync(repo, { recursive: true });
  const { uid = 0, gid = 0, user = 'root' } = engine;
  for (const path of [own, repo]) chownSync(path, uid, gid);
  const binary = id === 'docker' ? 'docker' : 'podman';
  const env = {
    ...{
      PATH: process.env['PATH'],
      HOME: own,
      XDG_CACHE_HOME: join(own, 'cache'),
      PARA_ENGINE: binary,
      ...engine.env,
    },
    ...{ GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: join(own, 'gitconfig') },
  };
  writeFileSync(env.GIT_CONFIG_GLOBAL, '[user]\n\tname = Ann\n\temail = ann@example.test\n');
  chmodSync(env.GIT_CONFIG_GLOBAL, 0o644);
  const options = { cwd: repo, env, ...(user === 'root' ? {} : { uid, gid }) };
  const run = (file, ...args) => {
    const ended = spawnSync(file, args, { ...options, encoding: 'utf8' });
    if (ended.status !== 0) throw new Error(`${[file, ...args].join(' ')}: ${ended.status}\n${ended.stderr}`);
    return ended;
  };
  run(
    'sh',
    '-ec',
    'git init -q; for i in $(seq 60); do echo "$i" >"$i.txt"; done; git add .; git commit -qm first',
  );
  const repoId = createHash('sha256').update(join(repo, '.git')).digest('hex').slice(0, 8);
  return {
    ...{ repo, own, run, options, engine: binary, image: known.images.busybox },
    peers: join(benchDir, 'peers'),
    quietly: run,
    para: (...args) => [process.execPath, main, ...args],
    container: (session) => `para-${repoId}-${session}`,
    psFormat: binary === 'docker' ? '{{json .}}' : 'json',
    tidy: () => removeAll(binary, repoId, options),
  };
}

function removeAll(binary, repoId, options) {
  const list = (...args) =>
    execFileSync(binary, args, { ...options, encoding: 'utf8' })
      .split('\n')
      .filter(Boolean);
  const containers = list('ps', '-aq', '--filter', `label=para.repo=${repoId}`);
  if (containers.length > 0)
    execFileSync(binary, ['rm', '-f', ...containers], { ...options, stdio: 'ignore' });
  const networks = list('network', 'ls', '-q', '--filter', `label=para.repo=${repoId}`);
  if (networks.length > 0)
    execFileSync(binary, ['network', 'rm', ...networks], { ...options, stdio: 'ignore' });
}

function measure(engine, rows, options) {
  return rows
    .filter(({ name }) => name.includes(asked.only))
    .map((row) => {
      const { name, floor, target, unit = 'ms', para, raw, first, last } = row;
      const how = unit === 'ms' ? compare : comparePeaks;
      first?.();
      const found = { engine, name, floor, target, unit, ...how({ para, raw }, { runs, options }) };
      last?.();
      process.stderr.write(`${line(found)}\n`);
      return found;
    });
}

function line({ engine, name, floor, target, unit, para, raw, ratio }) {
  const times = ({ median, low, high }) => `${String(median).padStart(7)} (${low}-${high})`;
  const verdict = target === undefined ? 'peer' : ratio <= target ? 'ok  ' : 'OVER';
  const of = target === undefined ? '       ' : `of ${target.toFixed(2)}`;
  return `${verdict} ${ratio.toFixed(2).padStart(5)} ${of}  ${(engine || '-').padEnd(9)} ${name.padEnd(36)} ${times(para)} ${unit} / ${floor} ${times(raw)} ${unit}`;
}

function withLarge(plain) {
  const large = largeRows(plain);
  try {
    return measure('', large.rows, plain.options);
  } finally {
    large.tidy();
  }
}

function withEngine(id) {
  const bench = place(id);
  const peers = asked.peers ? peerRows(bench, id) : { rows: [], tidy() {} };
  try {
    const { para, quietly, image } = bench;
    for (let n = 0; n < sessions; n += 1)
      quietly(...para('start', n === 0 ? 'first' : `s${n}`, '--docker', '--image', image, '-q'));
    const own = engineRows(bench, { engine: bench.engine, targets: TARGETS[id], sessions });
    return measure(id, [...own, ...peers.rows], bench.options);
  } finally {
    peers.tidy();
    bench.tidy();
  }
}

try {
  const plain = place('');
  const engines = asked.engine ?? Object.keys(TARGETS).filter((id) => known[id] !== undefined);
  const rows = [
    ...measure('', plainRows(plain), plain.options),
    ...withLarge(plain),
    ...engines.flatMap(withEngine),
  ];
  const told = { node: process.version, runs, sessions, rows };
  if (asked.json !== undefined) writeFileSync(asked.json, `${JSON.stringify(told, undefined, 2)}\n`);
  if (asked.svg !== undefined)
    writeFileSync(
      asked.svg,
      chart(rows, 'para: cost of a command, as multiples of its floor (bar: measured; mark: target)'),
    );
  const over = rows.filter(({ ratio, target }) => ratio > target).length;
  process.stderr.write(`${rows.length} rows, ${over} over their target\n`);
  if (asked.check && over > 0) process.exitCode = 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
