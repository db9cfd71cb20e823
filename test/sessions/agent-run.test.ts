import { randomUUID } from 'node:crypto';
import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { agentRecordFile, agentState, readAgentRun, RUN_VARIABLE } from '../../src/sessions/agent-run.ts';

const ID = randomUUID();
let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-run-of-'));
  for (const name of ['cmd', 'logs', 'out']) mkdirSync(join(dir, name));
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

function record(container: string | null, change: object = {}): void {
  const facts = { schema: 1, id: ID, run: 2, command: ['a', '{prompt}'], started_at: 't', container };
  writeFileSync(agentRecordFile(dir), JSON.stringify({ ...facts, ...change }));
}
const put = (name: string, text: string): void => {
  writeFileSync(join(dir, 'logs', name), text);
};
async function state(container?: string): Promise<string> {
  const run = await readAgentRun(dir);
  return run === undefined ? 'none' : agentState(run, dir, container);
}

test.each([
  ['no run', () => undefined],
  ['a record that is none', () => writeFileSync(agentRecordFile(dir), '{')],
  ['a record of another kind', () => record(null, { run: 0 })],
  ['a record with more in it', () => record(null, { more: 1 })],
  ['a directory in its place', () => mkdirSync(agentRecordFile(dir))],
])('%s: there is none', async (_what, make) => {
  make();
  expect(await readAgentRun(dir)).toBeUndefined();
});

describe('the end', () => {
  test('is read with its exit code and time', async () => {
    record('c');
    put('agent-2.pid', '17\n');
    put('agent-2.end', `${ID} 3\n`);
    const run = await readAgentRun(dir);
    expect(run).toMatchObject({ pid: 17, log: join(dir, 'logs/agent-2.log'), end: { exitCode: 3 } });
    expect(Math.abs((run?.end?.at.getTime() ?? 0) - Date.now())).toBeLessThan(60_000);
    expect(await state('running')).toBe('exited');
  });

  test.each([
    ['another run’s', '21111111-1111-4111-8111-111111111111 3\n'],
    ['half of one', `${ID} 3`],
    ['words', `${ID} three\n`],
    ['more than one line', `${ID} 3\n4\n`],
    ['endless', 'x'.repeat(5000)],
  ])('%s does not count', async (_what, text) => {
    record('c');
    put('agent-2.end', text);
    expect((await readAgentRun(dir))?.end).toBeUndefined();
  });

  test('a link in its place is not followed', async () => {
    record('c');
    put('other', `${ID} 3\n`);
    put('pid', '17\n');
    symlinkSync(join(dir, 'logs/other'), join(dir, 'logs/agent-2.end'));
    symlinkSync(join(dir, 'logs/pid'), join(dir, 'logs/agent-2.pid'));
    expect(await readAgentRun(dir)).toMatchObject({ end: undefined, pid: undefined });
  });
});

describe('in a container it', () => {
  beforeEach(() => {
    record('c');
    writeFileSync(join(dir, 'out/ready'), '');
  });
  const started = (seconds: number): void => {
    const at = Date.now() / 1000 + seconds;
    utimesSync(join(dir, 'out/ready'), at, at);
  };

  test.each([
    ['running', -5, 'running'],
    ['paused', -5, 'running'],
    [undefined, -5, 'running'],
    ['exited', -5, 'gone'],
    ['missing', -5, 'gone'],
    // Started anew after the agent.
    ['running', 5, 'gone'],
  ])(
    'is, with a container that is %s and came up %d s before it: %s',
    async (container, seconds, expected) => {
      started(seconds);
      expect(await state(container)).toBe(expected);
    },
  );
});

test('on this machine it runs while a process of it does, whatever pid was written', async () => {
  record(null);
  put('agent-2.pid', `${String(process.pid)}\n`);
  expect(await state()).toBe('gone');
  const child = spawn('sleep', ['60'], {
    env: { [RUN_VARIABLE]: ID, PATH: process.env['PATH'] },
    stdio: 'ignore',
  });
  const ended = new Promise((resolve) => child.on('exit', resolve));
  try {
    // Not before the new program is in place.
    for (let tries = 0; tries < 50 && (await state()) !== 'running'; tries += 1);
    expect(await state()).toBe('running');
  } finally {
    child.kill();
    await ended;
  }
  expect(await state()).toBe('gone');
});
