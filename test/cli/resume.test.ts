import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { started, WHICH, type Conversation } from '../support/conversation.ts';
import { OPERATION, runPara, type EngineCall } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

const file = (name: string): string => join(repo.root, '.para/state/docker/fix', name);
const read = (name: string): string => readFileSync(file(name), 'utf8');
async function ended(run: number): Promise<void> {
  for (let tries = 0; !existsSync(file(`logs/agent-${String(run)}.end`)); tries += 1) {
    if (tries > 100) throw new Error('the agent did not end');
    await sleep(50);
  }
}
function settings(agent: object): void {
  const home = join(repo.env['HOME'] ?? '', '.config/para');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'config.json'), JSON.stringify({ agent }));
}
const FIRST = { command: ['sh', '-c', 'echo first: "$1"', 'sh', '{prompt}'] };
const BOTH = { ...FIRST, resume_command: ['sh', '-c', 'echo more: "$1"', 'sh', '{prompt}'] };

describe('without a container', () => {
  const worktree = (): string => join(repo.root, '.para/worktrees/fix');
  async function dispatched(): Promise<void> {
    expect(await runPara(repo, ['dispatch', 'fix', 'do it'])).toMatchObject({ code: 0 });
    await ended(1);
  }

  test.each([
    [['resume', 'fix', '-p', 'and tests'], 'more: and tests\n'],
    [['resume', 'fix', '-f', '-'], 'more: from stdin\n'],
    [['resume', 'fix'], 'more: Go on where you stopped.\n'],
  ])('%j: the agent’s follow-up, in a log of its own', async (line, log) => {
    settings(BOTH);
    await dispatched();
    const { code, stdout, stderr } = await runPara(repo, line, { stdin: 'from stdin' });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toContain(file('logs/agent-2.log'));
    await ended(2);
    expect(read('logs/agent-2.log')).toBe(log);
    expect(read('logs/agent-1.log')).toBe('first: do it\n');
    expect((await runPara(repo, 'list')).stdout).toMatch(/^fix .* exit 0 /m);
    const { sessions } = JSON.parse((await runPara(repo, 'list --json')).stdout) as { sessions: object[] };
    const agent = {
      state: 'exited',
      exit_code: 0,
      log: file('logs/agent-2.log'),
      started_at: expect.any(String),
    };
    expect(sessions[0]).toMatchObject({ agent });
  });

  test('another program, or one without a follow-up, starts anew, and needs a prompt', async () => {
    settings(FIRST);
    await dispatched();
    const refused = await runPara(repo, ['resume', 'fix']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toContain('it has no agent.resume_command');
    settings({ ...BOTH, resume_command: ['other', '{prompt}'] });
    expect(await runPara(repo, ['resume', 'fix', '-p', 'x'])).toMatchObject({ code: 0 });
    await ended(2);
    expect(read('logs/agent-2.log')).toBe('first: x\n');
  });

  test('while the agent runs: 10, with its pid and its log; nothing is started', async () => {
    settings({ ...BOTH, command: ['sh', '-c', 'while [ ! -e go ]; do sleep 0.05; done', 'sh', '{prompt}'] });
    await runPara(repo, ['dispatch', 'fix', 'do it']);
    // The worktree is not taken away under it either.
    for (const line of [
      ['finish', 'Done', 'fix'],
      ['cancel', 'fix', '--force'],

      ['resume', 'fix', '-p', 'x'],
      ['resume', 'fix'],
    ]) {
      const ran = await runPara(repo, line);
      expect(ran).toMatchObject({ code: 10, stdout: '' });
      expect(ran.stderr).toMatch(/the agent of fix still runs \(pid \d+\)/);
      expect(ran.stderr).toContain(file('logs/agent-1.log'));
    }
    expect(existsSync(file('logs/agent-2.pid'))).toBe(false);
    expect((await runPara(repo, 'list')).stdout).toMatch(/^fix .* running /m);
    writeFileSync(join(worktree(), 'go'), '');
    await ended(1);
  });

  test('no agent, no prompt: where it is and how to go on', async () => {
    await runPara(repo, ['start', 'fix']);
    const { code, stdout, stderr } = await runPara(repo, ['resume'], { cwd: worktree() });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toBe(
      [
        ...['Session fix', `  worktree  ${worktree()}`, '', `Go there:    cd ${worktree()}`],
        ...['Or an agent: para resume fix -p "What is to be done"'],
        ...['When done:   para finish "What was done" fix', ''],
      ].join('\n'),
    );
    const json = await runPara(repo, ['resume', 'fix', '--json']);
    const facts = { session: 'fix', worktree: worktree(), container: null, agent: null };
    expect(JSON.parse(json.stdout)).toEqual({ schema: 1, ok: true, ...facts });
  });

  test('a session that had no agent gets one with a prompt', async () => {
    settings(BOTH);
    await runPara(repo, ['start', 'fix']);
    expect(await runPara(repo, ['resume', 'fix', '-p', 'x'])).toMatchObject({ code: 0 });
    await ended(1);
    expect(read('logs/agent-1.log')).toBe('first: x\n');
  });

  test.each([
    ['nope', [], 3, 'there is no session nope'],
    ['fix', ['-p', ' '], 2, 'the prompt is empty'],
    ['fix', ['-p', 'x'], 5, 'no agent is configured'],
  ])('%s %j: refused', async (session, more, code, says) => {
    await runPara(repo, ['start', 'fix']);
    const ran = await runPara(repo, ['resume', session, ...more]);
    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toContain(says);
  });

  test('finished, or without its worktree: 10, with the way on', async () => {
    await runPara(repo, ['start', 'fix']);
    await runPara(repo, ['start', 'lost']);
    await runPara(repo, ['finish', 'Done', 'fix']);
    rmSync(join(repo.root, '.para/worktrees/lost'), { recursive: true });
    const finished = await runPara(repo, ['resume', 'fix']);
    expect(finished).toMatchObject({ code: 10, stdout: '' });
    expect(finished.stderr).toContain('para start fix-2 --base para/fix');
    const lost = await runPara(repo, ['resume', 'lost']);
    expect(lost).toMatchObject({ code: 10, stdout: '' });
    expect(lost.stderr).toContain('the worktree of lost is gone');
  });
});

const FIND_INSIDE =
  'for p in /proc/[0-9]*; do if tr "\\0" "\\n" <"$p/environ" 2>/dev/null | grep -qx "$1"; then echo "${p#/proc/}"; exit; fi; done';

describe.each(WHICH)('with a container of %s', (which) => {
  let talk: Conversation;
  beforeEach(async () => {
    talk = await started(repo, which);
  });
  const again = (): EngineCall =>
    talk.wake({
      effect: () => {
        rmSync(file('out/ready'));
        writeFileSync(file('out/ready'), '');
      },
    });

  test.each([
    ['exited', 'started', 'Started the container'],
    ['created', 'started', 'Started the container'],
    ['running', 'ran already', ''],
  ])('%s: %s', async (state, was, says) => {
    const calls = [talk.status(state), ...(state === 'running' ? [] : [again()])];
    const { code, stdout, stderr } = await runPara(repo, ['resume', 'fix', '--json'], { calls });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ container: { name: talk.container, was }, agent: null });
    const spoken = await runPara(repo, ['resume', 'fix'], { calls: [talk.status(state), ...calls.slice(1)] });
    expect(spoken.stderr).toContain(says);
    expect(spoken.stdout).toContain(`container ${talk.container} is running`);
  });

  test('it is gone: 7', async () => {
    const ran = await runPara(repo, ['resume', 'fix'], { calls: [talk.statusGone()] });
    expect(ran).toMatchObject({ code: 7, stdout: '' });
    expect(ran.stderr).toContain('the container of fix is gone');
  });

  test('the agent that was told of is looked for inside, and then told more', async () => {
    repo.write('.para/config.json', JSON.stringify({ agent: BOTH }));
    const logs = '/run/para/logs';
    const agent = (run: number, command: readonly string[]): EngineCall => {
      const words = ['exec', '-w', '/workspace', '-e', `PARA_AGENT_RUN=${OPERATION}`, '--', talk.container];
      const prompt = `/run/para/cmd/prompt-${String(run)}.txt`;
      const launch = ['launch', `${logs}/agent-${String(run)}`, 'UUID', prompt, '67108864', '10', ...command];
      return { argv: [talk.engine, ...words, 'sh', '/run/para/cmd/agent.sh', ...launch], stdout: '42\n' };
    };
    const find = (stdout: string): EngineCall => ({
      argv: [
        ...([talk.engine, 'exec', '-w', '/workspace', '--', talk.container, 'sh', '-c'] as const),
        FIND_INSIDE,
        ...['sh', `PARA_AGENT_RUN=${OPERATION}`],
      ],
      stdout,
    });
    const running = talk.status('running');
    const first = await runPara(repo, ['resume', 'fix', '-p', 'x'], {
      calls: [running, agent(1, FIRST.command)],
    });
    expect(first).toMatchObject({ code: 0 });
    const busy = await runPara(repo, ['resume', 'fix'], { calls: [running, find('17\n')] });
    expect(busy).toMatchObject({ code: 10, stdout: '' });
    expect(busy.stderr).toContain('(pid 17 in the container)');
    expect(busy.stderr).toContain('para docker exec fix -- kill 17');
    const more = await runPara(repo, ['resume', 'fix'], {
      calls: [running, find(''), agent(2, BOTH.resume_command)],
    });
    expect(more).toMatchObject({ code: 0 });
    expect(read('cmd/prompt-2.txt')).toBe('Go on where you stopped.');
  });
});
