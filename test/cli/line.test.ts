/** Command lines that are refused before anything is read, and what they are told. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { runPara, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;

beforeAll(async () => {
  repo = tempRepo();
  expect(await runPara(repo, 'start fix')).toMatchObject({ code: 0 });
});
afterAll(() => {
  repo.remove();
});

const para = (argv: readonly string[], cwd?: string): Promise<Ran> =>
  runPara(repo, argv, cwd === undefined ? {} : { cwd });
const fix = (): string => join(repo.root, '.para/worktrees/fix');

describe('an unknown command: what was meant, if anything was', () => {
  test.each<[string, string | undefined]>([
    ['strat', 'para start'],
    ['rm', 'para cancel, or para clean'],
    ['stats', 'para docker stats'],
    ['statsu', 'para status'],
    ['exec', 'para docker exec'],
    ['stop', 'para docker stop'],
    ['dokcer list', 'para docker'],
    ['docker ps', 'para docker list'],
    ['docker lst', 'para docker list'],
    ['config list', 'para config show'],
    ['frobnicate', undefined],
    ['docker frobnicate', undefined],
  ])('%s', async (line, meant) => {
    const { code, stdout, stderr } = await para(line.split(' '));
    const words = line.startsWith('dokcer') ? 'dokcer' : line;
    const group = words.startsWith('docker ') ? 'docker ' : words.startsWith('config ') ? 'config ' : '';
    const guess = meant === undefined ? '' : `  ↳ Did you mean ${meant}?\n`;
    expect(stderr).toBe(`✗ unknown command "${words}"\n${guess}  ↳ para ${group}--help\n`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
  });
});

describe('what yargs would take, and para does not', () => {
  test.each<[readonly string[], string]>([
    [['start', '--name', 'x'], 'unknown argument: --name'],
    [['start', 'x', '--no-image'], 'unknown argument: --no-image'],
    [['list', '--', '-x'], 'words after -- are for docker exec alone'],
    [['start', '--', '-x'], 'words after -- are for docker exec alone'],
    [['start', 'x', '--', '--dry-run'], 'words after -- are for docker exec alone'],
    [['start', 'x', '--docker', '--no-docker'], '--docker and --no-docker contradict each other'],
    [['start', 'x', '-c', '--no-docker'], '-c and --no-docker contradict each other'],
    [['finish', 'Done', 'fix', '--session', 'fix'], 'unknown argument: --session'],
    [['finish', 'Done', 'fix', '--push', '--no-push'], '--push and --no-push contradict each other'],
    [
      ['start', 'x', '--no-docker', '--port', '80'],
      '--port is about the container, and --no-docker wants none',
    ],
    [['start', 'x', '--cpus=1', '--no-docker'], '--cpus is about the container, and --no-docker wants none'],
  ])('%j', async (argv, message) => {
    const { code, stdout, stderr } = await para(argv);
    expect(stderr).toContain(`✗ ${message}`);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(existsSync(join(repo.root, '.para/worktrees/x'))).toBe(false);
    expect(existsSync(fix())).toBe(true);
  });
});

describe('finish: which word is the message', () => {
  test('the only word is a session: it is not taken for the message of another one', async () => {
    for (const cwd of [repo.root, fix()]) {
      const { code, stderr } = await para(['finish', 'fix'], cwd);
      expect(stderr).toBe(
        '✗ fix is a session, and a message is needed\n  ↳ Did you mean: para finish "What was done" fix\n',
      );
      expect(code).toBe(2);
    }
  });

  test.each([[['finish']], [['finish', 'fix', 'other', '-m', 'Done']]])('%j', async (argv) => {
    expect(await para(argv, fix())).toMatchObject({ code: 2 });
    expect(existsSync(fix())).toBe(true);
  });

  test('-m, as git has it: the first word is the session', async () => {
    expect(await para(['finish', '-m', 'Done so', 'fix', '--dry-run', '--json'])).toMatchObject({ code: 0 });
    repo.run(['-C', fix(), 'commit', '-q', '--allow-empty', '-m', 'x']);
    const ran = await para(['finish', 'fix', '--message', 'Done so']);
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toContain('Finished fix');
  });
});

test.each(['--image node:22', '--port 80', '--memory 1g', '--env A=1'])(
  'start %s: a container is meant',
  async (flags) => {
    const { stderr } = await runPara(repo, `start boxed ${flags} --dry-run`, {
      env: { DOCKER_HOST: 'ssh://x', CONTAINER_HOST: 'ssh://x' },
    });
    expect(stderr).toContain('no container engine answers');
  },
);
