import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { loadConfig, loadSessionDocker, parseSessionDocker, userConfigPath } from '../../src/config/load.ts';
import { parseSize } from '../../src/config/size.ts';

let dir: string;
let userFile: string;
let projectFile: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'para-config-'));
  userFile = join(dir, 'user.json');
  projectFile = join(dir, 'project.json');
});
afterEach(() => rm(dir, { recursive: true }));

const write = (file: string, value: unknown) => writeFile(file, JSON.stringify(value));

test('accepts the two published examples', async () => {
  const seed = 'fixtures/configs/valid/config-seed.json';
  const { config, origin } = await loadConfig({ userFile: seed });
  expect(config.docker.default_resource_limits.memory_limit).toBe(4294967296);
  expect(origin.get('docker.default_image')).toBe(seed);
  expect(origin.get('git.push')).toBe('default');
  expect((await loadSessionDocker('fixtures/configs/valid/docker-seed.json'))?.ports?.[0]?.host_port).toBe(
    3000,
  );
});

test('accepts an upstream config, with what para does not use', async () => {
  const { config } = await loadConfig({ userFile: 'fixtures/configs/valid/config-upstream.json' });
  expect(config.docker.default_image).toBe('para-authenticated:latest');
});

test('puts the project before the user, and the user before the defaults', async () => {
  await write(userFile, {
    git: { push: 'never', remote: 'mine' },
    docker: { image_mappings: { node: 'node:20', zig: 'zig:1' }, allowed_mounts: ['/srv'] },
  });
  await write(projectFile, {
    git: { push: 'always' },
    docker: { image_mappings: { node: 'node:22' }, default_volumes: [] },
  });
  const { config, origin } = await loadConfig({ userFile, projectFile });
  expect(config.git).toMatchObject({ push: 'always', remote: 'mine', branch_prefix: 'para' });
  expect(config.docker.image_mappings).toMatchObject({ node: 'node:22', zig: 'zig:1', rust: 'rust:latest' });
  expect(config.docker.default_volumes).toEqual([]);
  const from = [
    'git.push',
    'git.remote',
    'git.branch_prefix',
    'docker.image_mappings.node',
    'docker.allowed_mounts',
  ];
  expect(from.map((key) => origin.get(key))).toEqual([
    projectFile,
    userFile,
    'default',
    projectFile,
    userFile,
  ]);
});

test('freezes the settings to the last leaf', async () => {
  await write(userFile, { docker: { default_environment: { A: '1' } } });
  const { config } = await loadConfig({ userFile });
  const open: string[] = [];
  const visit = (value: unknown, path: string) => {
    if (typeof value !== 'object' || value === null) return;
    if (!Object.isFrozen(value)) open.push(path);
    for (const [key, child] of Object.entries(value)) visit(child, `${path}.${key}`);
  };
  visit(config, 'config');
  expect(open).toEqual([]);
});

test('has no settings that nobody set', async () => {
  const { config } = await loadConfig({});
  expect(config.docker.image_mappings['constructor']).toBeUndefined();
  expect('toString' in config.docker.default_environment).toBe(false);
});

test.each([
  [{ allowed_mounts: ['/'] }, 'docker.allowed_mounts: a project may not set this; put it in your own config'],
  [{ allowed_mounts: [] }, 'docker.allowed_mounts: a project may not set this; put it in your own config'],
  ...['PATH', 'LD_LIBRARY_PATH', 'GIT_DIR', 'DOCKER_HOST', 'NODE_OPTIONS', 'BASH_ENV'].map(
    (name): [object, string] => [
      { default_environment: { A: '1', [name]: 'x' } },
      `docker.default_environment.${name}: a repository may not set this, as it changes what programs load; give it yourself: --env ${name}=…`,
    ],
  ),
  [
    { allow_custom_images: true },
    'docker.allow_custom_images: a project may not set this; put it in your own config',
  ],
  [{ allowed_images: null }, 'docker.allowed_images: a project may not set this; put it in your own config'],
])('refuses %j from a project and takes it from the user', async (docker, message) => {
  await write(userFile, { docker });
  await write(projectFile, { docker });
  expect((await loadConfig({ userFile })).config.docker).toMatchObject(docker);
  await expect(loadConfig({ projectFile })).rejects.toMatchObject({
    code: 'CONFIG_INVALID',
    message: `${projectFile}: ${message}`,
    hint: 'Where your own config is:\npara config path',
  });
});

