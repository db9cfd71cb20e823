import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { started } from '../support/conversation.ts';
import { runPara, type EngineCall } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;

beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

const LIST = ['label=para.role=dev'];
interface Row {
  readonly size: Readonly<Record<string, unknown>> & { readonly unknown: unknown };
}

async function sizes(calls: readonly EngineCall[], ...more: string[]): Promise<Row['size'] | undefined> {
  const { stdout, code } = await runPara(repo, ['list', '--size', '--json', ...more], { calls });
  expect(code).toBe(0);
  return (JSON.parse(stdout) as { sessions: readonly Row[] }).sessions[0]?.size;
}

describe.each(['docker', 'podman'] as const)('%s', (which) => {
  test('worktree, state, layer, volumes and logs, as bytes', async () => {
    const talk = await started(repo, which);
    const log = join(repo.base, 'ctr.log');
    writeFileSync(log, Buffer.alloc(100_000, 1));
    const place = which === 'docker' ? { LogPath: log } : { HostConfig: { LogConfig: { Path: log } } };
    const volume = { Type: 'volume', Name: 'v', Source: repo.root, Destination: '/data', RW: true };
    const list = talk.list([{ name: talk.container, state: 'running' }], LIST);
    const told = await sizes([list, talk.sizes({ ...place, SizeRw: 4096, Mounts: [volume] })]);
    expect(told).toMatchObject({ layer_bytes: 4096, unknown: {} });
    expect(told?.['logs_bytes']).toBeGreaterThanOrEqual(100_000);
    for (const key of ['worktree_bytes', 'state_bytes', 'volumes_bytes'])
      expect(told?.[key]).toBeGreaterThan(1_000);
  });

  test('what can not be learned is a word', async () => {
    const talk = await started(repo, which);
    const list = talk.list([{ name: talk.container, state: 'running' }], LIST);
    const volume = { Type: 'volume', Name: 'v', Source: '/nowhere/at/all', Destination: '/data', RW: true };
    expect(await sizes([list, talk.sizes({ Mounts: [volume] })])).toMatchObject({
      ...{ layer_bytes: null, volumes_bytes: null },
      unknown: { layer_bytes: 'not available', volumes_bytes: 'not available', logs_bytes: 'in part' },
    });
  });
});

test('a session without a container; and an engine that is not to be asked', async () => {
  expect((await runPara(repo, 'start plain')).code).toBe(0);
  expect(await sizes([])).toMatchObject({
    ...{ layer_bytes: null, state_bytes: null, unknown: { layer_bytes: 'none', state_bytes: 'none' } },
  });
  await started(repo, 'docker');
  expect(await sizes([], '--no-containers')).toMatchObject({ unknown: { layer_bytes: 'not available' } });
});

test('the table: whose it is, and sizes for people', async () => {
  const talk = await started(repo, 'docker');
  const list = talk.list([{ name: talk.container, state: 'running' }], LIST);
  const { stdout } = await runPara(repo, 'list --size', {
    calls: [list, talk.sizes({ SizeRw: 3 * 2 ** 20 })],
  });
  const [heads, row] = stdout.split('\n').map((line) => line.split(/ {2,}/));
  expect(heads).toEqual([
    ...['SESSION', 'STATUS', 'CONTAINER', 'WORKTREE', 'STATE', 'LAYER', 'VOLUMES', 'LOGS'],
  ]);
  expect(row?.slice(0, 3)).toEqual(['fix', 'active', 'running']);
  expect(row?.slice(5, 7)).toEqual(['3.0 MiB', '-']);
  expect(row?.[7]).toMatch(/^> \d/);
});

test('without --size nothing is counted', async () => {
  expect((await runPara(repo, 'start plain')).code).toBe(0);
  const { stdout } = await runPara(repo, 'list --json');
  expect((JSON.parse(stdout) as { sessions: object[] }).sessions[0]).not.toHaveProperty('size');
});
