import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DEFAULTS, type Config } from '../../src/config/defaults.ts';
import type { DockerService } from '../../src/docker/service.ts';
import { ParaError } from '../../src/errors.ts';
import { openRepository, type Repository } from '../../src/git/repository.ts';
import { readHealth } from '../../src/sessions/health-file.ts';
import { newOperation } from '../../src/sessions/operation.ts';
import { lockSession, placesOf, saveRecord, type SessionRecord } from '../../src/sessions/store.ts';
import { superviseSessions, type SuperviseContext, type Watch } from '../../src/sessions/supervise.ts';
import type { Cancellation } from '../../src/sys/cancel.ts';
import { createRunner } from '../../src/sys/run.ts';
import { OneContainer } from '../support/one-container.ts';
import { sessionRecord } from '../support/record.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let temp: TempRepo;
let repo: Repository;
let engine: OneContainer;
let time: number;
let look: (waits?: boolean) => Promise<Watch>;
const unattended = {
  ...DEFAULTS,
  docker: { ...DEFAULTS.docker, auto_recovery: { ...DEFAULTS.docker.auto_recovery, enabled: false } },
};
let config: () => Promise<{ config: Config; own: Config }>;
let cancellation: Pick<Cancellation, 'shield'> & { requested: boolean };

beforeAll(async () => {
  temp = tempRepo();
  repo = await openRepository(temp.git, temp.root);
});
afterAll(() => {
  temp.remove();
});
beforeEach(async () => {
  time = Date.parse('2026-01-02T00:00:00Z');
  engine = new OneContainer();
  config = () => Promise.resolve({ config: DEFAULTS, own: DEFAULTS });
  cancellation = { requested: false, shield: (_ms, work) => work() };
  mkdirSync(join(places().docker('s'), 'out'), { recursive: true });
  mkdirSync(places().worktree('s'), { recursive: true });
  await save();
  look = watching();
});
afterEach(() => {
  rmSync(join(temp.root, '.para'), { recursive: true });
});

const places = (): ReturnType<typeof placesOf> => placesOf(temp.root);
const CHECK = {
  ...{ command: 'well', interval_seconds: 10, timeout_seconds: 2, retries: 2, start_period_seconds: 0 },
};
const made = (check?: typeof CHECK): NonNullable<SessionRecord['container']> => ({
  ...{ name: 'c', engine: 'docker', binary: '/bin/docker', endpoint: 'local', image: 'i' },
  ...{ image_source: 'flag', network: 'none', hardening: 'default', git: 'off' },
  made_with: {
    ...{ env: {}, ports: [], volumes: [], cpus: 1, memory_bytes: 1, pids: 1 },
    ...(check === undefined ? {} : { health_check: check }),
  },
});
function save(change: Partial<SessionRecord> = {}, check?: typeof CHECK): Promise<void> {
  return saveRecord(places(), sessionRecord(temp.root, 's', { container: made(check), ...change }));
}
function watching(only?: string): typeof look {
  const context: SuperviseContext = {
    ...{ cwd: temp.root, home: temp.base, env: {}, runner: createRunner({ env: {} }) },
    repository: () => Promise.resolve(repo),
    config: () => config(),
    dockerFor: () => Promise.resolve(engine as unknown as DockerService),
    cancellation,
    now: () => new Date(time),
  };
  const supervise = superviseSessions(context, only);
  return (waits = true) => supervise({ patienceMs: 5_000, waits });
}
const said = (watch: Watch): string[] => watch.events.map(({ text }) => text);
const pass = (seconds: number): void => void (time += seconds * 1000);

test('well: one call a look, and nothing is written', async () => {
  engine.health = 'healthy';
  expect(await look()).toEqual({
    sessions: [
      {
        ...{
          session: 's',
          container: 'running',
          health: 'healthy',
          health_reason: 'its health check passes',
        },
        ...{ given_up: null, restarts: 0, next_restart: null },
      },
    ],
    ...{ events: [], remarks: [] },
  });
  await look();
  expect(engine.calls).toEqual(['ps', 'ps']);
  expect(() => readFileSync(join(places().docker('s'), 'health.json'))).toThrow('ENOENT');
});

