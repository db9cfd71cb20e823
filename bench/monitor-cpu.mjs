/**
 * What `para monitor` takes of one core with many real sessions, beside one stream of `docker stats` in the same run:
 * both with all the processes that they started.
 *
 *   scripts/engines.sh up docker && npm run build && node bench/monitor-cpu.mjs [sessions] [seconds]
 */
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const [sessions = 50, seconds = 30] = process.argv.slice(2).map(Number);
const benchDir = process.env['PARA_BENCH_DIR'] || join(tmpdir(), 'para-bench');
const bench = JSON.parse(readFileSync(join(benchDir, 'bench.json'), 'utf8'));
const main = new URL('../dist/main.js', import.meta.url).pathname;
const dir = realpathSync(mkdtempSync(join(tmpdir(), 'para-cpu-')));
/** A repository, and the home of whoever works in it. */
const repo = join(dir, 'repo');
const env = {
  ...{ PATH: process.env['PATH'], HOME: dir, TERM: 'xterm', PARA_ENGINE: 'docker', ...bench.docker.env },
  ...{ GIT_CONFIG_NOSYSTEM: '1', GIT_CONFIG_GLOBAL: join(dir, 'gitconfig') },
};
const run = (file, ...args) => execFileSync(file, args, { cwd: repo, env, encoding: 'utf8' });

/** Seconds of CPU of a process and of those that it waited for. */
function cpuSeconds(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}

/** The share of one core that each takes meanwhile, in percent. */
async function shares(pids) {
  const before = pids.map(cpuSeconds);
  const began = performance.now();
  await sleep(seconds * 1000);
  const took = (performance.now() - began) / 1000;
  return pids.map((pid, i) => Number(((100 * (cpuSeconds(pid) - before[i])) / took).toFixed(2)));
}

/** On a terminal of its own; what it draws is read, and thrown away. */
async function monitor(columns, ...flags) {
  const line = `stty rows 60 cols ${columns}; echo $$ >'${dir}/pid'; exec '${process.execPath}' '${main}' monitor ${flags.join(' ')}`;
  const child = spawn('script', ['-qec', line, '/dev/null'], {
    cwd: repo,
    env: { ...env, SHELL: '/bin/sh' },
  });
  child.stdout.resume();
  await sleep(1000);
  const pid = Number(readFileSync(join(dir, 'pid'), 'utf8'));
  // Each worktree is counted once, a few at a time: that is over by then.
  await sleep(Math.max(20, sessions) * 1000);
  const end = async () => {
    child.stdin.write('q');
    await new Promise((resolve) => child.once('close', resolve));
  };
  return { pid, end };
}

try {
  mkdirSync(repo);
  writeFileSync(env.GIT_CONFIG_GLOBAL, '[user]\n\tname = Ann\n\temail = ann@example.test\n');
  run('sh', '-ec', 'git init -q; seq 1000 >a.txt; git add .; git commit -qm first');
  for (let n = 1; n <= sessions; n += 1) {
    run(process.execPath, main, 'start', `s${n}`, '-q', '--docker', '--image', bench.images.busybox);
    process.stderr.write(`\r${n} sessions`);
  }
  process.stderr.write('\n');
  const stats = spawn('docker', ['stats'], { env, stdio: ['ignore', 'ignore', 'ignore'] });
  const hidden = await monitor(100);
  const [withoutFigures, stream] = await shares([hidden.pid, stats.pid]);
  await hidden.end();
  stats.kill();
  const shown = await monitor(160);
  const [withFigures] = await shares([shown.pid]);
  await shown.end();
  const figures = {
    sessions,
    seconds,
    monitor: withoutFigures,
    docker_stats: stream,
    monitor_with_usage: withFigures,
  };
  process.stdout.write(`${JSON.stringify(figures)}\n`);
} finally {
  const id = createHash('sha256').update(join(repo, '.git')).digest('hex').slice(0, 8);
  const containers = run('docker', 'ps', '-aq', '--filter', `label=para.repo=${id}`)
    .split('\n')
    .filter(Boolean);
  if (containers.length > 0) run('docker', 'rm', '-f', ...containers);
  if (containers.length > 0) run('docker', 'network', 'rm', `para-network-${id}`);
  rmSync(dir, { recursive: true, force: true });
}
