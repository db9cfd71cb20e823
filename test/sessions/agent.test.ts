import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { agentState, readAgentRun } from '../../src/sessions/agent-run.ts';
import { agentStep, startAgent, type AgentJob } from '../../src/sessions/agent.ts';
import type { Site } from '../../src/sessions/site.ts';
import { createRunner } from '../../src/sys/run.ts';

const env = { PATH: process.env['PATH'] };
const context = { env, runner: createRunner({ env }) };
let dir: string;
let site: Site;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'para-site-'));
  site = { session: 'fix', worktree: dir, stateDir: join(dir, 'state'), container: undefined };
});
afterEach(() => {
  rmSync(dir, { recursive: true });
});

const job = (script: string): AgentJob => ({
  ...{ command: ['sh', '-c', script, 'sh', '{prompt}'], prompt: 'p', id: randomUUID() },
  now: new Date(0),
});
const log = (run: number): string => join(dir, `state/logs/agent-${String(run)}.log`);
async function state(): Promise<string> {
  const run = await readAgentRun(site.stateDir);
  return run === undefined ? 'none' : agentState(run, site.stateDir, undefined);
}
async function until(wanted: string): Promise<void> {
  for (let tries = 0; (await state()) !== wanted; tries += 1) {
    if (tries > 100) throw new Error(`it is ${await state()}, not ${wanted}`);
    await sleep(50);
  }
}

test('every run has files of its own', async () => {
  for (const run of [1, 2]) {
    expect(await startAgent(context, site, job(`echo ${String(run)}`))).toMatchObject({ run, log: log(run) });
    await until('exited');
  }
  expect([1, 2].map((run) => readFileSync(log(run), 'utf8'))).toEqual(['1\n', '2\n']);
});

test('undoing the step tells an agent that runs to end, and waits for nothing', async () => {
  const step = agentStep(
    context,
    site,
    job('trap "echo told; exit 9" TERM; echo up; while :; do sleep 0.05; done'),
    () => undefined,
  );
  await step.run(undefined, () => undefined);
  for (let tries = 0; tries < 100 && !(existsSync(log(1)) && readFileSync(log(1), 'utf8') !== ''); tries += 1)
    await sleep(20);
  expect(await state()).toBe('running');
  await step.undo?.(undefined, []);
  await until('exited');
  expect(readFileSync(log(1), 'utf8')).toBe('up\ntold\n');
  expect((await readAgentRun(site.stateDir))?.end?.exitCode).toBe(9);
});

test('undoing the step without an agent does nothing', async () => {
  const step = agentStep(context, site, job(''), () => undefined);
  await step.undo?.(undefined, []);
  expect(await state()).toBe('none');
});