test('died: restarted, each time later, then given up with its last lines, until it is well', async () => {
  engine.die();
  expect(said(await look())).toEqual([
    'dead: it ended with exit code 137',
    'restarted (1 of 3): it ended with exit code 137',
  ]);
  engine.die();
  const waits = await look();
  expect(waits).toMatchObject({
    events: [],
    sessions: [{ restarts: 1, next_restart: '2026-01-02T00:00:10.000Z' }],
  });
  pass(10);
  expect(said(await look())).toEqual(['restarted (2 of 3): it ended with exit code 137']);
  engine.die();
  pass(20);
  expect(said(await look())).toEqual(['restarted (3 of 3): it ended with exit code 137']);
  engine.die();
  pass(1);
  const over = await look();
  const reason = 'it ended with exit code 137, and it was restarted 3 times within 600 s';
  expect(said(over)).toEqual([`given up: ${reason}; to go on: para docker start s`]);
  expect(over.sessions[0]?.given_up).toEqual({ at: '2026-01-02T00:00:31.000Z', reason, log: ['one', 'two'] });
  pass(10_000);
  expect((await look()).events).toEqual([]);
  Object.assign(engine, { state: 'running', health: 'healthy' });
  expect((await look()).sessions[0]).toMatchObject({ given_up: null });
  expect((await readHealth(places().docker('s'))).given_up).toBeNull();
});

test('for other programs: a registry of all, and how each is', async () => {
  await look();
  const json = (path: string): unknown =>
    JSON.parse(readFileSync(join(places().state, 'docker', path), 'utf8'));
  expect(json('shared/registry.json')).toMatchObject({
    containers: [{ session: 's', name: 'c', container_id: 'i', status: 'running' }],
  });
  const metrics = { session: 's', container: 'running', health: 'starting', restarts: 0, given_up: false };
  expect(json('s/metrics.json')).toMatchObject({ ...metrics, changed_at: '2026-01-02T00:00:00.000Z' });
  pass(5);
  await look();
  expect(json('s/metrics.json')).toMatchObject({ changed_at: '2026-01-02T00:00:00.000Z' });
  engine.health = 'healthy';
  await look();
  expect(json('s/metrics.json')).toMatchObject({ health: 'healthy', changed_at: '2026-01-02T00:00:05.000Z' });
});

test('its memory was used up: said wherever it is told, with what lets it have more; asked once for each death', async () => {
  const asked = (): number => engine.calls.filter((call) => call === 'inspect c').length;
  const reason = 'it had used up its 64 MiB of memory';
  for (const nth of ['1', '2', '3']) {
    engine.die(true);
    const { events, sessions } = await look();
    expect(events.at(-1)?.text).toBe(`restarted (${nth} of 3): ${reason}`);
    expect(sessions[0]).toMatchObject({ container: 'running', restarts: Number(nth) });
    pass(40);
  }
  expect(asked()).toBe(3);
  engine.die(true);
  const over = await look();
  const why = `${reason}, and it was restarted 3 times within 600 s (to let it have more: para docker update s --memory 128m)`;
  expect(said(over)).toEqual([`given up: ${why}; to go on: para docker start s`]);
  const told = { container: 'oom-killed', health: 'dead', health_reason: reason };
  expect(over.sessions[0]).toMatchObject({ ...told, given_up: { reason: why } });
  const metrics = readFileSync(join(places().docker('s'), 'metrics.json'), 'utf8');
  expect(JSON.parse(metrics)).toMatchObject({ ...told, given_up: true });
  await look();
  await look();
  expect(asked()).toBe(4);
});

test('killed by somebody after it was restarted for want of memory: no word of memory', async () => {
  engine.die(true);
  await look();
  engine.die();
  pass(40);
  expect(said(await look()).at(-1)).toBe('restarted (2 of 3): it ended with exit code 137');
});

test('an engine that can not tell now of what it died is asked again', async () => {
  engine.die(true);
  config = () => Promise.resolve({ config: unattended, own: unattended });
  engine.inspected = () => Promise.reject(new ParaError('DAEMON_NOT_AVAILABLE', 'docker is away'));
  expect((await look()).sessions[0]).toMatchObject({ health_reason: 'it ended with exit code 137' });
  engine.inspected = () => Promise.resolve();
  expect((await look()).sessions[0]).toMatchObject({ health_reason: 'it had used up its 64 MiB of memory' });
});

test('where containers are not to be restarted they are watched all the same', async () => {
  config = () => Promise.resolve({ config: unattended, own: unattended });
  engine.healthDriver = 'para';
  engine.checked = () => Promise.resolve({ exitCode: 1, stdout: '', stderr: 'no route' });
  await save({}, CHECK);
  await look();
  pass(15);
  expect(said(await look())).toEqual(['unhealthy: its health check failed 2 times: no route']);
  const json = (path: string): unknown =>
    JSON.parse(readFileSync(join(places().state, 'docker', path), 'utf8'));
  expect(json('s/metrics.json')).toMatchObject({ health: 'unhealthy', restarts: 0, next_restart: null });
  expect(json('shared/registry.json')).toMatchObject({ containers: [{ session: 's' }] });
  engine.die();
  for (let n = 0; n < 9; n += 1) {
    pass(600);
    await look();
  }
  expect(engine.calls).not.toContain('start');
  expect((await readHealth(places().docker('s'))).given_up).toBeNull();
});

