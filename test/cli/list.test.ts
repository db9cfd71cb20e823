import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Conversation, started } from '../support/conversation.ts';
import { footprint } from '../support/footprint.ts';
import { runPara, type EngineCall, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
let docker: Conversation;
let gone: Conversation;

/** A session of each kind: with a container, with one that is gone, without, finished, torn apart. */
beforeAll(async () => {
  repo = tempRepo();
  docker = await started(repo, 'docker', 'box');
  gone = await started(repo, 'docker', 'gone');
  for (const name of ['bare', 'done', 'lost', 'torn']) await runPara(repo, `start ${name}`);
  writeFileSync(join(repo.root, '.para/worktrees/done/work.txt'), 'x');
  await runPara(repo, ['finish', 'Done', 'done']);
  rmSync(join(repo.root, '.para/worktrees/lost'), { recursive: true });
  writeFileSync(join(repo.root, '.para/state/torn.state'), '{');
  rmSync(join(repo.root, '.para/state/torn.state.prev'));
  writeFileSync(join(repo.root, '.para/worktrees/bare/new.txt'), 'x');
  writeFileSync(join(repo.root, '.para/worktrees/bare/a.txt'), 'changed');
});
afterAll(() => {
  repo.remove();
});

const list = (more: string, calls: readonly EngineCall[], cwd = repo.root): Promise<Ran> =>
  runPara(repo, `list${more}`, { calls, cwd });
/** What the engine is asked: one call, and one more for what is not in the answer. */
const asked = (): readonly EngineCall[] => [
  docker.list([{ name: docker.container, state: 'running' }], ['label=para.role=dev']),
  gone.statusGone(),
];

test('a row for each session; nothing is written', async () => {
  const before = footprint(repo);
  const { code, stdout, stderr } = await list('', asked());
  expect(code).toBe(0);
  const rows = stdout
    .trimEnd()
    .split('\n')
    .map((line) => line.split(/ {2,}/).slice(0, 7));
  expect(rows).toEqual([
    ['SESSION', 'STATUS', 'BRANCH', 'BASE', 'AHEAD', 'CHANGES', 'CONTAINER'],
    ['bare', 'active', 'para/bare', 'main', '0', '2', '-'],
    ['box', 'active', 'para/box', 'main', '0', '0', 'running'],
    ['gone', 'active', 'para/gone', 'main', '0', '0', 'missing'],
    ['lost', 'worktree missing', 'para/lost', 'main', '0', '-', '-'],
    ['torn', 'record unreadable', 'para/torn', 'main', '0', '0', '-'],
    ['done', 'review', 'para/done', 'main', '1', '-', '-'],
  ]);
  expect(stderr.trimEnd().split('\n')).toEqual([
    '▲ gone: container missing; to mend it: para recover gone',
    '▲ lost: worktree missing; to mend it: para recover lost',
    '▲ torn: record unreadable; to mend it: para recover torn',
  ]);
  expect(footprint(repo)).toEqual(before);
});

test('--json: every field of every row', async () => {
  const { stdout, stderr } = await list(' --json', asked());
  expect(stderr).toBe('');
  const { schema, ok, sessions } = JSON.parse(stdout) as Record<'schema' | 'ok' | 'sessions', unknown>;
  expect({ schema, ok }).toEqual({ schema: 1, ok: true });
  expect((sessions as readonly { name: string }[]).find(({ name }) => name === 'box')).toEqual({
    ...{ name: 'box', status: 'active', branch: 'para/box', base_ref: 'main', ahead: 0, changes: 0 },
    ...{ worktree: docker.worktree, created_at: '2026-01-02T03:04:05.000Z' },
    ...{ container: 'running', health: 'starting', health_reason: 'its runner has not been heard of yet' },
    box: { network: 'bridge', hardening: 'default', ssh_agent: false, secrets: null },
    ...{ given_up: null, agent: null, current: false, settle: null, half_done: null },
  });
});

test('ls is the same; --no-containers asks no engine', async () => {
  const { code, stdout } = await runPara(repo, 'ls --no-containers');
  expect(stdout).toMatch(/^box .* not asked /m);
  expect(code).toBe(0);
});

test('in a worktree, the session one is in', async () => {
  const { stdout } = await list(' --json --no-containers', [], join(gone.worktree, 'dir'));
  const { sessions } = JSON.parse(stdout) as { sessions: { name: string; current: boolean }[] };
  expect(sessions.filter(({ current }) => current).map(({ name }) => name)).toEqual(['gone']);
});

test('an engine that does not answer: the sessions all the same, and a remark', async () => {
  const stderr = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n';
  const calls = asked()
    .slice(0, 1)
    .map((call) => ({ ...call, exitCode: 1, stdout: '', stderr }));
  const ran = await list('', calls);
  expect(ran.code).toBe(0);
  expect(ran.stdout).toMatch(/^box .* not asked /m);
  expect(ran.stderr).toContain(
    '▲ docker is installed, but its engine does not answer; containers are not shown\n',
  );
});

test('-q: names alone', async () => {
  const other = tempRepo();
  try {
    await runPara(other, 'start one');
    await runPara(other, 'start two');
    expect(await runPara(other, 'list -q')).toEqual({ code: 0, stdout: 'one\ntwo\n', stderr: '' });
  } finally {
    other.remove();
  }
});

describe('no sessions', () => {
  test('says how to start one', async () => {
    const empty = tempRepo();
    try {
      expect(await runPara(empty, 'list')).toEqual({
        ...{ code: 0, stderr: '', stdout: 'No sessions here. Start one:  para start NAME\n' },
      });
      expect(JSON.parse((await runPara(empty, 'list --json')).stdout)).toEqual({
        ...{ schema: 1, ok: true, sessions: [] },
      });
    } finally {
      empty.remove();
    }
  });

  test('outside a repository', async () => {
    const { code, stderr } = await list('', [], repo.base);
    expect(stderr).toMatch(/^✗ .*repository/);
    expect(code).toBe(4);
  });
});

test('--all on a narrow terminal: no line is too wide, and what settles each stands below', async () => {
  const own = tempRepo();
  const name = 'a-name-as-long-as-the-names-of-sessions';
  for (const session of [name, 'gone']) await runPara(own, `start ${session}`);
  await runPara(own, 'cancel gone');
  const { stdout } = await runPara(own, 'list --all', { env: { COLUMNS: '80' } });
  const [head = '', ...lines] = stdout.trimEnd().split('\n');
  expect(head).toMatch(/^SESSION +STATUS +BRANCH +BASE +AHEAD +CHANGES +CONTAINER +AGE$/);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(80);
  expect(lines).toContain('  para recover gone   # archived');
  own.remove();
});
