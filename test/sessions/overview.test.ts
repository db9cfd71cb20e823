import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { ContainerRow } from '../../src/docker/driver.ts';
import type { DockerService } from '../../src/docker/service.ts';
import { ParaError } from '../../src/errors.ts';
import type { Git } from '../../src/git/git.ts';
import { openRepository, type Repository } from '../../src/git/repository.ts';
import { addDetached } from '../../src/git/worktree-lock.ts';
import { addWorktree, moveToBranch } from '../../src/git/worktrees.ts';
import { watchSessions, type Overview } from '../../src/sessions/overview.ts';
import { placesOf, saveRecord, type SessionRecord } from '../../src/sessions/store.ts';
import { writeStatus } from '../../src/sessions/status-file.ts';
import { sessionRecord } from '../support/record.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let temp: TempRepo;
let repo: Repository;
let gitCalls = 0;
beforeAll(async () => {
  temp = tempRepo();
  repo = await openRepository(counting(temp.git), temp.root);
  for (const name of ['a', 'b', 'c'])
    await addWorktree({ repo, path: places().worktree(name), branch: `para/${name}`, base: head() });
  for (const name of ['a', 'b', 'c']) await saveRecord(places(), record(name));
  for (const one of ['cmd', 'out']) mkdirSync(join(places().docker('a'), one), { recursive: true });
});
afterAll(() => {
  temp.remove();
});

const head = (): string => repo.headCommit ?? '';
const places = (): ReturnType<typeof placesOf> => placesOf(temp.root);
const CONTAINER = {
  ...{ name: 'para-x-a', engine: 'docker', binary: '/bin/docker', endpoint: 'local', image: 'i' },
  ...{ image_source: 'flag', network: 'none', hardening: 'default', git: 'off' },
} as NonNullable<SessionRecord['container']>;
const record = (name: string): SessionRecord =>
  sessionRecord(temp.root, name, { base: head(), container: name === 'a' ? CONTAINER : null });

/** The real one, counted. */
function counting(git: Git): Git {
  const count = <T>(made: T): T => {
    gitCalls += 1;
    return made;
  };
  return {
    ...git,
    text: (call) => count(git.text(call)),
    bytes: (call) => count(git.bytes(call)),
    attempt: (call) => count(git.attempt(call)),
  };
}

/** An engine that says what it is told to say. */
let answer: () => Promise<readonly ContainerRow[]>;
let engineCalls = 0;
let time = 0;
beforeEach(() => {
  time = Date.parse('2026-01-02T00:00:00Z');
  answer = () => Promise.resolve([row('running')]);
  [engineCalls, gitCalls] = [0, 0];
});
const row = (state: ContainerRow['state']): ContainerRow => ({
  ...{ id: 'i', name: 'para-x-a', image: 'i', state, status: 'Up 2 seconds (healthy)' },
  ports: [
    { hostIp: '127.0.0.1', hostPort: 8080, containerPort: 80, protocol: 'tcp' },
    { hostIp: '::', hostPort: 53, containerPort: 53, protocol: 'udp' },
  ],
});
function watch(): (how?: { counts?: number; patienceMs?: number }) => Promise<Overview> {
  const list = (): Promise<readonly ContainerRow[]> => {
    engineCalls += 1;
    return answer();
  };
  const look = watchSessions({
    cwd: temp.root,
    repository: () => Promise.resolve(repo),
    dockerFor: () => Promise.resolve({ list } as unknown as DockerService),
    engine: () => Promise.reject(new Error('not asked')),
    now: () => new Date(time),
  });
  return ({ counts = 9, patienceMs = 5_000 } = {}) => look({ counts, patienceMs });
}

test('what does not change costs one engine call a look, and no git', async () => {
  const look = watch();
  const first = await look();
  expect(first.sessions.map(({ name, lines }) => [name, lines])).toEqual(
    ['a', 'b', 'c'].map((name) => [name, { added: 0, removed: 0 }]),
  );
  expect(first.sessions[0]).toMatchObject({ container: 'running', health: 'healthy' });
  expect(first.sessions[0]?.ports).toEqual(['8080->80', '[::]:53->53/udp']);
  [gitCalls, engineCalls] = [0, 0];
  for (let n = 0; n < 5; n += 1) {
    time += 2_000;
    expect(await look()).toEqual(first);
  }
  expect({ gitCalls, engineCalls }).toEqual({ gitCalls: 0, engineCalls: 5 });
});

test('lines are counted again where something changed, not at once, and not everywhere at once', async () => {
  const look = watch();
  const counted = async (counts: number): Promise<readonly (number | undefined)[]> =>
    (await look({ counts })).sessions.map(({ lines }) => lines?.added);
  expect(await counted(2)).toEqual([0, 0, undefined]);
  expect(await counted(2)).toEqual([0, 0, 0]);
  temp.write('.para/worktrees/b/new.txt', '1\n2\n3\n');
  time += 5_000;
  expect(await counted(2)).toEqual([0, 0, 0]);
  time += 6_000;
  gitCalls = 0;
  expect(await counted(2)).toEqual([0, 3, 0]);
  expect(gitCalls).toBeLessThanOrEqual(3);
  // Nothing tells of a change in place: it is seen in time all the same.
  temp.write('.para/worktrees/c/a.txt', 'two\n');
  time += 299_000;
  expect(await counted(9)).toEqual([0, 3, 1]);
});