test('one that was restarted is registered, and shown as it is now', async () => {
  engine.die();
  // Its runner was heard of last a minute ago.
  const ready = join(places().docker('s'), 'out/ready');
  writeFileSync(ready, '');
  utimesSync(ready, time / 1000 - 60, time / 1000 - 60);
  const { sessions } = await look();
  const now = { container: 'running', health: 'starting', restarts: 1 };
  expect(sessions).toMatchObject([
    { session: 's', ...now, health_reason: 'its runner has not been heard of yet' },
  ]);
  const json = (path: string): unknown =>
    JSON.parse(readFileSync(join(places().state, 'docker', path), 'utf8'));
  expect(json('s/metrics.json')).toMatchObject(now);
  const entry = { session: 's', status: 'running', started_at: '2026-01-02T00:00:01Z' };
  expect(json('shared/registry.json')).toMatchObject({ containers: [entry] });
  // Its engine's list has no word of when.
  await look();
  expect(json('shared/registry.json')).toMatchObject({ containers: [entry] });
});

test('one that is watched alone is registered as well', async () => {
  engine.die();
  look = watching('s');
  await look();
  const registry = readFileSync(join(places().state, 'docker/shared/registry.json'), 'utf8');
  expect(JSON.parse(registry)).toMatchObject({ containers: [{ started_at: '2026-01-02T00:00:01Z' }] });
});

test('another watcher goes on where one stopped', async () => {
  engine.die();
  await look();
  engine.die();
  look = watching();
  expect((await look()).sessions[0]).toMatchObject({ restarts: 1, next_restart: '2026-01-02T00:00:10.000Z' });
});

test.each<readonly [string, Partial<SessionRecord>, number]>([
  ['stopped with para', { container: { ...made(), wanted: 'stopped' } }, 137],
  ['stopped with the engine', {}, 0],
  ['finished', { status: 'review' }, 137],
  ['half done', { status: 'finishing' }, 137],
])('%s: left alone', async (_what, change, exitCode) => {
  await save(change);
  Object.assign(engine, { state: 'exited', exitCode });
  expect((await look()).events).toEqual([]);
  expect(engine.calls).not.toContain('start');
});

test('an operation is under way, or a para holds the session: it is not waited for', async () => {
  engine.die();
  await save({ operation: await newOperation('finish', { id: 'x', at: new Date(0) }) });
  expect((await look()).events).toEqual([]);
  await save();
  await lockSession(places(), 's', 'works', async () => {
    expect(said(await look())).toEqual(['dead: it ended with exit code 137']);
  });
  expect(engine.calls).not.toContain('start');
  expect(said(await look())).toEqual(['restarted (1 of 3): it ended with exit code 137']);
});

test('the worktree is gone: nothing is started', async () => {
  engine.die();
  rmSync(places().worktree('s'), { recursive: true });
  await look();
  expect(engine.calls).toEqual(['ps', 'inspect c']);
});

test.each(['DAEMON_NOT_AVAILABLE', 'DEADLINE', 'ENGINE_OUTPUT_UNREADABLE'] as const)(
  'an engine that fails between two calls (%s): said, the others are watched on, and it is tried again',
  async (code) => {
    engine.die();
    mkdirSync(join(places().docker('t'), 'out'), { recursive: true });
    const other = { ...made(), name: 'other' };
    await saveRecord(places(), sessionRecord(temp.root, 't', { container: other }));
    engine.inspected = () => Promise.reject(new ParaError(code, 'docker is away'));
    const seen = await look();
    expect(seen.remarks).toEqual(['s: docker is away']);
    expect(seen.sessions).toMatchObject([
      { session: 's', container: 'exited', health: 'dead', health_reason: 'it ended with exit code 137' },
      { session: 't', container: 'missing' },
    ]);
    expect((await readHealth(places().docker('s'))).restarts).toEqual([]);
    engine.inspected = () => Promise.resolve();
    expect(said(await look())).toEqual(['restarted (1 of 3): it ended with exit code 137']);
  },
);

test('interrupted: the watch ends', async () => {
  engine.die();
  engine.inspected = () => Promise.reject(new ParaError('INTERRUPTED', 'interrupted'));
  // By a deadline of its own, not by a person.
  expect((await look()).remarks).toEqual(['s: interrupted']);
  cancellation.requested = true;
  await expect(look()).rejects.toThrow('interrupted');
});

test('a disk that is full: said, and watched on', async () => {
  engine.die();
  const full = Object.assign(new Error('no space'), { code: 'ENOSPC', path: '/s' });
  engine.start = () => Promise.reject(full);
  expect(said(await look())[1]).toBe('could not be restarted (1 of 3): no space is left on the disk: /s');
});

