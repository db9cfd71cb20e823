import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { chmod, mkdtemp, readdir, rename, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { detectEngine, probeEngines } from '../../src/docker/detect.ts';
import { createDockerService } from '../../src/docker/service.ts';
import { fakeRunner, type Answer } from './fake-runner.ts';
import { fixture } from './fixtures.ts';

let bin: string;
beforeEach(async () => {
  bin = await mkdtemp(join(tmpdir(), 'para-detect-'));
});
afterEach(() => rm(bin, { recursive: true, force: true }));

async function install(...names: string[]): Promise<void> {
  for (const name of names) {
    await writeFile(join(bin, name), '#!/bin/sh\n');
    await chmod(join(bin, name), 0o755);
  }
}

const DOCKER_INFO = fixture('docker-cli26-srv26', 'info.json');
const PODMAN_INFO = fixture('podman-5.8.6-rootless', 'info.json');
const up = (args: readonly string[], file: string): Answer => {
  const isDocker = file.endsWith('docker');
  if (args[0] === '--version')
    return { stdout: isDocker ? 'Docker version 26.1.5+dfsg1, build a\n' : 'podman version 5.8.6\n' };
  return { stdout: isDocker ? DOCKER_INFO : PODMAN_INFO };
};
const dockerDown = (args: readonly string[], file: string): Answer =>
  file.endsWith('docker') && args[0] === 'info'
    ? { stdout: '{"ServerErrors":["Cannot connect to the Docker daemon at unix:///x. Is it running?"]}' }
    : up(args, file);
const request = (runner: ReturnType<typeof fakeRunner>) => ({
  runner,
  env: { PATH: `relative:${bin}` },
  wanted: 'auto' as const,
});

test('docker first; podman when docker does not answer', async () => {
  await install('docker', 'podman');
  expect((await detectEngine(request(fakeRunner(up)))).driver.name).toBe('docker');
  expect((await detectEngine(request(fakeRunner(dockerDown)))).driver.name).toBe('podman');
});

test('a docker that is podman gets the podman driver', async () => {
  await install('docker');
  const engine = await detectEngine(request(fakeRunner((args) => up(args, 'podman'))));
  expect(engine).toMatchObject({
    driver: { name: 'podman' },
    version: '5.8.6',
    capabilities: { rootless: true },
  });
});

test('none: each engine and why', async () => {
  await expect(detectEngine(request(fakeRunner(up)))).rejects.toMatchObject({ code: 'ENGINE_NOT_INSTALLED' });
  await install('docker');
  await expect(detectEngine(request(fakeRunner(dockerDown)))).rejects.toMatchObject({
    code: 'DAEMON_NOT_AVAILABLE',
  });
  const probes = await probeEngines(request(fakeRunner(up)));
  expect(probes.map((probe) => probe.error?.code)).toEqual([undefined, 'ENGINE_NOT_INSTALLED']);
});

test('a remote endpoint is refused', async () => {
  await install('docker');
  const remote = {
    ...request(fakeRunner(up)),
    wanted: 'docker' as const,
    env: { PATH: bin, DOCKER_HOST: 'ssh://me@there' },
  };
  await expect(detectEngine(remote)).rejects.toThrow(/another machine/);
});

test('the cache spawns nothing, and a broken one is ignored', async () => {
  await install('docker');
  const cacheDir = join(bin, 'cache');
  const first = await detectEngine({ ...request(fakeRunner(up)), cacheDir });
  const warm = fakeRunner(up);
  expect(await detectEngine({ ...request(warm), cacheDir })).toEqual(first);
  expect(warm.calls).toEqual([]);
  for (const file of await readdir(cacheDir)) await writeFile(join(cacheDir, file), '{');
  await detectEngine({ ...request(warm), cacheDir });
  expect(warm.calls).toHaveLength(2);
});

test('a daemon that was started anew is asked again', async () => {
  await install('docker');
  const [cacheDir, socket, pid] = ['cache', 'd.sock', 'd.pid'].map((name) => join(bin, name)) as [
    string,
    string,
    string,
  ];
  const env = { PATH: bin, DOCKER_HOST: `unix://${socket}` };
  const asked = async (): Promise<number> => {
    const runner = fakeRunner(up);
    await detectEngine({ runner, env, wanted: 'docker', cacheDir });
    return runner.calls.length;
  };
  for (const file of [socket, pid]) await writeFile(file, '1');
  expect([await asked(), await asked()]).toEqual([2, 0]);
  await utimes(pid, 1, 1);
  expect([await asked(), await asked()]).toEqual([2, 0]);
  await rename(socket, `${socket}.old`);
  await writeFile(socket, '1');
  expect([await asked(), await asked()]).toEqual([2, 0]);
  expect(await readdir(cacheDir)).toHaveLength(1);
});

async function service(answer: (args: readonly string[]) => Answer) {
  await install('docker');
  const runner = fakeRunner(answer);
  return { runner, docker: createDockerService(await detectEngine(request(fakeRunner(up))), runner) };
}

test('the service: errors, absences and the one retry', async () => {
  const gone = await service(() => ({
    exitCode: 1,
    stdout: '[]\n',
    stderr: 'Error: No such container: x\n',
  }));
  expect(await gone.docker.status('x')).toBeUndefined();
  await expect(gone.docker.startContainer('x')).rejects.toMatchObject({
    code: 'CONTAINER_NOT_FOUND',
    message: 'container x does not exist',
  });
  await gone.docker.removeContainer('x');
  let tries = 0;
  const busy = await service(([verb]) =>
    verb === 'inspect'
      ? { exitCode: 1, stderr: 'Error: No such container: x\n' }
      : (tries += 1) === 1
        ? { exitCode: 1, stderr: 'Error response from daemon: removal of container x is already in progress' }
        : {},
  );
  await busy.docker.removeContainer('x');
  expect(busy.runner.calls.map(([verb]) => verb)).toEqual(['rm', 'rm', 'inspect']);
});

test('the service: what an engine says that it has done is looked at', async () => {
  const running = await service(() => ({ stdout: fixture('docker-cli28-srv28', 'inspect-paused.json') }));
  await expect(running.docker.stopContainer('x', 1)).rejects.toMatchObject({
    code: 'COMMAND_FAILED',
    message: 'docker says that container x is stopped, but it is there (paused)',
    hint: expect.stringContaining('docker inspect x') as unknown,
  });
  await expect(running.docker.removeContainer('x')).rejects.toThrow(/is removed, but it is there/);
  await expect(running.docker.wakeContainer('x')).rejects.toThrow(/is started, but it is there/);
  const absent = await service(([verb]) =>
    verb === 'inspect' ? { exitCode: 1, stderr: 'Error: No such container: x\n' } : {},
  );
  await expect(absent.docker.wakeContainer('x')).rejects.toThrow(/is started, but it is gone/);
  await absent.docker.stopContainer('x', 1);
  const empty = await service(() => ({ stdout: '[]\n' }));
  await expect(empty.docker.status('x')).rejects.toMatchObject({ code: 'ENGINE_OUTPUT_UNREADABLE' });
});

test('the service: images, networks, deadlines, unknown words', async () => {
  const pull = await service((args) =>
    args[0] === 'image' ? { exitCode: 1, stderr: 'Error: No such image: a:1' } : {},
  );
  expect(await pull.docker.ensureImage('a:1')).toBe(true);
  const race = await service((args) =>
    args[1] === 'create'
      ? { exitCode: 1, stderr: 'network with name n already exists' }
      : { stdout: '[{"Name":"n","Id":"1","Labels":{}}]' },
  );
  expect(await race.docker.ensureNetwork('n', {})).toBe(false);
  const slow = await service(() => ({ exitCode: undefined, timedOut: true }));
  await expect(slow.docker.stopContainer('x', 1)).rejects.toMatchObject({ code: 'DEADLINE' });
  const odd = await service(() => ({ exitCode: 1, stderr: 'Error: \u001b[31mthe moon\u0007 is full' }));
  await expect(odd.docker.startContainer('x')).rejects.toMatchObject({
    code: 'COMMAND_FAILED',
    message: 'docker start failed for container x: the moon  is full',
  });
});

test('PARA_ENGINE_TIMEOUT is the deadline of each call, but not of what runs in a container', async () => {
  await install('docker');
  const seen: (number | undefined)[] = [];
  const runner = fakeRunner(up);
  const noting = {
    ...runner,
    capture: (call: Parameters<typeof runner.capture>[0]) => {
      seen.push(call.timeoutMs);
      return runner.capture(call);
    },
  };
  const engine = await detectEngine({
    ...request(runner),
    runner: noting,
    env: { PATH: bin, PARA_ENGINE_TIMEOUT: '2.5' },
  });
  const service = createDockerService(engine, noting);
  await service.killContainer('c', 'TERM');
  await service.startContainer('c');
  await expect(service.stopContainer('c', 10)).rejects.toThrow();
  const exec = { container: 'c', argv: ['make'], tty: false, stdin: false };
  await service.execCapture(exec);
  await service.execCapture(exec, { timeoutMs: 10_000 });
  expect(seen).toEqual([2_500, 2_500, 2_500, 2_500, 12_500, 2_500, 0, 2_500]);
});

test.each(['no', '0', '-1', '99999', '1e3'])('PARA_ENGINE_TIMEOUT=%s is refused', async (text) => {
  await install('docker');
  const env = { PATH: bin, PARA_ENGINE_TIMEOUT: text };
  await expect(detectEngine({ ...request(fakeRunner(up)), wanted: 'docker', env })).rejects.toMatchObject({
    code: 'USAGE',
    hint: 'export PARA_ENGINE_TIMEOUT=120',
  });
});
