import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { mark } from '../../src/sys/left-behind.ts';
import { whileShowing, withLock, type LockOwner } from '../../src/sys/lock.ts';

let dir: string;
let path: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-lock-'));
  path = join(dir, 'locks', 'repository');
});
afterEach(() => {
  rmSync(dir, { recursive: true, force: true });
});

const BOOT = '/proc/sys/kernel/random/boot_id';

/** A lock whose owner is this process, but for what `change` says. */
async function plant(change: Partial<LockOwner>): Promise<void> {
  await withLock(path, { what: 'shows its owner' }, () => {
    const owner = JSON.parse(readFileSync(path, 'utf8')) as LockOwner;
    writeFileSync(join(dir, 'planted'), JSON.stringify({ ...owner, ...change }));
    return Promise.resolve();
  });
  writeFileSync(path, readFileSync(join(dir, 'planted')));
}

test('holds the lock while working, says by whom, and lets go after a failure', async () => {
  const failing = withLock(path, { what: 'fails' }, () => {
    expect(JSON.parse(readFileSync(path, 'utf8'))).toMatchObject({ pid: process.pid, what: 'fails' });
    return Promise.reject(new Error('no'));
  });
  await expect(failing).rejects.toThrow('no');
  expect(readdirSync(join(dir, 'locks'))).toEqual([]);
});

test('calls within one process take turns', async () => {
  let inside = 0;
  let most = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    most = Math.max(most, inside);
    await new Promise((resolve) => setTimeout(resolve, 10));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 8 }, () => withLock(path, { what: 'works' }, work)));
  expect(most).toBe(1);
});

// A child that takes the lock with the program's own code, through Jest's transform of the same file.
const CHILD = `
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
const { withLock } = await import(process.argv[2]);
const [, , , path, log] = process.argv;
for (let i = 0; i < 5; i += 1)
  await withLock(path, { what: 'counts' }, async () => {
    appendFileSync(log, 'in ' + process.pid + '\\n');
    await sleep(20);
    appendFileSync(log, 'out ' + process.pid + '\\n');
  });
`;

test('two processes take turns', async () => {
  const { build } = await import('esbuild');
  const bundle = join(dir, 'lock.mjs');
  await build({
    entryPoints: [join(import.meta.dirname, '../../src/sys/lock.ts')],
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile: bundle,
    logLevel: 'silent',
  });
  writeFileSync(join(dir, 'child.mjs'), CHILD);
  const log = join(dir, 'log');
  const run = (): Promise<number | null> =>
    new Promise((resolve) => {
      spawn(process.execPath, [join(dir, 'child.mjs'), bundle, path, log], { stdio: 'inherit' }).on(
        'exit',
        resolve,
      );
    });
  expect(await Promise.all([run(), run(), run()])).toEqual([0, 0, 0]);
  const lines = readFileSync(log, 'utf8').trim().split('\n');
  expect(lines).toHaveLength(30);
  for (let i = 0; i < lines.length; i += 2) expect(lines[i + 1]).toBe(lines[i]?.replace('in', 'out'));
});

test.each<[string, Partial<LockOwner>]>([
  ['is gone', { pid: 4_194_304 }],
  ['gave its pid to another process', { started: '1' }],
  ['lived before the machine started anew', { boot: '00000000-0000-0000-0000-000000000000' }],
])('a lock whose owner %s is broken at once', async (_, change) => {
  if (!existsSync(BOOT) && change.pid === undefined) return; // without /proc the pid alone decides
  await plant(change);
  const started = performance.now();
  expect(await withLock(path, { what: 'comes after' }, () => Promise.resolve('done'))).toBe('done');
  expect(performance.now() - started).toBeLessThan(1_000);
  expect(readdirSync(join(dir, 'locks'))).toEqual([]);
});

test('a dead owner’s lock is broken by one of many, and they take turns still', async () => {
  await plant({ started: '1' });
  let inside = 0;
  const work = async (): Promise<void> => {
    inside += 1;
    expect(inside).toBe(1);
    await new Promise((resolve) => setTimeout(resolve, 5));
    inside -= 1;
  };
  await Promise.all(Array.from({ length: 10 }, () => withLock(path, { what: 'works' }, work)));
});

test('says BUSY, and who is at work, once waiting was long enough', async () => {
  await withLock(path, { what: 'takes its time' }, async () => {
    const told: LockOwner[] = [];
    const started = performance.now();
    const late = whileShowing(
      (owner) => told.push(owner),
      () => withLock(path, { what: 'waits', waitMs: 300 }, () => Promise.resolve()),
    );
    await expect(late).rejects.toMatchObject({
      code: 'BUSY',
      message: `para (pid ${String(process.pid)}: takes its time) is at work here`,
    });
    expect(performance.now() - started).toBeGreaterThanOrEqual(290);
    expect(told).toHaveLength(1);
  });
});

test('does not wait at all when told so', async () => {
  await withLock(path, { what: 'works' }, async () => {
    await expect(withLock(path, { what: 'asks', waitMs: 0 }, () => Promise.resolve())).rejects.toMatchObject({
      code: 'BUSY',
    });
  });
});

test('a dead owner is waited for as long as what it has started still changes things', async () => {
  const dead = 4_194_304; // above the kernel's largest pid
  const env = {
    PATH: process.env['PATH'],
    ...Object.fromEntries(Object.keys(mark).map((key) => [key, String(dead)])),
  };
  const child = spawn('sleep', ['0.4'], { env });
  const ended = new Promise((resolve) => child.once('exit', () => resolve(performance.now())));
  await plant({ pid: dead });
  const told: number[] = [];
  await whileShowing(
    ({ pid }) => told.push(pid),
    () => withLock(path, { what: 'comes next' }, () => Promise.resolve()),
  );
  expect(performance.now()).toBeGreaterThanOrEqual((await ended) as number);
  expect(told).toEqual([dead]);
});

test('each holder is given its time: a line that moves is waited in', async () => {
  await plant({ what: 'is first' });
  const waiting = withLock(path, { what: 'is third', waitMs: 700 }, () => Promise.resolve('in'));
  setTimeout(() => {
    writeFileSync(path, readFileSync(path, 'utf8').replace('is first', 'is second'));
  }, 450);
  setTimeout(() => {
    rmSync(path);
  }, 900);
  expect(await waiting).toBe('in');
});
