/**
 * The status file beside somebody who tears it, swaps it, links it and floods it: what is taken is whole, what is not is
 * refused in words, nothing hangs, and the reader's memory stays as it is. PARA_FAULT_FULL=1: 100 000 reads.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { readStatus } from '../../src/sessions/status-file.ts';

const READS = process.env['PARA_FAULT_FULL'] === '1' ? 100_000 : 4_000;
/** Milliseconds; the 20 GB that some of the files claim to have take longer than that to read. */
const SLOWEST = 1_000;
const GROWTH = 64 * 2 ** 20;

/**
 * The writer: a process of its own, in the directory that a container may write to. A hard link can only be to a file
 * of its own there, since no link crosses a mount.
 */
const WRITER = `
const fs = require('node:fs');
const body = (n) => JSON.stringify({ timestamp: '2024-01-20T10:30:00Z', status: 'running', phase: 'whole',
  message: String(n), custom: { n, sum: n * 7, pad: 'x'.repeat(n % 5000) } });
const secret = process.argv[1];
const swap = (make) => { fs.rmSync('next', { recursive: true, force: true }); make('next');
  try { fs.renameSync('next', 'status.json'); }
  catch { fs.rmSync('status.json', { recursive: true, force: true }); fs.renameSync('next', 'status.json'); } };
const ways = [
  (n) => swap((f) => fs.writeFileSync(f, body(n))),
  (n) => { swap((f) => fs.writeFileSync(f, '')); const text = body(n); const fd = fs.openSync('status.json', 'w');
    for (let at = 0; at < text.length; at += 700) fs.writeSync(fd, text.slice(at, at + 700)); fs.closeSync(fd); },
  () => swap((f) => fs.symlinkSync(secret, f)),
  (n) => swap((f) => { fs.writeFileSync('own', body(n)); fs.linkSync('own', f); }),
  () => swap((f) => fs.symlinkSync('/dev/zero', f)),
  () => swap((f) => { fs.writeFileSync(f, ''); fs.truncateSync(f, 20e9); }),
  () => swap((f) => fs.writeFileSync(f, '['.repeat(60000))),
  () => swap((f) => fs.writeFileSync(f, Buffer.alloc(7000, 0xff))),
  () => swap((f) => fs.mkdirSync(f)),
  () => swap((f) => require('node:child_process').execFileSync('mkfifo', [f])),
];
let n = 0;
(function go() { n += 1; try { (n % 200 === 0 ? ways[9] : ways[n % 2 === 0 ? 0 : n % 9])(n); } catch {} setImmediate(go); })();
`;

let dir: string;
let writer: ChildProcess;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-flood-'));
  mkdirSync(join(dir, 'out'));
  const secret = join(dir, 'secret');
  writeFileSync(secret, JSON.stringify({ timestamp: '', status: 'running', phase: 'secret' }));
  writer = spawn(process.execPath, ['-e', WRITER, secret], { cwd: join(dir, 'out'), stdio: 'ignore' });
});
afterAll(async () => {
  const ended = new Promise((resolve) => writer.once('exit', resolve));
  writer.kill('SIGKILL');
  await ended;
  rmSync(dir, { recursive: true });
});

test(`${String(READS)} reads of a status that somebody tears, swaps, links and floods`, async () => {
  const refused = new Map<string, number>();
  let [whole, slowest] = [0, 0];
  for (let n = 0; n < 1_000; n += 1) await readStatus(dir);
  const before = process.memoryUsage().rss;
  for (let n = 0; n < READS; n += 1) {
    const begun = performance.now();
    const { status, defect } = await readStatus(dir);
    slowest = Math.max(slowest, performance.now() - begun);
    if (status === undefined) {
      const kind = (defect ?? 'nothing there').replaceAll(/\d+/g, 'N').slice(0, 60);
      refused.set(kind, (refused.get(kind) ?? 0) + 1);
      continue;
    }
    whole += 1;
    const { n: number, sum, pad } = status.custom as { n: number; sum: number; pad: string };
    expect([status.phase, sum, pad.length]).toEqual(['whole', number * 7, number % 5000]);
  }
  const grown = process.memoryUsage().rss - before;
  const told = [...refused].map(([why, times]) => `${why}: ${String(times)}`).join('; ');
  process.stderr.write(
    `${String(whole)} of ${String(READS)} taken, all whole; slowest ${slowest.toFixed(1)} ms; ${String(Math.round(grown / 2 ** 20))} MiB more; refused: ${told}\n`,
  );
  expect(whole).toBeGreaterThan(READS / 100);
  expect(
    [...refused.keys()].filter((why) => /regular|one name|more than N bytes|levels|UTF-N/.test(why)).length,
  ).toBeGreaterThanOrEqual(5);
  expect(slowest).toBeLessThan(SLOWEST);
  expect(grown).toBeLessThan(GROWTH);
}, 600_000);
