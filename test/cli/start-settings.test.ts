import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Conversation, mount, type Wanted } from '../support/conversation.ts';
import { footprint } from '../support/footprint.ts';
import { detection, runPara, type EngineCall } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;

beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

/** Commits files, so that a session starts with them. */
function commit(files: Readonly<Record<string, unknown>>): void {
  for (const [path, value] of Object.entries(files))
    repo.write(path, typeof value === 'string' ? value : JSON.stringify(value));
  repo.run(['add', '-f', '.']);
  repo.run(['commit', '-qm', 'settings']);
}

function userSettings(settings: object): void {
  mkdirSync(join(repo.base, 'home/.config/para'), { recursive: true });
  writeFileSync(join(repo.base, 'home/.config/para/config.json'), JSON.stringify(settings));
}

/** Starts, and holds para to the container that was wanted. */
async function start(line: string, wanted: Wanted): Promise<void> {
  const docker = new Conversation(repo);
  const network = wanted.network === undefined ? [docker.networkThere()] : [];
  const calls: readonly EngineCall[] = [
    ...[...detection('docker'), docker.imageThere(wanted.image), ...network],
    ...[docker.create(wanted), docker.start()],
  ];
  expect(await runPara(repo, line, { calls })).toMatchObject({ code: 0 });
}

const imageSource = (): string => {
  const text = readFileSync(join(repo.root, '.para/state/fix.state'), 'utf8');
  return (JSON.parse(text) as { container: { image_source: string } }).container.image_source;
};

describe('docker.enabled', () => {
  test('a container without a flag', async () => {
    userSettings({ docker: { enabled: true } });
    await start('start fix', {});
  });

  test('--no-docker: no engine is asked for anything', async () => {
    userSettings({ docker: { enabled: true } });
    const { code, stdout } = await runPara(repo, 'start fix --no-docker');
    expect(code).toBe(0);
    expect(stdout).not.toContain('container');
  });
});

describe('which image', () => {
  const DOCKER_JSON = { '.para/docker.json': { image: 'team/app:1' }, 'package.json': '{}' };

  test('--image before all else', async () => {
    commit(DOCKER_JSON);
    await start('start fix --docker --image node:22', { image: 'node:22' });
    expect(imageSource()).toBe('--image');
  });

  test('then docker.json', async () => {
    commit(DOCKER_JSON);
    await start('start fix --docker', { image: 'team/app:1' });
    expect(imageSource()).toBe('.para/docker.json');
  });

  test('docker.json as the base has it, not as it lies there', async () => {
    commit(DOCKER_JSON);
    repo.write('.para/docker.json', '{"image":"other:1"}');
    await start('start fix --docker', { image: 'team/app:1' });
  });

  test.each([
    ['Cargo.toml', 'rust:latest', 'rust'],
    ['package.json', 'node:lts', 'node'],
    ['pyproject.toml', 'python:3.11', 'python'],
    ['go.mod', 'golang:latest', 'go'],
  ])('then the kind of project: %s', async (file, image, kind) => {
    commit({ [file]: '' });
    await start('start fix --docker', { image });
    expect(imageSource()).toBe(`image_mappings.${kind}`);
  });

  test('a mapping of the project over the built-in one', async () => {
    commit({ 'go.mod': '', '.para/config.json': { docker: { image_mappings: { go: 'golang:1.22' } } } });
    await start('start fix --docker', { image: 'golang:1.22' });
  });

  test('then default_image', async () => {
    userSettings({ docker: { default_image: 'debian:12' } });
    await start('start fix --docker', { image: 'debian:12' });
    expect(imageSource()).toBe('default_image');
  });
});

