import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, jest, test } from '@jest/globals';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { COMMANDS } from '../../src/cli/table.ts';
import { EXIT, EXIT_OF } from '../../src/errors.ts';
import { runPara, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

const README = readFileSync(join(import.meta.dirname, '../../README.md'), 'utf8');
let repo: TempRepo;
let printed: string;

beforeAll(() => {
  repo = tempRepo();
});
afterAll(() => {
  repo.remove();
});
beforeEach(() => {
  printed = '';
  jest.spyOn(process.stdout, 'write').mockImplementation((chunk) => {
    printed += String(chunk);
    return true;
  });
});
afterEach(() => {
  jest.restoreAllMocks();
});

/** Help and version are printed by the program itself. */
async function help(line: string | readonly string[]): Promise<Ran> {
  const ran = await runPara(repo, line);
  return { ...ran, stdout: printed + ran.stdout };
}

describe('help', () => {
  test.each(COMMANDS.map(({ words, describe: what }) => [words, what]))(
    '%s --help: usage, what it does, an example',
    async (words, what) => {
      for (const flag of ['--help', '-h']) {
        printed = '';
        const { code, stdout, stderr } = await help(`${words} ${flag}`);
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
        expect(stdout).toMatch(new RegExp(`^para ${words}`));
        expect(stdout.replaceAll(/\s+/g, ' ')).toContain(what);
        expect(stdout).toMatch(new RegExp(`^Examples:\\n.*para .*${words.split(' ').at(-1) ?? ''}`, 'm'));
        expect(stdout).toMatch(/--engine +Container engine/);
      }
    },
  );

  test('each option of each command is described', async () => {
    for (const { words, load } of COMMANDS) {
      printed = '';
      const { stdout } = await help(`${words} --help`);
      for (const { word } of (await load()).default.flags.filter(({ word }) => !word.startsWith('--no-')))
        expect(stdout).toMatch(new RegExp(`(^|[ ,])${word}[ ,]`, 'm'));
    }
  });

  test('--help: every command', async () => {
    const { code, stdout, stderr } = await help('--help');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const { words } of COMMANDS) expect(stdout).toContain(`para ${words.split(' ')[0] ?? ''}`);
  });

  test.each(['docker', 'config'])('%s --help: every command of the group', async (group) => {
    const { code, stdout } = await help(`${group} --help`);
    expect(code).toBe(0);
    for (const { words, describe: what } of COMMANDS.filter((entry) => entry.words.startsWith(`${group} `))) {
      expect(stdout).toContain(`para ${words}`);
      expect(stdout.replaceAll(/\s+/g, ' ')).toContain(what);
    }
  });
});