test('what git does is seen where its directory for the worktree has another name', async () => {
  const [before, path] = [places().worktree('warm--01234567'), places().worktree('w')];
  await addDetached({ repo, path: before, base: head() }, 'kept');
  await moveToBranch(before, { repo, path, branch: 'para/w', base: head() });
  const taken = { ...CONTAINER, name: 'para-x-w', warm: 'warm--01234567' };
  await saveRecord(places(), sessionRecord(temp.root, 'w', { base: head(), container: taken }));
  for (const one of ['cmd', 'out']) mkdirSync(join(places().docker('w'), one), { recursive: true });
  const look = watch();
  const shown = async (): Promise<Overview['sessions'][number] | undefined> =>
    (await look()).sessions.find(({ name }) => name === 'w');
  expect(await shown()).toMatchObject({ lines: { added: 0 }, status: 'active' });
  temp.write('.para/worktrees/w/a.txt', 'one\nmore\n');
  temp.run(['-C', path, 'commit', '-qam', 'more']);
  writeFileSync(join(repo.commonDir, 'worktrees/warm--01234567/MERGE_HEAD'), `${head()}\n`);
  time += 11_000;
  expect(await shown()).toMatchObject({ lines: { added: 1 }, status: 'merging' });
  temp.run(['worktree', 'remove', '-f', '-f', path]);
  await rm(places().record('w'));
});

test('what a session says is there at the next look', async () => {
  const look = watch();
  await look();
  await writeStatus(places().docker('b'), { timestamp: 't', status: 'running', phase: 'building' });
  expect((await look()).sessions[1]?.says).toMatchObject({ phase: 'building' });
});

test('what it said before stays when its file is broken, and why that can not be taken', async () => {
  const look = watch();
  const said = async (): Promise<unknown> => {
    const { says, said_at, defect } = (await look()).sessions[0] ?? {};
    return { phase: says?.phase, said_at, defect };
  };
  const out = join(places().docker('a'), 'out/status.json');
  const write = (text: string, seconds: number): void => {
    writeFileSync(out, text);
    utimesSync(out, seconds, seconds);
  };
  write('{"timestamp":"t","status":"running","phase":"testing"}', 1_000);
  const good = { phase: 'testing', said_at: '1970-01-01T00:16:40.000Z' };
  expect(await said()).toEqual({ ...good, defect: null });
  write('{"timestamp":"t","sta', 2_000);
  expect(await said()).toEqual({ ...good, defect: expect.any(String) });
  // Nor does what the host has said before that come back.
  await writeStatus(places().docker('a'), { timestamp: 't', status: 'running', phase: 'host' });
  utimesSync(join(places().docker('a'), 'status.json'), 500, 500);
  expect(await said()).toEqual({ ...good, defect: expect.any(String) });
  write('{"timestamp":"t","status":"running","phase":"review"}', 3_000);
  expect(await said()).toMatchObject({ phase: 'review', defect: null });
  for (const file of [out, join(places().docker('a'), 'status.json')]) rmSync(file);
  expect(await said()).toEqual({ phase: undefined, said_at: null, defect: null });
});

test('a session that came, and one whose worktree went', async () => {
  const look = watch();
  await look();
  const path = places().worktree('d');
  await addWorktree({ repo, path, branch: 'para/d', base: head() });
  await saveRecord(places(), record('d'));
  expect((await look()).sessions.map(({ name }) => name)).toEqual(['a', 'b', 'c', 'd']);
  rmSync(path, { recursive: true });
  expect((await look()).sessions[3]).toMatchObject({
    ...{ status: 'worktree missing', settle: 'para recover d' },
  });
});

test('an engine that hangs holds nothing up, and is not asked twice at once', async () => {
  const look = watch();
  await look();
  let say: (rows: readonly ContainerRow[]) => void = () => undefined;
  answer = () => new Promise((resolve) => (say = resolve));
  engineCalls = 0;
  for (let n = 0; n < 3; n += 1) {
    const { sessions, remarks } = await look({ patienceMs: 1 });
    expect(sessions[0]?.container).toBe('running');
    expect(remarks).toEqual(['docker does not answer; its containers are shown as they were']);
  }
  expect(engineCalls).toBe(1);
  say([row('exited')]);
  answer = () => Promise.resolve([row('exited')]);
  expect((await look()).sessions[0]?.container).toBe('exited');
});

test('an engine that fails is said, and asked again', async () => {
  const look = watch();
  answer = () => Promise.reject(new ParaError('DAEMON_NOT_AVAILABLE', 'docker is away'));
  const { sessions, remarks } = await look();
  expect(sessions[0]?.container).toBe('not asked');
  expect(remarks).toEqual(['docker is away; containers are not shown']);
  answer = () => Promise.resolve([]);
  expect((await look()).sessions[0]).toMatchObject({ container: 'missing', settle: 'para recover a' });
});
