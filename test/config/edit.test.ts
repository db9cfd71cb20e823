import {
  chmod,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { readValue, setConfigValue } from '../../src/config/edit.ts';
import { loadConfig } from '../../src/config/load.ts';
import type { ParaError } from '../../src/errors.ts';

let dir: string;
let file: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'para-edit-'));
  file = join(dir, 'config.json');
});
afterEach(() => rm(dir, { recursive: true }));

const text = () => readFile(file, 'utf8');
const refusal = async (work: () => unknown): Promise<ParaError> => {
  try {
    await work();
  } catch (error) {
    return error as ParaError;
  }
  throw new Error('it was not refused');
};

test('reads a setting, a part of a list and a whole section', async () => {
  const { config } = await loadConfig({});
  expect(readValue(config, 'docker.default_image')).toBe('ubuntu:latest');
  expect(readValue(config, 'docker.default_volumes[0].target')).toBe('/workspace');
  expect(readValue(config, 'docker.default_volumes.0.target')).toBe('/workspace');
  expect(readValue(config, 'docker.network')).toEqual(config.docker.network);
});

test('reads a setting without a value as null', async () => {
  expect(readValue((await loadConfig({})).config, 'docker.setup_script')).toBeNull();
});

test.each([
  ['docker.imge', 'Did you mean docker.default_image?'],
  ['dokcer.enabled', 'Did you mean docker.enabled?'],
  ['docker.network.mod', 'Did you mean docker.network.mode?'],
  ['docker.default_volumes.length', 'See every key:\npara config schema'],
  ['__proto__', 'See every key:\npara config schema'],
  ['', 'See every key:\npara config schema'],
])('does not know %j', async (key, hint) => {
  const { config } = await loadConfig({});
  const error = await refusal(() => readValue(config, key));
  expect(error).toMatchObject({
    code: 'CONFIG_INVALID',
    message: `unknown setting ${JSON.stringify(key)}`,
    hint,
  });
});

test('makes the file, for its owner alone', async () => {
  file = join(dir, 'new', 'para', 'config.json');
  await setConfigValue(file, 'docker.enabled', 'true');
  expect(await text()).toBe('{\n  "docker": {\n    "enabled": true\n  }\n}\n');
  expect((await stat(file)).mode & 0o777).toBe(0o600);
  expect((await stat(join(dir, 'new', 'para'))).mode & 0o777).toBe(0o700);
});

test.each([
  ['git.branch_prefix', '007', '007'],
  ['git.branch_prefix', '7', '7'],
  ['git.branch_prefix', 'true', 'true'],
  ['git.branch_prefix', '"quoted"', 'quoted'],
  ['docker.default_resource_limits.memory_limit', '4g', '4g'],
  ['docker.default_resource_limits.memory_limit', '8589934592', 8589934592],
  ['session.auto_cleanup_days', 'null', null],
  ['docker.image_mappings.node', '22', '22'],
  ['docker.default_volumes', '[{"source":"$REPO","target":"/r"}]', [{ source: '$REPO', target: '/r' }]],
  ['docker.setup_script', 'null', null],
  ['ide.name', 'claude', 'claude'],
])('sets %s to %s', async (key, raw, value) => {
  await setConfigValue(file, key, raw);
  expect(readValue((await loadConfig({ userFile: file })).config, key)).toEqual(value);
});

test('keeps comments, layout and mode', async () => {
  await writeFile(
    file,
    '{\n\t// mine\n\t"git": { "push": "never" /* for now */ }, // later\n\t"session": {}\n}\n',
  );
  await chmod(file, 0o666); // more than a umask leaves
  await setConfigValue(file, 'git.push', 'always');
  await setConfigValue(file, 'docker.enabled', 'true');
  expect(await text()).toBe(
    '{\n\t// mine\n\t"git": { "push": "always" /* for now */ }, // later\n\t"session": {},\n\t"docker": {\n\t\t"enabled": true\n\t}\n}\n',
  );
  expect((await stat(file)).mode & 0o777).toBe(0o666);
  expect(await readdir(dir)).toEqual(['config.json']);
});

test('says so when the file can not be written', async () => {
  await writeFile(file, '{}');
  const below = join(file, 'para', 'config.json');
  expect(await refusal(() => setConfigValue(below, 'docker.enabled', 'true'))).toMatchObject({
    code: 'CONFIG_UNREADABLE',
    message: `${below}: can not be written (ENOTDIR)`,
  });
});

test('writes where a link leads, and leaves the link', async () => {
  const real = join(dir, 'real.json');
  await symlink('real.json', file);
  await setConfigValue(file, 'docker.enabled', 'true');
  await setConfigValue(file, 'git.push', 'never');
  expect((await lstat(file)).isSymbolicLink()).toBe(true);
  expect(JSON.parse(await readFile(real, 'utf8'))).toEqual({
    docker: { enabled: true },
    git: { push: 'never' },
  });
});

test.each([
  ['docker.enabled', 'maybe', 'docker.enabled: expected true or false, found "maybe"'],
  [
    'docker.engine',
    'dokcer',
    'docker.engine: expected "auto", "docker" or "podman", found "dokcer"; did you mean "docker"?',
  ],
  [
    'docker.default_resource_limits.memory_limit',
    '5m',
    'docker.default_resource_limits.memory_limit: expected a size of at least "6m", found "5m"',
  ],
  ['docker.default_volumes.0.source', '$HOME', 'docker.default_volumes[0]: the key "target" is missing'],
  [
    'docker.network',
    '{"mode":"bridge"',
    'docker.network: expected an object, found "{\\"mode\\":\\"bridge\\""',
  ],
])('leaves the file when %s may not be %s', async (key, raw, message) => {
  await writeFile(file, '{}');
  const error = await refusal(() => setConfigValue(file, key, raw));
  expect(error).toMatchObject({ code: 'CONFIG_INVALID', message });
  expect(error.hint).toMatch(/^Nothing was changed\. /);
  expect(await text()).toBe('{}');
});

test('does not set what no file may hold', async () => {
  const error = await refusal(() => setConfigValue(file, 'docker.imge', 'a'));
  expect(error).toMatchObject({
    message: 'unknown setting "docker.imge"',
    hint: 'Did you mean docker.default_image?',
  });
  await expect(stat(file)).rejects.toThrow('ENOENT');
});

test('says so when there is nothing to set in', async () => {
  await writeFile(file, '{"ide":{"name":"claude"}}');
  expect((await refusal(() => setConfigValue(file, 'ide.name.first', 'a'))).message).toBe(
    '"ide.name" is not an object, so nothing can be set in it',
  );
});

test('does not touch an invalid file', async () => {
  await writeFile(file, '{"docker":{"enabled":1,}}');
  const error = await refusal(() => setConfigValue(file, 'docker.enabled', 'true'));
  expect(error.message).toContain(`${file}:1:24: expected a key in double quotes, found "}"`);
  expect(error.hint).toBe('Nothing was changed. Correct the file by hand first.');
  expect(await text()).toBe('{"docker":{"enabled":1,}}');
});

test('refuses in a project what its file may not hold, and a link there', async () => {
  const project = join(dir, '.para', 'config.json');
  await mkdir(join(dir, '.para'));
  expect((await refusal(() => setConfigValue(project, 'docker.allowed_mounts', '["/"]'))).message).toContain(
    'a project may not set this',
  );
  await setConfigValue(project, 'docker.enabled', 'true');
  await rm(project);
  await symlink(file, project);
  expect((await refusal(() => setConfigValue(project, 'docker.enabled', 'true'))).message).toContain(
    'a symbolic link',
  );
});