test('para alone, without a terminal: what para can do, on stdout, and 0', async () => {
  const { code, stdout, stderr } = await help([]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(stdout).toMatch(/^para <command> \[options\]\n/);
  expect(stdout).toContain('para monitor');
});

test('help says of an option what one can not see', async () => {
  const { stdout } = await help('start --help');
  expect(stdout).not.toMatch(/\[(boolean|string|array|default: (true|false|\[\]))\]/);
  expect(stdout).toMatch(/--engine +Container engine\s+\[choices: "auto", "docker", "podman"\]/);
  expect(stdout).toContain('[default: from settings]');
  expect(stdout).not.toMatch(/ $/m);
});

test.each(['help start', 'help docker exec', 'help --help', 'help'])('%s: as --help', async (line) => {
  const { code, stdout, stderr } = await help(line);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  const words = line
    .replace(/ ?--help/, '')
    .split(' ')
    .slice(1)
    .join(' ');
  expect(stdout.startsWith(`para ${words === '' ? '<command>' : words}`)).toBe(true);
});

test('--version', async () => {
  expect(await help('--version')).toEqual({ code: 0, stdout: '0.0.0-test\n', stderr: '' });
});

describe('wrong usage: 2, one sentence, and what was meant', () => {
  test.each<[readonly string[], RegExp]>([
    [['strat'], /Did you mean para start\?/],
    [['docker', 'lst'], /Did you mean para docker list\?/],
    [['config', 'shw'], /Did you mean para config show\?/],
    [['frobnicate'], /[Uu]nknown .*frobnicate/],
    [['start', 'fix', '--dokcer'], /Did you mean --docker\?/],
    [['start', 'fix', '--imgae', 'x'], /Did you mean --image\?/],
    [['finish', 'x', '--psuh'], /Did you mean --push\?/],
    [['list', '--jsn'], /Did you mean --json\?/],
    [['list', '--zzzzzzzz'], /[Uu]nknown .*zzzzzzzz/],
    [['start', 'fix', 'more'], /[Uu]nknown .*more/],
    [['start', '--engine', 'lxc'], /--engine is auto, docker or podman, not "lxc"/],
    [['start', '--engine', 'dokcer'], /Did you mean --engine docker\?/],
    [['docker'], /say what to do/],
    [['config'], /say what to do/],
    [['--quiet'], /say what to do/],
    [['config', 'get'], /[Nn]ot enough/],
    [['completion'], /[Nn]ot enough/],
  ])('%j', async (argv, message) => {
    const { code, stdout, stderr } = await help(argv);
    expect(stderr).toMatch(message);
    expect(stderr).toMatch(/^✗ [^\n]+\n( {2}↳ [^\n]+\n)+$/);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });

  test('--json: as a document', async () => {
    const { code, stdout, stderr } = await help(['start', 'fix', '--dokcer', '--json']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: '' });
    expect(JSON.parse(stdout)).toMatchObject({ schema: 1, ok: false, error: { code: 'USAGE' } });
  });
});

describe('words that look like numbers or flags', () => {
  test.each(['007', '1e3', '0x10'])('%s is a session name, as it is', async (name) => {
    const { code, stdout } = await runPara(repo, ['start', name, '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ session: { name, branch: `para/${name}` } });
    expect(code).toBe(0);
    expect(existsSync(join(repo.root, '.para/worktrees', name))).toBe(true);
    expect(await runPara(repo, ['finish', '007', name])).toMatchObject({ code: 0 });
  });

  test('the value of a global flag is no command', async () => {
    const { code, stdout } = await help(['--engine', 'docker', 'config', 'get', 'git.push']);
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'auto\n' });
  });
});

describe('the README', () => {
  test('names every command', () => {
    const table = README.split('\n').filter((line) => /^\| `para /.test(line));
    const named = table.flatMap((line) => {
      const [, words = ''] = /^\| `para ([^`]*)`/.exec(line) ?? [];
      const [first = '', second = ''] = words.split(' ');
      return first === 'docker' || first === 'config'
        ? second.split('\\|').map((word) => `${first} ${word}`)
        : [first];
    });
    expect(named.sort()).toEqual(COMMANDS.map(({ words }) => words).sort());
  });

  test('names no flag that start and finish do not take', async () => {
    for (const command of ['start', 'finish']) {
      const line = README.split('\n').find((text) => text.startsWith(`| \`para ${command} `)) ?? '';
      const flags = (await COMMANDS.find(({ words }) => words === command)?.load())?.default.flags ?? [];
      const named = [...line.matchAll(/--?[a-z][a-z-]*/g)].map(([word]) => word);
      expect(flags.map(({ word }) => word)).toEqual(expect.arrayContaining(named));
      expect(named.length).toBeGreaterThan(2);
    }
  });

  test('has the exit codes of the catalogue', () => {
    const section = README.slice(README.indexOf('## Exit codes'), README.indexOf('## Limits'));
    const named = [...section.matchAll(/(?<![\w.])(\d+)(?=[\s/,])/g)].map(([, code]) => Number(code));
    const known = [...Object.values(EXIT), ...Object.values(EXIT_OF)];
    // 128 and the signal's number, of those that para handles besides SIGINT.
    const signals = [129, 143];
    expect([...new Set(named)].sort((a, b) => a - b)).toEqual(
      [...new Set([...known, ...signals])].sort((a, b) => a - b),
    );
  });
});
