/**
 * What para's commands cost, as multiples of what they can not avoid, in the same run.
 *
 *   npm run bench -- [--engine docker|podman|rootless]… [--only TEXT] [--runs 11] [--sessions 20]
 *                    [--peers] [--check] [--write]
 *
 * Needs the tests' engines (scripts/engines.sh up) and a build. --check ends with 1 when a ratio is over its target.
 * --peers measures other tools too, beside the same raw calls: those that bench/peers.sh installed. --write puts the
 * figures into docs/bench: ratios.json and ratios.svg.
 */
import { chmodSync, cpSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { chart } from './chart.mjs';
import { withLarge } from './large.mjs';
import { compare, comparePeaks } from './measure.mjs';
import { peerRows } from './peers.mjs';
import { known, place } from './place.mjs';
import { engineRows, plainRows } from './rows.mjs';
import { scaleRows } from './scale.mjs';

const { values: asked } = parseArgs({
  options: {
    engine: { type: 'string', multiple: true },
    ...{ only: { type: 'string', default: '' }, runs: { type: 'string', default: '11' } },
    ...{ sessions: { type: 'string', default: '20' }, check: { type: 'boolean', default: false } },
    ...{ write: { type: 'boolean', default: false }, peers: { type: 'boolean', default: false } },
  },
});
const [runs, sessions] = [Number(asked.runs), Number(asked.sessions)];
const LEAST_RUNS = 11;
if (asked.check && !(runs >= LEAST_RUNS)) {
  process.stderr.write(`--check needs at least ${LEAST_RUNS} runs\n`);
  process.exit(2);
}
const ALL = { finish: 1.4, pool: 0.5, starts: 1.3, monitor: 0.03 };
const TARGETS = {
  docker: { ...ALL, exec: 1.6, list: 2.6, start: 1.2 },
  podman: { ...ALL, exec: 1.25, list: 1.6, start: 1.25 },
  rootless: { ...ALL, exec: 1.25, list: 1.6, start: 1.4 },
};
const WAYS = { ms: compare, MiB: comparePeaks };
const docs = new URL('../docs/bench/', import.meta.url);
const dir = realpathSync(mkdtempSync(join(tmpdir(), 'para-speed-')));
chmodSync(dir, 0o755);
cpSync(new URL('../dist', import.meta.url).pathname, join(dir, 'dist'), { recursive: true });
const main = join(dir, 'dist/main.js');

async function measure(engine, rows, options) {
  const found = [];
  for (const row of rows.filter(({ name }) => name.includes(asked.only))) {
    const { name, floor, target, unit = 'ms', first, last, samples } = row;
    await first?.();
    const figures = samples === undefined ? WAYS[unit](row, { runs, options }) : await samples(runs);
    await last?.();
    found.push({ engine, name, floor, target, unit, ...figures });
    process.stderr.write(`${line(found.at(-1))}\n`);
  }
  return found;
}

function line({ engine, name, floor, target, unit, para, raw, ratio }) {
  const times = ({ median, low, high }) => `${String(median).padStart(7)} (${low}-${high})`;
  const verdict = target === undefined ? 'peer' : ratio <= target ? 'ok  ' : 'OVER';
  const of = target === undefined ? '       ' : `of ${target.toFixed(2)}`;
  return `${verdict} ${ratio.toFixed(2).padStart(5)} ${of}  ${(engine || '-').padEnd(9)} ${name.padEnd(36)} ${times(para)} ${unit} / ${floor} ${times(raw)} ${unit}`;
}

async function withEngine(id) {
  const bench = place({ id, own: join(dir, id), main });
  const peers = asked.peers ? peerRows(bench, id) : { rows: [], tidy() {} };
  try {
    const { para, run, image } = bench;
    for (let n = 0; n < sessions; n += 1)
      run(...para('start', n === 0 ? 'first' : `s${n}`, '--docker', '--image', image, '-q'));
    const own = [...engineRows(bench, TARGETS[id]), ...scaleRows(bench, TARGETS[id], sessions)];
    return await measure(id, [...peers.rows, ...own], bench.options);
  } finally {
    peers.tidy();
    bench.tidy();
  }
}

try {
  const plain = place({ id: '', own: join(dir, 'plain'), main });
  const engines = asked.engine ?? Object.keys(TARGETS).filter((id) => known[id] !== undefined);
  const rows = [
    ...(await measure('', plainRows(plain), plain.options)),
    ...(await withLarge({ engines, only: asked.only, main }, measure)),
  ];
  for (const id of engines) rows.push(...(await withEngine(id)));
  const told = { node: process.version, runs, sessions, rows };
  if (asked.write) {
    writeFileSync(new URL('ratios.json', docs), `${JSON.stringify(told, undefined, 2)}\n`);
    const title = 'para: cost of a command, as multiples of its floor (bar: measured; mark: target)';
    writeFileSync(new URL('ratios.svg', docs), chart(rows, title));
  }
  const over = rows.filter(({ ratio, target }) => ratio > target).length;
  process.stderr.write(`${rows.length} rows, ${over} over their target\n`);
  if (asked.check && over > 0) process.exitCode = 1;
} finally {
  rmSync(dir, { recursive: true, force: true });
}
