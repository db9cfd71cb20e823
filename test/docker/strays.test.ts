/** Processes that watch containers of which the engine has no record. */
import { spawn, type ChildProcess } from 'node:child_process';
import { afterEach, expect, test } from '@jest/globals';
import { docker } from '../../src/docker/drivers/docker.ts';
import { podman } from '../../src/docker/drivers/podman.ts';
import type { EngineDriver } from '../../src/docker/driver.ts';
import type { DockerService } from '../../src/docker/service.ts';
import { endStrays, findStrays } from '../../src/docker/strays.ts';

const NAME = 'para-0a1b2c3d-stray';
const ID = 'd'.repeat(64);
const running: ChildProcess[] = [];
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL');
});

/** A process with the command line of podman's monitor. */
async function monitor(name = NAME, id = ID): Promise<number> {
  const args = ['-e', 'console.log("up"); setTimeout(() => {}, 60_000)', '--', '-c', id, '-n', name];
  const child = spawn(process.execPath, args, { argv0: 'conmon', stdio: ['ignore', 'pipe', 'ignore'] });
  running.push(child);
  await new Promise((resolve) => child.stdout.once('data', resolve));
  return child.pid ?? 0;
}

function service(driver: EngineDriver, ids: readonly string[] = []): DockerService {
  const list = (): Promise<unknown> => Promise.resolve(ids.map((id) => ({ id })));
  return { engine: { driver }, list } as unknown as DockerService;
}

test('one without a record is found, by its name', async () => {
  const pid = await monitor();
  expect(await findStrays(service(podman), 'para-0a1b2c3d-')).toEqual([
    { pid, children: [], name: NAME, id: ID },
  ]);
  expect(await findStrays(service(podman), 'para-ffffffff-')).toEqual([]);
  expect(endStrays([{ pid: 12, children: [13], name: NAME, id: ID }])).toBe('kill -9 12 13');
});

test('one whose container is known is none, nor is any where a daemon watches', async () => {
  await monitor();
  expect(await findStrays(service(podman, [ID]), 'para-0a1b2c3d-')).toEqual([]);
  expect(await findStrays(service(docker), 'para-0a1b2c3d-')).toEqual([]);
});

test('what is not named as a container of para is left alone', async () => {
  await monitor('web-0a1b2c3d-stray');
  await monitor('para-0a1b2c3d-x; rm');
  expect(await findStrays(service(podman), 'para-0a1b2c3d-')).toEqual([]);
});
