import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { footprint } from '../support/footprint.ts';
import { started, type Conversation } from '../support/conversation.ts';
import { runPara, type EngineCall, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
let box: Conversation;

beforeAll(async () => {
  repo = tempRepo();
  box = await started(repo, 'docker', 'box');
  for (const name of ['bare', 'done', 'lost', 'torn']) await runPara(repo, `start ${name}`);
  repo.write('.para/worktrees/done/work.txt', 'x');
  await runPara(repo, ['finish', 'Done', 'done']);
  repo.write('.para/worktrees/bare/new.txt', '1\n2\n');
  repo.write('.para/worktrees/bare/a.txt', 'changed\n');
  rmSync(join(repo.root, '.para/worktrees/lost'), { recursive: true });
  writeFileSync(join(repo.root, '.para/state/torn.state'), '{');
  rmSync(join(repo.root, '.para/state/torn.state.prev'));
  const out = join(repo.root, '.para/state/docker/box/out');
  mkdirSync(out, { recursive: true });
  const says = { timestamp: 't', status: 'running', phase: '\u001b[2Jtesting', tests: 'passed' };
  writeFileSync(
    join(out, 'status.json'),
    JSON.stringify({ ...says, progress: { current: 3, total: 4 }, services: { db: 'running' } }),
  );
});
afterAll(() => {
  repo.remove();
});

interface Document {
  readonly ok: boolean;
  readonly remarks: readonly string[];
  readonly sessions: readonly { readonly name: string }[];
}
const asked = (): readonly EngineCall[] => [
  box.list([{ name: box.container, state: 'running' }], ['label=para.role=dev']),
];
const once = (more = '', calls = asked()): Promise<Ran> =>
  runPara(repo, `monitor --once${more}`, { calls, env: { COLUMNS: '80' } });

test('--once: a table no wider than the terminal, from one engine call; nothing is written', async () => {
  const before = footprint(repo);
  const { code, stdout, stderr } = await once();
  expect(stdout.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
    ['SESSION', 'STATUS', '+/-', 'CONTAINER', 'PHASE', 'PROGRESS', 'TESTS'],
    ['bare', '-', '+3/-1', '-', '-', '-', '-'],
    ['box', '-', '+0/-0', 'running', 'testing', '██████░░', '75%', 'passed'],
    ['lost', 'worktree missing', '-', '-', '-', '-', '-'],
    ['torn', 'record unreadable', '+0/-0', '-', '-', '-', '-'],
    ['done', 'review', '-', '-', '-', '-', '-'],
    [''],
  ]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(footprint(repo)).toEqual(before);
});

test('--once --json: one document with all of it', async () => {
  const { code, stdout } = await once(' --json');
  const { ok, remarks, sessions } = JSON.parse(stdout) as Document;
  expect({ code, ok, remarks }).toEqual({ code: 0, ok: true, remarks: [] });
  expect(sessions.find(({ name }) => name === 'box')).toEqual({
    ...{ name: 'box', status: 'active', settle: null, branch: 'para/box', base_ref: 'main' },
    ...{ worktree: box.worktree, created_at: '2026-01-02T03:04:05.000Z', container: 'running' },
    ...{ health: 'starting', health_reason: 'its runner has not been heard of yet', given_up: null },
    box: { network: 'bridge', hardening: 'default', ssh_agent: false, secrets: null },
    ...{ agent: null, lines: { added: 0, removed: 0 }, ports: ['8080->80'] },
    says: {
      ...{ timestamp: 't', status: 'running', phase: '\u001b[2Jtesting', tests: 'passed' },
      ...{ progress: { current: 3, total: 4 }, services: { db: 'running' } },
    },
    ...{ said_at: expect.any(String), defect: null, usage: null },
  });
});

test('an engine that does not answer: the sessions all the same, and a remark', async () => {
  const stderr = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n';
  const ran = await once('', [{ ...asked()[0]!, exitCode: 1, stdout: '', stderr }]);
  expect(ran.stdout).toMatch(/^box .* not asked /m);
  expect(ran.stderr).toContain('its engine does not answer; containers are not shown');
  expect(ran.code).toBe(0);
});

test('without a terminal the live view names what there is', async () => {
  const { code, stderr } = await runPara(repo, 'monitor');
  expect(stderr).toContain('para monitor --once');
  expect(stderr).toContain('para monitor --json');
  expect(code).toBe(2);
});
