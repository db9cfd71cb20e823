import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import configSchema from '../../schemas/config.schema.json' with { type: 'json' };
import dockerSchema from '../../schemas/docker.schema.json' with { type: 'json' };
import { DEFAULTS } from '../../src/config/defaults.ts';
import { footprint } from '../support/footprint.ts';
import { runPara, type RunOptions } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
let user: string;
let project: string;

beforeEach(() => {
  repo = tempRepo();
  user = join(repo.base, 'home/.config/para/config.json');
  project = join(repo.root, '.para/config.json');
});
afterEach(() => {
  repo.remove();
});

function settings(file: string, content: object | string): void {
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
}

/** What `config …` answers, when all is well. */
async function answer(line: string, options: RunOptions = {}): Promise<string> {
  const { code, stdout, stderr } = await runPara(repo, `config ${line}`, options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.trimEnd();
}

describe('show', () => {
  test('the defaults', async () => {
    expect(JSON.parse(await answer('show'))).toEqual(DEFAULTS);
  });

  test('project over user over defaults; --origin names the file of each', async () => {
    settings(user, { docker: { enabled: true, default_image: 'user:1' }, git: { push: 'never' } });
    settings(project, { docker: { default_image: 'project:1' } });
    const shown = JSON.parse(await answer('show')) as typeof DEFAULTS;
    expect(shown.docker).toMatchObject({ enabled: true, default_image: 'project:1' });
    const lines = (await answer('show --origin')).split('\n').map((line) => line.replaceAll(/ +/g, ' '));
    expect(lines).toEqual(
      expect.arrayContaining([
        `docker.enabled = true ${user}`,
        `docker.default_image = "project:1" ${project}`,
        `git.push = "never" ${user}`,
        'git.remote = null default',
        'docker.default_resource_limits.memory_limit = "4g" default',
        'docker.default_volumes = [{"source":"$WORKTREE","target":"/workspace","read_only":false}] default',
      ]),
    );
  });

  test('--json', async () => {
    settings(user, { git: { push: 'never' } });
    expect(JSON.parse(await answer('show --json'))).toEqual({
      ...{ schema: 1, ok: true },
      config: { ...DEFAULTS, git: { ...DEFAULTS.git, push: 'never' } },
    });
    const { origin } = JSON.parse(await answer('show --origin --json')) as { origin: object };
    expect(origin).toMatchObject({ 'git.push': user, 'git.remote': 'default' });
  });

  test('PARA_CONFIG_PATH, then XDG_CONFIG_HOME, say where the user’s are; no repository is needed', async () => {
    settings(join(repo.base, 'mine.json'), { git: { push: 'always' } });
    settings(join(repo.base, 'xdg/para/config.json'), { git: { push: 'never' } });
    const xdg = { XDG_CONFIG_HOME: join(repo.base, 'xdg') };
    const both = { ...xdg, PARA_CONFIG_PATH: join(repo.base, 'mine.json') };
    expect(await answer('get git.push', { cwd: repo.base, env: xdg })).toBe('never');
    expect(await answer('get git.push', { cwd: repo.base, env: both })).toBe('always');
  });
});

describe('get', () => {
  test.each([
    ['docker.default_image', 'ubuntu:latest'],
    ['docker.enabled', 'false'],
    ['docker.default_resource_limits.memory_limit', '4294967296'],
    ['docker.default_volumes[0].target', '/workspace'],
    ['docker.allowed_mounts', '[]'],
  ])('%s', async (key, value) => {
    expect(await answer(`get ${key}`)).toBe(value);
  });

  test('--json', async () => {
    expect(JSON.parse(await answer('get docker.enabled --json'))).toEqual({
      ...{ schema: 1, ok: true, key: 'docker.enabled', value: false },
    });
  });

  test('a key that is none: the nearest', async () => {
    const { code, stdout, stderr } = await runPara(repo, 'config get docker.default_imgae');
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
    expect(stderr).toBe('✗ unknown setting "docker.default_imgae"\n  ↳ Did you mean docker.default_image?\n');
  });
});

describe('set', () => {
  test('in the user’s file, which it makes; the repository stays as it is', async () => {
    const before = footprint(repo);
    expect(await answer('set docker.enabled true')).toBe(`docker.enabled is set in ${user}`);
    expect(JSON.parse(readFileSync(user, 'utf8'))).toEqual({ docker: { enabled: true } });
    expect(await answer('get docker.enabled')).toBe('true');
    expect(footprint(repo)).toEqual(before);
  });

  test('--project: in the repository’s, from a worktree too', async () => {
    await runPara(repo, 'start fix');
    const cwd = join(repo.root, '.para/worktrees/fix');
    expect(JSON.parse(await answer('set --project docker.default_image 007 --json', { cwd }))).toEqual({
      ...{ schema: 1, ok: true, key: 'docker.default_image', file: project },
    });
    expect(JSON.parse(readFileSync(project, 'utf8'))).toEqual({ docker: { default_image: '007' } });
    expect(existsSync(user)).toBe(false);
  });

  test('comments and layout stay', async () => {
    settings(user, '{\n  // mine\n  "git": { "push": "auto" } // so\n}\n');
    await answer('set git.push never');
    expect(readFileSync(user, 'utf8')).toBe('{\n  // mine\n  "git": { "push": "never" } // so\n}\n');
  });

  test.each<[string, readonly string[], RegExp]>([
    ['a value of another type', ['docker.enabled', 'perhaps'], /docker\.enabled: expected true or false/],
    ['a word that is none', ['docker.hardening', 'strikt'], /docker\.hardening: .*"strikt"/],
    ['a key that is none', ['docker.enabeld', 'true'], /unknown setting "docker\.enabeld"/],
    ['the user’s own, for the project', ['--project', 'docker.allowed_mounts', '["/"]'], /allowed_mounts/],
  ])('%s: an error, and nothing is written', async (_what, argv, message) => {
    const before = footprint(repo);
    const { code, stdout, stderr } = await runPara(repo, ['config', 'set', ...argv]);
    expect(stderr).toMatch(message);
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
    expect(existsSync(user)).toBe(false);
    expect(footprint(repo)).toEqual(before);
  });

  test('a file with a mistake is not touched', async () => {
    settings(user, '{ "git": { "push": "perhaps" } }');
    const { code, stderr } = await runPara(repo, 'config set docker.enabled true');
    expect(stderr).toContain('↳ Nothing was changed. Correct the file by hand first.');
    expect(code).toBe(5);
    expect(readFileSync(user, 'utf8')).toBe('{ "git": { "push": "perhaps" } }');
  });

  test('--project outside a repository', async () => {
    const line = 'config set --project docker.enabled true';
    expect(await runPara(repo, line, { cwd: repo.base })).toMatchObject({ code: 4, stdout: '' });
  });
});

describe('path', () => {
  test('both files, there or not', async () => {
    expect(await answer('path')).toBe(`user     ${user}\nproject  ${project}`);
    expect(JSON.parse(await answer('path --json'))).toEqual({ schema: 1, ok: true, user, project });
  });

  test('outside a repository', async () => {
    expect(await answer('path', { cwd: repo.base })).toBe(`user     ${user}\nproject  (not in a repository)`);
    expect(JSON.parse(await answer('path --json', { cwd: repo.base }))).toMatchObject({ project: null });
  });
});

describe('schema', () => {
  test.each([
    ['schema', configSchema],
    ['schema config', configSchema],
    ['schema docker', dockerSchema],
  ])('%s', async (line, schema) => {
    expect(JSON.parse(await answer(line))).toEqual(schema);
  });

  test('of something else: usage', async () => {
    expect(await runPara(repo, 'config schema other')).toMatchObject({ code: 2, stdout: '' });
  });
});

describe('a mistake in a file', () => {
  test.each(['show', 'get git.push', 'show --origin'])('%s: file, place, what was meant', async (line) => {
    settings(project, '{\n  "docker": { "enabeld": true }\n}\n');
    const { code, stdout, stderr } = await runPara(repo, `config ${line}`);
    expect(stderr).toContain(project);
    expect(stderr).toMatch(/enabeld.*enabled/s);
    expect({ code, stdout }).toEqual({ code: 5, stdout: '' });
  });

  test('path and schema answer all the same', async () => {
    settings(project, '{');
    expect(await answer('path')).toContain(project);
    expect(await answer('schema')).toContain('"$schema"');
  });
});

describe('settings that do nothing', () => {
  test('set warns, and show does not show them', async () => {
    const { code, stderr } = await runPara(repo, ['config', 'set', 'ide.name', 'vim']);
    expect(stderr).toBe('▲ ide.name is accepted for the sake of other tools; para does not use it\n');
    expect(code).toBe(0);
    expect(readFileSync(user, 'utf8')).toContain('"vim"');
    expect(await answer('show')).not.toContain('vim');
    expect(await answer('show --origin')).not.toContain('ide');
    expect(await answer('set git.push never')).toContain('git.push is set');
  });
});

describe('unset', () => {
  test('the default holds again; comments and the other settings stay', async () => {
    settings(user, '{\n  // mine\n  "git": { "push": "never", "remote": "up" }\n}\n');
    expect(await answer('unset git.push')).toBe(`git.push is not set any more in ${user}`);
    expect(readFileSync(user, 'utf8')).toMatch(/^{\n {2}\/\/ mine\n {2}"git": { ?"remote": "up" }\n}\n$/);
    expect(await answer('get git.push')).toBe('auto');
    expect(await answer('unset git.push')).toBe(`git.push was not set in ${user}`);
    expect(await runPara(repo, 'config unset git.psuh')).toMatchObject({ code: 5 });
  });
});

test('get: what a map does not hold is not set, and no mistake', async () => {
  expect(await answer('get docker.default_environment.FOO')).toBe('null');
});

test('a prefix that no branch can have: refused, and named when a file has it', async () => {
  const set = await runPara(repo, ['config', 'set', 'git.branch_prefix', 'bad..']);
  expect(set.stderr).toContain('✗ git.branch_prefix: expected the first part of a branch name');
  expect(set.code).toBe(5);
  expect(existsSync(user)).toBe(false);
  settings(user, { git: { branch_prefix: 'a b' } });
  const start = await runPara(repo, 'start fix');
  expect(start.stderr).toContain('git.branch_prefix: expected the first part of a branch name');
  expect(start.code).toBe(5);
  for (const prefix of ['a/b', 'para', 'Ünï', 'x.y', 'a-b'])
    expect(await runPara(repo, ['config', 'set', '--project', 'git.branch_prefix', prefix])).toMatchObject({
      code: 0,
    });
});
