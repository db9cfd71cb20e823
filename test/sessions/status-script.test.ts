/** `para-status` alone, under every shell of this machine that it may meet. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readStatus } from '../../src/sessions/status-file.ts';
import { STATUS_SCRIPT } from '../../src/sessions/status-script.ts';

const SHELLS = [['sh'], ['busybox', 'sh']].filter(
  ([shell = '']) => spawnSync(shell, ['-c', ':']).error === undefined,
);

const pathOf = (program: string): string =>
  spawnSync('sh', ['-c', `command -v ${program}`], { encoding: 'utf8' }).stdout.trim();

describe.each(SHELLS.map((shell) => [shell.join(' '), shell] as const))('%s', (_name, shell) => {
  let dir: string;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'para-status-'));
    mkdirSync(join(dir, 'out'));
    writeFileSync(join(dir, 'para-status'), STATUS_SCRIPT);
  });
  afterEach(() => {
    rmSync(dir, { recursive: true });
  });
  const env = (): NodeJS.ProcessEnv => ({ ...process.env, PARA_STATUS_DIR: join(dir, 'out') });
  const [program = 'sh', ...more] = shell;
  const say = (...args: string[]): { code: number | null; stderr: string } => {
    const { status, stderr } = spawnSync(program, [...more, join(dir, 'para-status'), ...args], {
      encoding: 'utf8',
      env: env(),
    });
    return { code: status, stderr };
  };
  const told = async (): Promise<unknown> => {
    const { status, defect } = await readStatus(dir);
    expect(defect).toBeUndefined();
    return status;
  };

  test('says all of it, and keeps what is not named', async () => {
    const first = ['--phase', 'testing', '--progress', '75/100', '--message', 'Half "way" \\ there\n\tünï'];
    expect(say(...first)).toEqual({ code: 0, stderr: '' });
    const second = [
      '--tests',
      'passed',
      '--todos=3/7',
      '--blocked',
      '--service',
      'db=running',
      '--service=web=failed',
    ];
    expect(
      say(...second, '--error', 'one', '--error', 't"wo', '--warning', '', '--health', 'healthy'),
    ).toEqual({
      ...{ code: 0, stderr: '' },
    });
    const message = 'Half "way" \\ there  ünï';
    expect(await told()).toEqual({
      ...{ v: 1, seq: 2, timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/) },
      ...{ status: 'running', phase: 'testing', message, progress: { current: 75, total: 100, message } },
      ...{ tests: 'passed', todos: { done: 3, total: 7 }, blocked: true, health: 'healthy' },
      ...{ services: { db: 'running', web: 'failed' }, errors: ['one', 't"wo'], warnings: [''] },
    });
    expect(say('--clear', '--status', 'done', '--no-blocked').code).toBe(0);
    expect(await told()).toMatchObject({ seq: 3, status: 'done', blocked: false });
    expect(await told()).not.toHaveProperty('phase');
  });

  test.each([
    [['--progress', '3/2'], 'there are only 2'],
    [['--progress', '3'], '3 is not N/M'],
    [['--todos', '007/010'], '007/010 is not N/M'],
    [['--tests', 'green'], '--tests green: one of passed failed running unknown'],
    [['--service', 'db'], '--service db is not NAME=STATE'],
    [['--service', 'a b=running'], 'is not NAME=STATE'],
    [['--service', `${'a'.repeat(65)}=running`], 'that name is too long'],
    [['--phase'], '--phase needs a value'],
    [['--nonsense', 'x'], '--nonsense is no option'],
    [['word'], 'word is no option'],
  ])('%j: 2, and why', async (args, why) => {
    const { code, stderr } = say(...args);
    expect(stderr).toContain(why);
    expect(code).toBe(2);
    expect((await readStatus(dir)).defect).toBeUndefined();
    // Nothing is in the way of the next one.
    expect(say('--phase', 'next').code).toBe(0);
  });

  test('however much is said, what is written is taken: the last errors, and the beginning of each', async () => {
    const long = (n: number): string => `${String(n)} ${'"\\é€😀'.repeat(9_000)}`;
    for (let n = 0; n < 30; n += 1) {
      expect(say('--error', long(n), '--warning', 'w'.repeat(100_000), '--message', long(n)).code).toBe(0);
      const { errors, message } = (await told()) as { errors: readonly string[]; message: string };
      expect(errors.length).toBeGreaterThan(Math.min(n, 9));
      for (const text of [errors.at(-1) ?? '', message])
        expect(text.slice(0, 500)).toBe(long(n).slice(0, 500));
    }
    expect(statSync(join(dir, 'out/status.json')).size).toBeLessThanOrEqual(65_536);
  });

  test('of services there are 50', async () => {
    const all = Array.from({ length: 50 }, (_, n) => [`--service`, `s${String(n)}=running`]).flat();
    expect(say(...all).code).toBe(0);
    expect(say('--service', 'more=running')).toMatchObject({
      ...{ code: 2, stderr: 'para-status: --service more: there are 50 already\n' },
    });
    expect(say('--service', 's7=failed').code).toBe(0);
    expect(await told()).toMatchObject({ services: { s0: 'running', s7: 'failed' } });
  });

  /** Bytes, as printf(1) writes them; what comes of them with iconv, and without. */
  const BYTES: readonly (readonly [string, string, string, string])[] = [
    ['a byte that begins nothing', 'a\\377\\303\\251b', 'aéb', 'ab'],
    ['a character that is not whole', 'a\\342\\202', 'a', 'a'],
    ['half of a pair', 'a\\355\\240\\200b', 'ab', 'ab'],
    ['more bytes than are needed', 'a\\300\\257\\340\\200\\257b', 'ab', 'ab'],
    ['more than Unicode has', 'a\\364\\220\\200\\200b', 'ab', 'ab'],
    ['a character within another one', 'a\\340\\303\\251\\240\\200b', 'aéb', 'ab'],
    [
      'all kinds of characters',
      '\\302\\200\\337\\277\\340\\240\\200\\355\\237\\277\\357\\277\\277\\360\\220\\200\\200\\364\\217\\277\\277',
      '\u0080\u07ff\u0800\ud7ff\uffff\u{10000}\u{10ffff}',
      '\u0080\u07ff\u0800\ud7ff\uffff\u{10000}\u{10ffff}',
    ],
  ];
  /** A directory with nothing but what the script says that it needs. */
  function bare(): string {
    const path = join(dir, 'bin');
    mkdirSync(path);
    const programs = ['tr', 'sed', 'tail', 'wc', 'date', 'mv', 'mkdir', 'rm'];
    for (const name of programs) {
      symlinkSync(pathOf(program === 'busybox' ? program : name), join(path, name));
    }
    return path;
  }
  describe.each([['with iconv'], ['without it']])('%s', (how) => {
    test.each(BYTES)('%s: the rest is kept', async (_what, bytes, kept, ascii) => {
      const path = how === 'with iconv' ? undefined : bare();
      const script = 'exec "$0" "$@" --error "$(printf "$BYTES")"';
      const { status, stderr } = spawnSync(
        '/bin/sh',
        ['-c', script, pathOf(program), ...more, join(dir, 'para-status')],
        {
          encoding: 'utf8',
          env: { ...env(), BYTES: bytes, ...(path === undefined ? {} : { PATH: path }) },
        },
      );
      expect([status, stderr]).toEqual([0, '']);
      expect(await told()).toMatchObject({ errors: [path === undefined ? kept : ascii] });
    });
  });

  test('many at once: each is heard, and what is read is whole', async () => {
    const all = Array.from({ length: 12 }, (_, n) => {
      const child = spawn(
        program,
        [...more, join(dir, 'para-status'), '--service', `s${String(n)}=running`],
        {
          env: env(),
          stdio: 'inherit',
        },
      );
      return new Promise<number | null>((resolve) => child.once('exit', resolve));
    });
    expect(await Promise.all(all)).toEqual(all.map(() => 0));
    const { services } = (await told()) as { services: object };
    expect(Object.keys(services)).toHaveLength(12);
  });
});
