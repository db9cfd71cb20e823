import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Conversation, WHICH } from '../support/conversation.ts';
import { footprint } from '../support/footprint.ts';
import { detection, OPERATION, runPara } from '../support/run-para.ts';
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
async function ended(run = 1): Promise<void> {
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
const AGENT = {
  command: ['sh', '-c', 'cat "$1"; echo "$2" "$3"', 'sh', '{prompt_file}', '{session}', '{prompt}'],
};

describe('without a container', () => {
  beforeEach(() => {
    settings(AGENT);
  });

  test.each([
    [['dispatch', 'fix', 'do it'], undefined],
    [['dispatch', 'fix', '-p', 'do it'], undefined],
    [['dispatch', 'fix', '-'], 'do it'],
    [['dispatch', 'fix', '-f', 'task.md'], undefined],
    [['dispatch', 'fix', '-p', '-'], 'do it'],
    [['start', 'fix', '-p', 'do it'], undefined],
    [['start', 'fix', '-f', 'task.md'], undefined],
    [['start', 'fix', '--file', '-'], 'do it'],
  ])('%j: the agent gets the prompt', async (line, stdin) => {
    repo.write('task.md', 'do it');
    const { code, stdout, stderr } = await runPara(repo, line, stdin === undefined ? {} : { stdin });
    expect({ code, last: stderr.trimEnd().split('\n').at(-1) }).toEqual({
      code: 0,
      last: '✓ Starting the agent: sh',
    });
    expect(stdout).toContain(`tail -f ${file('logs/agent-1.log')}`);
    await ended();
    expect(read('logs/agent-1.log')).toBe('do itfix do it\n');
    expect(read('logs/agent-1.end')).toBe(`${OPERATION} 0\n`);
  });

  test('--json: session and agent; the record is there and holds no prompt', async () => {
    const { code, stdout, stderr } = await runPara(repo, ['dispatch', 'fix', 'secret plan', '--json']);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    await ended();
    const command = [
      'sh',
      '-c',
      'cat "$1"; echo "$2" "$3"',
      'sh',
      file('cmd/prompt-1.txt'),
      'fix',
      '{prompt}',
    ];
    const agent = { run: 1, pid: Number(read('logs/agent-1.pid')), command, log: file('logs/agent-1.log') };
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, ok: true, session: { name: 'fix' }, agent });
    expect(JSON.parse(read('cmd/agent.json'))).toEqual({
      ...{ schema: 1, id: OPERATION, run: 1, command, container: null },
      started_at: '2026-01-02T03:04:05.000Z',
    });
  });

  test('--dry-run says what would run, and changes nothing', async () => {
    const before = footprint(repo);
    const { code, stdout } = await runPara(repo, ['dispatch', 'fix', 'do it', '--dry-run', '--json']);
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ dry_run: true, agent: { command: AGENT.command } });
    expect(footprint(repo)).toEqual(before);
  });

  test.each([
    [['dispatch', 'fix'], 2, 'there is no prompt'],
    [['dispatch', 'fix', ''], 2, 'the prompt is empty'],
    [['dispatch', 'fix', ' '], 2, 'the prompt is empty'],
    [['dispatch', 'fix', 'a', '-p', 'b'], 2, 'the prompt is given twice'],
    [['dispatch', 'fix', 'a', '-f', 'task.md'], 2, 'the prompt is given twice'],
    [['dispatch', 'fix', '-f', 'nope.md'], 2, 'nope.md can not be read'],
    [['dispatch', 'fix', 'x'.repeat(200_000)], 2, 'too long for a command line'],
    [['dispatch', 'No Name', 'a'], 2, 'name'],
  ])('%.40j is refused before anything is made', async (line, code, says) => {
    const before = footprint(repo);
    const ran = await runPara(repo, line);
    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toContain(says);
    expect(footprint(repo)).toEqual(before);
  });

  test('there is no such program: 127, and the start is undone', async () => {
    settings({ command: ['no-such-agent', '{prompt}'] });
    const { code, stderr } = await runPara(repo, ['dispatch', 'fix', 'do it']);
    expect(code).toBe(127);
    expect(stderr).toContain('✗ there is no no-such-agent on this machine\n');
    expect(existsSync(join(repo.root, '.para/worktrees/fix'))).toBe(false);
    expect(existsSync(join(repo.root, '.para/state/fix.state'))).toBe(false);
    expect(repo.run(['branch', '--list', 'para/*'])).toBe('');
  });

  test('it can not be run: 126', async () => {
    settings({ command: ['./a.txt', '{prompt}'] });
    const { code, stderr } = await runPara(repo, ['dispatch', 'fix', 'do it']);
    expect({ code, stderr }).toMatchObject({
      code: 126,
      stderr: expect.stringContaining('./a.txt can not be run') as unknown,
    });
  });

  test('a start without a prompt starts no agent', async () => {
    expect(await runPara(repo, 'start fix')).toMatchObject({ code: 0 });
    expect(existsSync(file('cmd'))).toBe(false);
  });
});

