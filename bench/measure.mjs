/** Two ways to the same end, run in turns: medians, spread and their ratio. */
import { spawnSync } from 'node:child_process';

/** A way: what is run, and what is put right before and after it, unmeasured. `n` counts the runs. */
const once = ({ run, before, after }, n, options) => {
  before?.(n);
  const [file, ...args] = run(n);
  const began = performance.now();
  const { status, stderr, error } = spawnSync(file, args, {
    ...options,
    stdio: ['ignore', 'ignore', 'pipe'],
    encoding: 'utf8',
  });
  const ms = performance.now() - began;
  if (status !== 0) throw new Error(`${[file, ...args].join(' ')}: ${error ?? status}\n${stderr}`);
  after?.(n);
  return ms;
};

const quantile = (sorted, q) => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))];

/** The median, and the middle half around it. */
export function summary(figures) {
  const sorted = figures.toSorted((a, b) => a - b);
  const [median, low, high] = [0.5, 0.25, 0.75].map((q) => Number(quantile(sorted, q).toFixed(1)));
  return { median, low, high };
}

/** Measures both `runs` times, each first in every other turn; the first of each, which warms caches, does not count. */
function inTurns({ para, raw }, { runs, options }, of) {
  const found = { para: [], raw: [] };
  for (let n = 0; n <= runs; n += 1) {
    const turn = n % 2 === 0 ? ['para', 'raw'] : ['raw', 'para'];
    for (const which of turn) {
      const figure = of(which === 'para' ? para : raw, n, options);
      if (n > 0) found[which].push(figure);
    }
  }
  const [ours, floor] = [summary(found.para), summary(found.raw)];
  return { para: ours, raw: floor, ratio: Number((ours.median / floor.median).toFixed(2)) };
}

/** How long both take. */
export const compare = (row, how) => inTurns(row, how, once);

/** Most memory that a process or one of those that it started has at once, in MiB (getrusage(2), ru_maxrss). */
function peak(command, options) {
  const script =
    'import resource,subprocess,sys; subprocess.run(sys.argv[1:],stdout=subprocess.DEVNULL,check=True); print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)';
  const { stdout, status, stderr } = spawnSync('python3', ['-c', script, ...command], {
    ...options,
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return Number(stdout) / 1024;
}

/** The same of memory. */
export const comparePeaks = (row, how) => inTurns(row, how, ({ run }, n, options) => peak(run(n), options));
