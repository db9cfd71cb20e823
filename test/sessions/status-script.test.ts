/** `para-status` alone, under every shell of this machine that it may meet. */
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readStatus } from '../../src/sessions/status-file.ts';
import { STATUS_SCRIPT } from '../../src/sessions/status-script.ts';

const SHELLS = [['sh'], ['busybox', 'sh']].filter(
  ([shell = '']) => spawnSync(shell, ['-c', ':']).error === undefined,
);

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
