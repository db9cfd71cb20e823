import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { DEFAULTS } from '../../src/config/defaults.ts';
import type { DockerService } from '../../src/docker/service.ts';
import { ParaError } from '../../src/errors.ts';
import { openRepository, type Repository } from '../../src/git/repository.ts';
import type { Overview } from '../../src/sessions/overview.ts';
import { placesOf, saveRecord, type SessionRecord } from '../../src/sessions/store.ts';
import { watchOver } from '../../src/sessions/watch-over.ts';
import { createRunner } from '../../src/sys/run.ts';
import { OneContainer } from '../support/one-container.ts';
import { sessionRecord } from '../support/record.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let temp: TempRepo;
let repo: Repository;
let engine: OneContainer;
let time: number;

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
  mkdirSync(join(places().docker('s'), 'out'), { recursive: true });
  mkdirSync(places().worktree('s'), { recursive: true });
  const check = { command: 'well', interval_seconds: 10, timeout_seconds: 2, retries: 1 };
  const container: NonNullable<SessionRecord['container']> = {
    ...{ name: 'c', engine: 'docker', binary: '/bin/docker', endpoint: 'local', image: 'i' },
    ...{ image_source: 'flag', network: 'none', hardening: 'default', git: 'off' },
    made_with: {
      ...{ env: {}, ports: [], volumes: [], cpus: 1, memory_bytes: 1, pids: 1 },
      health_check: { ...check, start_period_seconds: 0 },
    },
  };
  await saveRecord(places(), sessionRecord(temp.root, 's', { container }));
});
afterEach(() => {
  rmSync(join(temp.root, '.para'), { recursive: true });
});

const places = (): ReturnType<typeof placesOf> => placesOf(temp.root);
function watching(enabled = true, config?: () => Promise<never>): () => Promise<Overview> {
  const docker = { ...DEFAULTS.docker, auto_recovery: { ...DEFAULTS.docker.auto_recovery, enabled } };
  const settings = { ...DEFAULTS, docker };
  const look = watchOver({
    ...{ cwd: temp.root, home: temp.base, env: {}, runner: createRunner({ env: {} }) },
    repository: () => Promise.resolve(repo),
    config: config ?? (() => Promise.resolve({ config: settings, own: settings })),
    dockerFor: () => Promise.resolve(engine as unknown as DockerService),
    engine: () => Promise.reject(new Error('not asked')),
    cancellation: { requested: false, shield: (_ms, work) => work() },
    now: () => new Date(time),
  });
  return () => look({ patienceMs: 5_000, counts: 0 });
}

/** Looks until it is so, as a person would. @throws when it does not get so */
async function until(look: () => Promise<Overview>, isSo: (seen: Overview) => boolean): Promise<Overview> {
  const end = performance.now() + 10_000;
  for (;;) {
    const seen = await look();
    if (isSo(seen)) return seen;
    if (performance.now() > end) throw new Error(`it never got so: ${JSON.stringify(seen)}`);
    await sleep(10);
  }
}
const calls = (what: string): number => engine.calls.filter((call) => call.startsWith(what)).length;

test('what died is put back up, and told for a while; the engine is asked once a look', async () => {
  const look = watching();
  engine.die();
  const seen = await until(look, ({ remarks }) => remarks.length > 0);
  expect(seen.remarks).toEqual(['s: restarted (1 of 3): it ended with exit code 137']);
  expect(await until(look, ({ sessions }) => sessions[0]?.container === 'running')).toBeDefined();
  const before = calls('ps');
  for (let n = 0; n < 5; n += 1) {
    time += 4_000;
    await look();
  }
  expect(calls('ps') - before).toBe(5);
  expect((await look()).remarks).toEqual([]);
});

test('not to be restarted: checked, and written down for other programs, all the same', async () => {
  engine.healthDriver = 'para';
  engine.checked = () => Promise.resolve({ exitCode: 1, stdout: '', stderr: 'no route' });
  const says = { timestamp: '2026-01-01T00:00:00Z', status: 'running', phase: 'testing' };
  writeFileSync(join(places().docker('s'), 'out/status.json'), JSON.stringify(says));
  const look = watching(false);
  const { sessions } = await until(look, (seen) => seen.sessions[0]?.health === 'unhealthy');
  expect(sessions[0]?.health_reason).toBe('its health check failed once: no route');
  await until(look, () => json('s/metrics.json')['health'] === 'unhealthy');
  expect(json('s/status.json')).toEqual(says);
  expect(json('shared/registry.json')).toMatchObject({ containers: [{ session: 's' }] });
  engine.die();
  time += 600_000;
  await until(look, () => json('s/metrics.json')['container'] === 'exited');
  expect(calls('start') + calls('stop')).toBe(0);

  function json(path: string): Record<string, unknown> {
    try {
      const text = readFileSync(join(places().state, 'docker', path), 'utf8');
      return JSON.parse(text) as Record<string, unknown>;
    } catch {
      return {};
    }
  }
});

test('what is in the way of that is remarked on, and the sessions are shown', async () => {
  const look = watching(true, () => Promise.reject(new ParaError('CONFIG_INVALID', 'config.json: no JSON')));
  const { sessions } = await until(look, ({ remarks }) =>
    remarks.includes('containers are not seen to: config.json: no JSON'),
  );
  expect(sessions).toMatchObject([{ name: 's', container: 'running' }]);
});

test('an engine that fails in between: one remark, and it goes on', async () => {
  engine.die();
  engine.inspected = () => Promise.reject(new ParaError('DAEMON_NOT_AVAILABLE', 'docker is away'));
  const look = watching();
  const { remarks } = await until(look, (seen) => seen.remarks.length > 0);
  expect(remarks).toEqual(['s: docker is away']);
  engine.inspected = () => Promise.resolve();
  await until(look, ({ sessions, remarks: now }) => sessions[0]?.container === 'running' && now.length === 1);
});