describe('what else settings and docker.json say', () => {
  test('environment: settings, then docker.json, then flags', async () => {
    userSettings({ docker: { default_environment: { A: 'user', B: 'user', C: 'user' } } });
    commit({ '.para/docker.json': { environment: { B: 'file', C: 'file' } } });
    await start('start fix --docker --env C=flag', { env: ['A=user', 'B=file', 'C=flag'] });
  });

  test('ports of docker.json are on loopback, before those of flags', async () => {
    commit({ '.para/docker.json': { ports: [{ host_port: 3000, container_port: 3000 }] } });
    await start('start fix --docker --port 80', { ports: ['127.0.0.1:3000:3000', '127.0.0.1::80'] });
  });

  test('limits, hardening and network', async () => {
    userSettings({
      docker: {
        hardening: 'strict',
        default_resource_limits: { cpu_limit: 0.5, memory_limit: '1g', pids_limit: 64 },
        network: { mode: 'none' },
      },
    });
    await start('start fix --docker', {
      limits: ['--pids-limit', '64', '--memory', '1073741824', '--cpus', '0.5'],
      hardening: [
        ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
        ...['--read-only', '--tmpfs', '/tmp:rw,nosuid,nodev,size=512m,mode=1777'],
      ],
      network: 'none',
    });
  });

  test("the engine's own bridge: no network is made", async () => {
    userSettings({ docker: { network: { create_custom_network: false } } });
    await start('start fix --docker', { network: 'bridge' });
  });

  test.each([
    ['its own port', ' --port 3128', "can not publish 3128: that is its proxy's own port"],
    ['anything but TCP', ' --port 53:53/udp', 'can not publish 53/udp: its proxy passes on TCP alone'],
  ])('a restricted network does not publish %s', async (_, flags, message) => {
    const before = footprint(repo);
    const line = `start fix --docker --allow-domain example.com${flags}`;
    const { code, stderr } = await runPara(repo, line, {
      calls: detection('docker'),
    });
    expect(stderr).toContain(message);
    expect(code).toBe(2);
    expect(footprint(repo)).toEqual(before);
  });

  test('a wider network than the user has, asked for by the repository: nothing is made', async () => {
    userSettings({ docker: { network: { mode: 'none' } } });
    commit({ '.para/docker.json': { network: { mode: 'bridge' } } });
    const before = footprint(repo);
    const { code, stderr } = await runPara(repo, 'start fix --docker');
    expect(stderr).toContain(
      '.para/docker.json asks for more network than your settings give: network mode bridge',
    );
    expect(code).toBe(10);
    expect(footprint(repo)).toEqual(before);
  });

  test('--network, before every file', async () => {
    commit({ '.para/docker.json': { network: { mode: 'bridge' } } });
    await start('start fix --docker --network none', { network: 'none' });
  });

  test.each([
    ['--allow-domain https://a.com', 'expected a domain'],
    ['--allow-domain *.com', 'found "*.com", which is all below one label'],
    ['--allow-domain *.com:443', 'found "*.com:443", which is all below one label'],
    ['--allow-domain a.com --network bridge', '--allow-domain is about a restricted network'],
    ['--network host', '--network is none, restricted or bridge'],
  ])('%s is refused', async (flags, message) => {
    const { code, stderr } = await runPara(repo, `start fix --docker ${flags}`);
    expect(stderr).toContain(message);
    expect(code).toBe(2);
  });

  test('a directory that the user allows, asked for by docker.json', async () => {
    const cache = join(repo.base, 'cache');
    mkdirSync(cache);
    userSettings({ docker: { allowed_mounts: [cache] } });
    commit({ '.para/docker.json': { volumes: [{ source: cache, target: '/cache', read_only: true }] } });
    await start('start fix --docker', { volumes: mount(cache, '/cache', ',readonly') });
  });

  test('one that the user does not allow: nothing is made', async () => {
    const cache = join(repo.base, 'cache');
    mkdirSync(cache);
    commit({ '.para/docker.json': { volumes: [{ source: cache, target: '/cache' }] } });
    const before = footprint(repo);
    const { code, stderr } = await runPara(repo, 'start fix --docker');
    expect(stderr).toContain(`.para/docker.json mounts ${cache} at /cache, to read and write, which you`);
    expect(stderr).toContain('para docker trust\n');
    expect(code).toBe(10);
    expect(footprint(repo)).toEqual(before);
  });

  test.each([
    ['.para/docker.json', { imgae: 'node:22' }, /imgae.*/],
    ['.para/config.json', { docker: { enabled: 'yes' } }, /docker\.enabled/],
  ])('a mistake in %s: nothing is made', async (file, content, message) => {
    commit({ [file]: content });
    const before = footprint(repo);
    const { code, stderr } = await runPara(repo, 'start fix --docker');
    expect(stderr).toMatch(message);
    expect(code).toBe(5);
    expect(footprint(repo)).toEqual(before);
  });
});

describe('which engine', () => {
  test.each([
    ['PARA_ENGINE', {}, { PARA_ENGINE: 'podman' }],
    ['docker.engine', { docker: { engine: 'podman' } }, {}],
  ])('%s', async (_what, settings, env) => {
    userSettings(settings);
    const podman = new Conversation(repo, 'podman');
    const calls = [
      ...[...detection('podman'), podman.imageThere(), podman.networkThere()],
      ...[podman.create(), podman.start()],
    ];
    expect(await runPara(repo, 'start fix --docker', { calls, env })).toMatchObject({ code: 0 });
  });

  test('--engine over both', async () => {
    userSettings({ docker: { engine: 'podman' } });
    const docker = new Conversation(repo);
    const calls = [
      ...[...detection('docker'), docker.imageThere(), docker.networkThere()],
      ...[docker.create(), docker.start()],
    ];
    const env = { PARA_ENGINE: 'podman' };
    expect(await runPara(repo, 'start fix --docker --engine docker', { calls, env })).toMatchObject({
      code: 0,
    });
  });

  test('docker does not answer: podman is taken', async () => {
    const podman = new Conversation(repo, 'podman');
    const down = { stderr: 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock.\n' };
    const [version, info] = detection('docker').map((call, i) =>
      i === 0 ? call : { ...call, stdout: '', exitCode: 1, ...down },
    );
    const calls = [version, info, ...detection('podman'), podman.imageThere(), podman.networkThere()];
    const all = [...calls, podman.create(), podman.start()].filter((call) => call !== undefined);
    expect(await runPara(repo, 'start fix --docker', { calls: all })).toMatchObject({ code: 0 });
  });
});