test.each([
  [undefined, 'no agent is configured'],
  [{ agent: { preset: 'claude' } }, 'what runs on this machine only your own settings may name'],
])('the project’s settings are %j: 5, before anything is made', async (project, says) => {
  if (project !== undefined) repo.write('.para/config.json', JSON.stringify(project));
  const ran = await runPara(repo, ['dispatch', 'fix', 'do it']);
  expect(ran).toMatchObject({ code: 5, stdout: '' });
  expect(ran.stderr).toContain(says);
  expect(existsSync(join(repo.root, '.para/worktrees'))).toBe(false);
});

describe.each(WHICH)('in a container of %s', (which) => {
  const inside = '/run/para';
  const exec = (talk: Conversation) => {
    const words = ['exec', '-w', '/workspace', '-e', `PARA_AGENT_RUN=${OPERATION}`, '--', talk.container];
    const agent = ['mine', `${inside}/cmd/prompt-1.txt`];
    const launch = [
      'launch',
      `${inside}/logs/agent-1`,
      'UUID',
      `${inside}/cmd/prompt-1.txt`,
      '67108864',
      '10',
    ];
    return [talk.engine, ...words, 'sh', `${inside}/cmd/agent.sh`, ...launch, ...agent] as const;
  };
  const starting = (talk: Conversation) => [
    ...[...detection(which), talk.imageThere(), talk.networkThere(), talk.create(), talk.start()],
  ];
  beforeEach(() => {
    repo.write('.para/config.json', JSON.stringify({ agent: { command: ['mine', '{prompt_file}'] } }));
  });

  test('one engine call more; the prompt is not in it', async () => {
    const talk = new Conversation(repo, which);
    const { code, stdout } = await runPara(
      repo,
      ['dispatch', 'fix', 'do it', '-c', '--engine', talk.engine, '--json'],
      {
        calls: [...starting(talk), { argv: exec(talk), stdout: '42\n' }],
      },
    );
    expect(code).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ agent: { run: 1, pid: 42, log: file('logs/agent-1.log') } });
    expect(read('cmd/prompt-1.txt')).toBe('do it');
    expect(JSON.parse(read('cmd/agent.json'))).toMatchObject({ container: talk.container });
  });

  test.each([
    [127, '', 127, 'there is no mine in the container'],
    [126, '', 126, 'mine can not be run in the container'],
    [1, 'sh: no space', 1, 'the agent could not be started in the container: sh: no space'],
  ])('the launcher ends with %d: the start is undone', async (exitCode, said, code, message) => {
    const talk = new Conversation(repo, which);
    const ran = await runPara(repo, ['dispatch', 'fix', 'do it', '-c', '--engine', talk.engine], {
      calls: [...starting(talk), { argv: exec(talk), exitCode, stderr: said }, talk.remove()],
    });
    expect(ran).toMatchObject({ code, stdout: '' });
    expect(ran.stderr).toContain(`✗ ${message}\n`);
    expect(existsSync(file(''))).toBe(false);
  });
});