test('lets a project tighten, and choose its network and limits', async () => {
  const docker = {
    hardening: 'strict',
    network: { mode: 'none' },
    limits: 'required',
    default_resource_limits: { memory_limit: '512m' },
  };
  await write(projectFile, { docker });
  expect((await loadConfig({ projectFile })).config.docker).toMatchObject(docker);
});

test('follows a link of the user, and none in a project', async () => {
  await write(join(dir, 'real.json'), { git: { push: 'never' } });
  await symlink('real.json', userFile);
  await symlink('real.json', projectFile);
  expect((await loadConfig({ userFile })).config.git.push).toBe('never');
  const refused = {
    code: 'CONFIG_UNREADABLE',
    message: `${projectFile}: a symbolic link; put the file itself there`,
  };
  await expect(loadConfig({ projectFile })).rejects.toMatchObject(refused);
  await expect(loadSessionDocker(projectFile)).rejects.toMatchObject(refused);
});

test('takes a missing file for one that says nothing', async () => {
  expect(
    (await loadConfig({ userFile: join(dir, 'none'), projectFile: join(userFile, 'none') })).config.git.push,
  ).toBe('auto');
  expect(await loadSessionDocker(join(dir, 'none'))).toBeUndefined();
});

test('refuses what is no file, without waiting for it', async () => {
  execFileSync('mkfifo', [projectFile]);
  for (const file of [dir, projectFile, '/dev/zero']) {
    await expect(loadConfig({ userFile: file })).rejects.toMatchObject({
      code: 'CONFIG_UNREADABLE',
      message: `${file}: not a regular file`,
    });
  }
});

test('refuses a huge file', async () => {
  await writeFile(userFile, '{}');
  await truncate(userFile, 20 * 1024 ** 3);
  await expect(loadConfig({ userFile })).rejects.toThrow(`${userFile}: larger than 1024 KiB`);
  await expect(loadSessionDocker(userFile)).rejects.toThrow(`${userFile}: larger than 256 KiB`);
});

test('caps docker.json from a commit too', () => {
  const bytes = Buffer.from(`{}${' '.repeat(256 * 1024)}`);
  expect(() => parseSessionDocker('docker.json', bytes)).toThrow('docker.json: larger than 256 KiB');
});

test('tells every problem to scripts', async () => {
  await writeFile(userFile, '{"git":{"push":1},"docker":{"enabled":1,"imge":2}}');
  await expect(loadConfig({ userFile })).rejects.toMatchObject({
    message: `${userFile}: git.push: expected "auto", "always" or "never", found 1 (and 2 more)`,
    hint: 'Everything it may hold:\npara config schema',
    details: {
      file: userFile,
      problems: [
        'git.push: expected "auto", "always" or "never", found 1',
        'docker.enabled: expected true or false, found 1',
        'docker: unknown key "imge"; did you mean "default_image"?',
      ],
    },
  });
});

test('names the place of the settings', () => {
  expect(userConfigPath({}, '/home/a')).toBe('/home/a/.config/para/config.json');
  expect(userConfigPath({ XDG_CONFIG_HOME: '/x' }, '/home/a')).toBe('/x/para/config.json');
  expect(userConfigPath({ XDG_CONFIG_HOME: '/x', PARA_CONFIG_PATH: '/p.json' }, '/home/a')).toBe('/p.json');
});

test.each([
  ['1.5GiB', 1610612736],
  ['512m', 536870912],
  ['6M', 6291456],
  ['4g', 4294967296],
  ['1tb', 1099511627776],
  ['6291456', 6291456],
  ['6291456b', 6291456],
])('reads the size %s', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes);
});

test.each(['5m', '0', '6291455', '', '4 gigs', '-1g', '1e9', '9999999999t'])(
  'refuses the size %j',
  (text) => {
    expect(() => parseSize(text)).toThrow(text === '' ? '"" is not a size' : text);
  },
);
