import { execFileSync } from 'node:child_process';
import {
  linkSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { StatusWish } from '../../src/sessions/host-status.ts';
import { mirrorStatus, readStatus, sayFromHost, writeStatus } from '../../src/sessions/status-file.ts';
import { placesOf, type Places } from '../../src/sessions/store.ts';

let dir: string;
let inside: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-status-'));
  mkdirSync(join(dir, 'out'));
  inside = join(dir, 'out/status.json');
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

/** The seed's own example. */
const SEED = {
  timestamp: '2024-01-20T10:30:00Z',
  status: 'running',
  health: 'healthy',
  phase: 'testing',
  progress: { current: 75, total: 100, message: 'Running integration tests...' },
} as const;
const put = (data: unknown): void => {
  writeFileSync(inside, typeof data === 'string' ? data : JSON.stringify(data));
};

test('the example of the seed is read as it stands', async () => {
  put(SEED);
  expect(await readStatus(dir)).toMatchObject({ status: SEED, defect: undefined });
});

test('nothing there is nothing wrong', async () => {
  expect(await readStatus(dir)).toEqual({ status: undefined, at: undefined, defect: undefined });
});

test('the newer of both sides counts, and a broken one does not hide the other', async () => {
  put(SEED);
  await writeStatus(dir, { ...SEED, phase: 'host' });
  utimesSync(inside, 1, 1);
  expect((await readStatus(dir)).status?.phase).toBe('host');
  utimesSync(inside, Date.now() / 1000 + 5, Date.now() / 1000 + 5);
  expect((await readStatus(dir)).status?.phase).toBe('testing');
  put('{');
  const { status, defect } = await readStatus(dir);
  expect([status?.phase, defect]).toEqual(['host', expect.stringContaining('status.json:1:2')]);
});

describe('what the host has said', () => {
  let now: number;
  const places = (): Places => placesOf(join(dir, 'repo'));
  const docker = (...path: string[]): string => join(places().docker('s'), ...path);
  beforeEach(() => {
    now = Date.now() - 60_000;
    mkdirSync(docker('out/.status'), { recursive: true });
  });
  const later = (): Date => new Date((now += 1_000));
  const host = (wish: StatusWish): Promise<unknown> => sayFromHost(places(), 's', wish, later());
  /** As an agent writes it, or with `words` as `para-status` does: those that were said just now. */
  function container(data: object, words?: readonly string[]): void {
    const at = later();
    writeFileSync(docker('out/status.json'), JSON.stringify({ timestamp: 't', status: 'running', ...data }));
    utimesSync(docker('out/status.json'), at, at);
    for (const word of words ?? []) {
      writeFileSync(docker('out/.status', word), '');
      utimesSync(docker('out/.status', word), at, at);
    }
  }
  /** And as it is on the disk, once somebody has watched. */
  async function told(): Promise<unknown> {
    const { status, defect } = await readStatus(docker());
    expect(defect).toBeUndefined();
    await mirrorStatus(places(), 's');
    const view = (await readStatus(docker())).status;
    expect(JSON.parse(readFileSync(docker('status.json'), 'utf8'))).toEqual(view);
    expect(view).toEqual(status);
    return view;
  }

  test('stays when the container says something else, and goes when it says the same', async () => {
    await host({ task: 'My task', blocked: true, tests: 'failed' });
    container({ phase: 'p1' });
    const words = { task: 'My task', blocked: true, tests: 'failed' };
    expect(await told()).toEqual({ timestamp: 't', status: 'running', phase: 'p1', ...words });
    container({ phase: 'p2', tests: 'passed' });
    expect(await told()).toMatchObject({ ...words, phase: 'p2', tests: 'passed' });
    await host({ tests: 'unknown' });
    expect(await told()).toMatchObject({ ...words, phase: 'p2', tests: 'unknown' });
  });

  test('what para-status only repeats is not said anew', async () => {
    container({ blocked: true }, ['blocked']);
    await host({ blocked: false });
    container({ blocked: true, phase: 'p1' }, ['phase']);
    expect(await told()).toMatchObject({ blocked: false, phase: 'p1' });
    container({ blocked: true, phase: 'p1' }, ['blocked']);
    expect(await told()).toMatchObject({ blocked: true, phase: 'p1' });
  });

  test('what is inside can not be taken: what was said before stays, on both sides', async () => {
    await host({ task: 'My task' });
    container({ phase: 'p1' });
    await told();
    writeFileSync(docker('out/status.json'), '{');
    await host({ blocked: true });
    const { status, defect } = await readStatus(docker());
    expect(status).toMatchObject({ task: 'My task', phase: 'p1', blocked: true });
    expect(defect).toContain('status.json:1:2');
  });

  test('a file of its own that makes no sense says nothing', async () => {
    await host({ task: 'My task' });
    container({ phase: 'p1' });
    for (const text of ['{', 'null', '[]', '{"said":{"task":3},"at":{}}', '{"said":{"status":"x"}}']) {
      writeFileSync(docker('host-status.json'), text);
      expect((await readStatus(docker())).status).toEqual({ timestamp: 't', status: 'running', phase: 'p1' });
    }
  });

  test('many at once, beside somebody who watches: nothing is lost', async () => {
    container({ phase: 'p1' });
    await Promise.all([
      host({ task: 'My task' }),
      mirrorStatus(places(), 's'),
      host({ blocked: true }),
      host({ tests: 'passed' }),
      mirrorStatus(places(), 's'),
      host({ todos: { done: 1, total: 2 } }),
    ]);
    expect(await told()).toMatchObject({
      ...{ task: 'My task', blocked: true, tests: 'passed', phase: 'p1', todos: { done: 1, total: 2 } },
    });
  });
});

test('long texts are cut, and of many errors the last are kept', async () => {
  const errors = Array.from({ length: 80 }, (_, n) => `e${String(n)}${'x'.repeat(600)}`);
  put({ ...SEED, phase: 'p'.repeat(100), message: 'm'.repeat(9000), errors });
  const { status } = await readStatus(dir);
  expect([status?.phase?.length, status?.message?.length, status?.errors?.length]).toEqual([64, 512, 50]);
  expect(status?.errors?.at(-1)).toMatch(/^e79x+…$/);
});

describe('what a container can put there', () => {
  const secret = (): string => {
    const path = join(dir, 'secret');
    writeFileSync(path, JSON.stringify({ ...SEED, phase: 'secret' }));
    return path;
  };
  test.each<[string, () => void, string]>([
    ['a link', () => symlinkSync(secret(), inside), 'not a regular file'],
    ['a link to nothing', () => symlinkSync('/nowhere/at/all', inside), 'not a regular file'],
    ['a pipe', () => execFileSync('mkfifo', [inside]), 'not a regular file'],
    ['a directory', () => mkdirSync(inside), 'not a regular file'],
    ['a second name of another file', () => linkSync(secret(), inside), 'more than one name'],
    [
      '20 GB of nothing',
      () => {
        put('');
        truncateSync(inside, 20e9);
      },
      'more than 65536 bytes',
    ],
    ['nothing', () => put(''), 'is empty'],
    ['half a document', () => put(JSON.stringify(SEED).slice(0, 60)), 'status.json:1'],
    ['no UTF-8', () => writeFileSync(inside, Buffer.from([0x7b, 0xff, 0x7d])), 'not UTF-8'],
    ['a byte order mark', () => put(`\uFEFF${JSON.stringify(SEED)}`), 'byte order mark'],
    ['30 000 levels', () => put('['.repeat(30_000) + ']'.repeat(30_000)), 'levels deep'],
    ['a key of every object', () => put('{"__proto__":{"status":"done"}}'), 'not allowed'],
    ['a key twice', () => put('{"status":"done","status":"failed"}'), 'is there twice'],
    ['a number that is none', () => put(JSON.stringify(SEED).replace('75', '1e999')), 'too large'],
    ['a list', () => put('[]'), 'object'],
    ['a word that is none', () => put({ ...SEED, status: 'finish' }), 'status'],
    ['a key nobody knows', () => put({ ...SEED, finish: true }), 'finish'],
    ['progress that is negative', () => put({ ...SEED, progress: { current: -1, total: 2 } }), 'current'],
    ['progress beyond its end', () => put({ ...SEED, progress: { current: 3, total: 2 } }), 'beyond its end'],
    [
      'too many services',
      () =>
        put({
          ...SEED,
          services: Object.fromEntries(Array.from({ length: 51 }, (_, n) => [`s${String(n)}`, 'running'])),
        }),
      'services',
    ],
  ])('%s: refused, with a reason', async (_what, make, why) => {
    make();
    const { status, defect } = await readStatus(dir);
    expect(status).toBeUndefined();
    expect(defect).toContain(why);
  });

  test('a file that is replaced and swapped all the time is read whole, or not at all', async () => {
    const other = join(dir, 'out/other');
    const link = join(dir, 'out/link');
    const secretFile = secret();
    let writing = true as boolean;
    const writer = (async () => {
      for (let n = 0; writing; n += 1) {
        writeFileSync(other, JSON.stringify({ ...SEED, seq: n, custom: { pad: 'x'.repeat(n % 3000) } }));
        renameSync(other, inside);
        if (n % 3 === 0) {
          symlinkSync(secretFile, link);
          renameSync(link, inside);
        }
        await new Promise(setImmediate);
      }
    })();
    const seen = { whole: 0, refused: 0 };
    for (let n = 0; n < 1_000; n += 1) {
      const { status, defect } = await readStatus(dir);
      if (status !== undefined) {
        expect(status.phase).toBe('testing');
        seen.whole += 1;
      } else {
        expect(['not a regular file', undefined]).toContain(defect);
        seen.refused += 1;
      }
    }
    writing = false;
    await writer;
    expect(seen.whole).toBeGreaterThan(100);
  });
});
