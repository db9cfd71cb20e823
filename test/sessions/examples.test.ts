/** The examples of docs/status-protocol.md do what that page says. */
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { cancelQueued, enqueue, findQueued } from '../../src/sessions/queue.ts';
import type { QueuedCommand } from '../../src/sessions/queue-file.ts';
import { readPrinted } from '../../src/sessions/queue-results.ts';
import { readStatus } from '../../src/sessions/status-file.ts';

const EXAMPLES = join(import.meta.dirname, '../../docs/examples');
const AGENTS = [
  [process.execPath, 'agent.mjs'],
  ['python3', 'agent.py'],
].filter(([program = '']) => spawnSync(program, ['--version']).error === undefined);

describe.each(AGENTS)('%s %s', (program, file) => {
  let dir: string;
  let agent: ChildProcess;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), 'para-agent-'));
    for (const name of ['cmd/queue', 'out', 'work']) mkdirSync(join(dir, name), { recursive: true });
  });
  afterEach(async () => {
    const ended = new Promise((resolve) => agent.once('exit', resolve));
    agent.kill('SIGKILL');
    await ended;
    rmSync(dir, { recursive: true });
  });
  const start = (): void => {
    const env = { ...process.env, PARA_STATUS_DIR: join(dir, 'out'), PARA_COMMAND_DIR: join(dir, 'cmd') };
    agent = spawn(program, [join(EXAMPLES, file)], { env, stdio: ['ignore', 'ignore', 'inherit'] });
  };
  const put = (id: string, more: Partial<QueuedCommand>): Promise<QueuedCommand> =>
    enqueue(dir, { id, type: 'exec', working_dir: join(dir, 'work'), ...more });
  async function state(id: string): Promise<unknown> {
    for (let tries = 0; tries < 200; tries += 1) {
      const { state: word, exitCode } = await findQueued(dir, id, true);
      if (word !== 'queued' && word !== 'running') return { state: word, exitCode };
      await sleep(50);
    }
    return 'it did not end';
  }

  test('takes commands, once each, and says what it does', async () => {
    await put('a', { command: 'echo "$A"; pwd >&2; exit 3', env: { A: 'it is' } });
    await put('b', { command: 'printf', args: ['%s', 'a b'] });
    await put('none', { command: 'there-is-no-such-program', args: [] });
    await put('slow', { command: 'sleep', args: ['60'], timeout_seconds: 1 });
    const never = await put('never', { command: 'touch', args: ['made'] });
    await cancelQueued(dir, never);
    start();
    expect(await state('a')).toEqual({ state: 'done', exitCode: 3 });
    expect(await state('b')).toEqual({ state: 'done', exitCode: 0 });
    expect(await state('none')).toEqual({ state: 'done', exitCode: 127 });
    expect(await state('slow')).toEqual({ state: 'timeout', exitCode: 143 });
    expect(await state('never')).toEqual({ state: 'cancelled', exitCode: undefined });
    const printed = await readPrinted(dir, 'a', 100);
    expect([printed.stdout.toString(), printed.stderr.toString()]).toEqual([
      'it is\n',
      `${join(dir, 'work')}\n`,
    ]);
    expect(existsSync(join(dir, 'work/made'))).toBe(false);
    for (let tries = 0; (await readStatus(dir)).status?.phase !== 'waiting'; tries += 1) {
      expect(tries).toBeLessThan(100);
      await sleep(50);
    }
    expect(await readStatus(dir)).toMatchObject({
      defect: undefined,
      status: { progress: { current: 4, total: 4 } },
    });
  });
});
