/** What `para monitor` takes of one core, with all the processes that it started, and what the daemon takes beside it. */
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { summary } from './measure.mjs';
import { benchDir } from './place.mjs';

const SAMPLE_MS = 5000;
const CORE = { median: 100, low: 100, high: 100 };

/** Two rows: its own share, and the daemon's, where there is one, over what it takes when nobody watches. */
export function monitorRow(bench, { target, sessions }) {
  const name = `para monitor, ${sessions} sessions`;
  const row = (label, samples) => ({ name: label, floor: 'a core', target, unit: '%', samples });
  const found = {};
  const own = async (runs) => {
    const daemon = bench.id === 'docker' ? daemonPids() : [];
    const idle = await sampled(runs, [daemon]);
    const { pid, end } = await monitor(bench, sessions);
    const busy = await sampled(runs, [[pid], daemon]);
    await end();
    const more = busy[1].map((share) => share - summary(idle[0]).median);
    found.daemon = asRow(more);
    return asRow(busy[0]);
  };
  const beside = row(`${name}: the daemon beside`, () => found.daemon);
  return [row(name, own), ...(bench.id === 'docker' ? [beside] : [])];
}

function asRow(shares) {
  const para = summary(shares);
  return { para, raw: CORE, ratio: Number((para.median / 100).toFixed(4)) };
}

/** Seconds of CPU of a process and of those that it waited for. */
function cpuSeconds(pid) {
  const fields = fieldsOf(pid);
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

const fieldsOf = (pid) =>
  readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');

/** dockerd and its containerd. */
function daemonPids() {
  const pid = readFileSync(join(benchDir, 'docker.pid'), 'utf8').trim();
  const isChild = (one) => {
    try {
      return fieldsOf(one)[1] === pid;
    } catch {
      return false; // It has ended.
    }
  };
  return [pid, ...readdirSync('/proc').filter((name) => /^\d+$/.test(name) && isChild(name))];
}

/** @returns for each group the share of one core that it takes, in percent, `runs` times */
async function sampled(runs, groups) {
  const taken = () => groups.map((pids) => pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0));
  const shares = groups.map(() => []);
  for (let n = 0; n < runs; n += 1) {
    const [before, began] = [taken(), performance.now()];
    await sleep(SAMPLE_MS);
    const seconds = (performance.now() - began) / 1000;
    taken().forEach((after, i) => shares[i].push((100 * (after - before[i])) / seconds));
  }
  return shares;
}

/** On a terminal of its own, too narrow for the live figures; what it draws is read, and thrown away. */
async function monitor({ para, options, own }, sessions) {
  const file = join(own, 'monitor.pid');
  const line = `stty rows 60 cols 100; echo $$ >'${file}'; exec ${para('monitor').join(' ')}`;
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    ...options,
    env: { ...options.env, SHELL: '/bin/sh', TERM: 'xterm' },
  });
  child.stdout.resume();
  // Each worktree is counted once, a few at a time: that is over by then.
  await sleep(Math.max(20, sessions) * 1000);
  const end = async () => {
    child.stdin.write('q');
    await new Promise((resolve) => child.once('close', resolve));
  };
  return { pid: readFileSync(file, 'utf8').trim(), end };
}