test('settings that are broken while it watches: those of the beginning hold', async () => {
  await look();
  config = () => Promise.reject(new ParaError('CONFIG_INVALID', 'not JSON'));
  engine.die();
  expect(said(await look())[1]).toBe('restarted (1 of 3): it ended with exit code 137');
  look = watching();
  await expect(look()).rejects.toThrow('not JSON');
});

test('a restart that fails counts, and is told', async () => {
  engine.die();
  engine.start = () => Promise.reject(new ParaError('PORT_IN_USE', 'the port 80 is taken'));
  expect(said(await look())[1]).toBe('could not be restarted (1 of 3): the port 80 is taken');
  expect((await readHealth(places().docker('s'))).restarts).toHaveLength(1);
});

test('a watcher that dies between stop and start: the next one goes on', async () => {
  engine.health = 'unhealthy';
  engine.start = () => Promise.reject(new Error('killed'));
  await expect(look()).rejects.toThrow('killed');
  Object.assign(engine, { exitCode: 0, health: 'none', start: () => Promise.resolve() });
  look = watching();
  pass(10);
  expect(said(await look())).toEqual([
    'dead: its restart was cut short',
    'restarted (2 of 3): its restart was cut short',
  ]);
  // Stopped by hand after that it stays so.
  Object.assign(engine, { state: 'exited', exitCode: 0 });
  expect(said(await look())).toEqual(['not running']);
});

test('silent: stopped and started, once it was seen to be silent for a while', async () => {
  const sign = (name: string, text: string): void => {
    writeFileSync(join(places().docker('s'), 'out', name), text);
    utimesSync(join(places().docker('s'), 'out', name), time / 1000 - 60, time / 1000 - 60);
  };
  sign('ready', '');
  sign('heartbeat', '1 7\n');
  expect((await look()).sessions[0]).toMatchObject({
    health: 'stale',
    next_restart: '2026-01-02T00:00:10.000Z',
  });
  pass(10);
  expect(said(await look())).toEqual(['restarted (1 of 3): its runner has been silent for more than 15 s']);
  expect(engine.calls).toEqual(['ps', 'ps', 'stop 2', 'start']);
});

test('checks that no engine runs: by exec, when due; what fails often enough is restarted', async () => {
  engine.healthDriver = 'para';
  await save({}, CHECK);
  expect((await look()).sessions[0]).toMatchObject({ health: 'healthy' });
  pass(5);
  await look();
  expect(engine.calls).toEqual(['ps', 'exec sh -c well', 'ps']);
  engine.checked = () => Promise.resolve({ exitCode: 1, stdout: '', stderr: 'no route' });
  pass(5);
  expect((await look()).sessions[0]).toMatchObject({ health: 'healthy' });
  pass(10);
  expect(said(await look())).toEqual([
    'unhealthy: its health check failed 2 times: no route',
    'restarted (1 of 3): its health check failed 2 times: no route',
  ]);
  expect(engine.calls).toEqual(expect.arrayContaining(['stop 10', 'start']));
  expect((await look()).sessions[0]).toMatchObject({ health: 'starting', restarts: 1 });
});

test('a check that takes long holds up nothing; one that takes too long has failed, and is killed inside', async () => {
  engine.healthDriver = 'para';
  await save({}, CHECK);
  let end: () => void = () => undefined;
  engine.checked = () =>
    new Promise((_resolve, reject) => {
      end = () => {
        engine.checked = () => Promise.resolve({ exitCode: 0, stdout: '', stderr: '' });
        reject(new ParaError('DEADLINE', 'too long'));
      };
    });
  await look(false);
  await look(false);
  expect(engine.calls.filter((call) => call === 'exec sh -c well')).toHaveLength(1);
  end();
  await look();
  expect((await readHealth(places().docker('s'))).check).toMatchObject({
    ...{ state: 'starting', failures: 1, output: 'it took longer than 2 s' },
  });
  expect(engine.calls).toContainEqual(expect.stringMatching(/^exec sh -c for p in .* sh KILL /));
});

test('what the container says is put where the seed’s format has it', async () => {
  engine.health = 'healthy';
  const inside = { timestamp: '2026-01-01T00:00:00Z', status: 'running', phase: 'testing' };
  writeFileSync(join(places().docker('s'), 'out/status.json'), JSON.stringify(inside));
  await look();
  const mirror = (): unknown => JSON.parse(readFileSync(join(places().docker('s'), 'status.json'), 'utf8'));
  expect(mirror()).toEqual(inside);
  // What the host says later stays.
  writeFileSync(join(places().docker('s'), 'status.json'), JSON.stringify({ ...inside, phase: 'host' }));
  await look();
  expect(mirror()).toMatchObject({ phase: 'host' });
});
