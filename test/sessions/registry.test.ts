import { afterAll, beforeAll, beforeEach, expect, test } from '@jest/globals';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { PortMapping } from '../../src/docker/driver.ts';
import {
  asRegistered,
  registerContainer,
  registerStopped,
  replaceRegistry,
  unregister,
  type Registered,
} from '../../src/sessions/registry.ts';
import type { SessionRecord } from '../../src/sessions/store.ts';
import { sessionRecord } from '../support/record.ts';

let root: string;
let state: string;
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'para-registry-'));
  state = join(root, '.para/state');
});
beforeEach(() => {
  rmSync(state, { recursive: true, force: true });
});
afterAll(() => {
  rmSync(root, { recursive: true });
});

const file = (): string => join(state, 'docker/shared/registry.json');
const read = (): { containers: Registered[] } =>
  JSON.parse(readFileSync(file(), 'utf8')) as { containers: Registered[] };
const port = (hostPort: number, more: Partial<PortMapping> = {}): PortMapping => ({
  ...{ hostIp: '127.0.0.1', hostPort, containerPort: 3000, protocol: 'tcp' },
  ...more,
});
function entry(session: string, command = '', ports: readonly PortMapping[] = []): Registered {
  const health_check = { command } as const;
  const container = { name: `c-${session}`, engine: 'podman', made_with: { health_check } };
  const record = sessionRecord(root, session, {
    container: container as NonNullable<SessionRecord['container']>,
  });
  return asRegistered(record, { id: 'abc', startedAt: '2026-01-01T00:00:00Z', state: 'running', ports });
}

test('what is known of a container; by session, replaced whole', async () => {
  await registerContainer(state, entry('b'));
  await registerContainer(state, entry('a', '', [port(0), port(53, { hostIp: '::', protocol: 'udp' })]));
  await registerContainer(state, entry('b'));
  expect(read()).toEqual({
    schema: 1,
    containers: [
      {
        ...{ session: 'a', name: 'c-a', engine: 'podman', container_id: 'abc', status: 'running' },
        ...{ started_at: '2026-01-01T00:00:00Z', health_endpoint: null },
        ports: [
          { host_ip: '127.0.0.1', host_port: null, container_port: 3000, protocol: 'tcp' },
          { host_ip: '::', host_port: 53, container_port: 3000, protocol: 'udp' },
        ],
      },
      expect.objectContaining({ session: 'b', ports: [] }),
    ],
  });
});

test('stopped, taken out; without a container there is no file, and nothing is made', async () => {
  await registerStopped(state, 'a');
  await unregister(state, 'a');
  await replaceRegistry(state, []);
  expect(existsSync(state)).toBe(false);
  await registerContainer(state, entry('a'));
  await registerStopped(state, 'a');
  expect(read().containers).toMatchObject([{ session: 'a', status: 'exited' }]);
  await unregister(state, 'b');
  await unregister(state, 'a');
  expect(readdirSync(join(state, 'docker'))).toEqual([]);
});

test('a whole list takes the place of it; since when one runs stays', async () => {
  for (const session of ['a', 'b']) await registerContainer(state, entry(session));
  await replaceRegistry(state, [{ ...entry('a'), started_at: null, status: 'paused' }]);
  expect(read().containers).toMatchObject([
    { session: 'a', status: 'paused', started_at: '2026-01-01T00:00:00Z' },
  ]);
});

test('started by hand: since when is not known', async () => {
  const start = async (status: Registered['status']): Promise<string | null | undefined> => {
    await replaceRegistry(state, [{ ...entry('a'), started_at: null, status }]);
    return read().containers[0]?.started_at;
  };
  await registerContainer(state, entry('a'));
  for (const status of ['paused', 'running', 'exited'] as const)
    expect(await start(status)).toBe('2026-01-01T00:00:00Z');
  expect(await start('running')).toBeNull();
});

test('what is there and makes no sense is replaced; what can not be written stops nobody', async () => {
  mkdirSync(join(state, 'docker/shared'), { recursive: true });
  writeFileSync(file(), '{"schema":1,"containers":"many"}');
  await registerContainer(state, entry('a'));
  expect(read().containers).toHaveLength(1);
  rmSync(file());
  mkdirSync(file());
  await registerContainer(state, entry('a'));
  expect(readdirSync(join(state, 'docker/shared'))).toEqual(['registry.json']);
});

test.each([
  ['curl -f http://localhost:3000/health?x', [port(8080)], 'http://127.0.0.1:8080/health'],
  ['wget -q http://127.0.0.1:3000', [port(80, { hostIp: '0.0.0.0' })], 'http://127.0.0.1:80/'],
  ['curl https://[::1]/up', [port(8443, { hostIp: '::1', containerPort: 443 })], 'https://[::1]:8443/up'],
  ['curl http://localhost:3000', [port(0)], null],
  ['curl http://localhost:3000', [port(1, { protocol: 'udp' })], null],
  ['curl http://localhost:3001', [port(8080)], null],
  ['curl http://other:3000', [port(8080)], null],
  ['pg_isready', [port(8080)], null],
])('%s, %j: its health is asked at %s', (command, ports, url) => {
  expect(entry('a', command, ports).health_endpoint).toBe(url);
});
