import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { spawnSync } from 'node:child_process';
import { COMMANDS } from '../../src/cli/table.ts';
import { oneOf } from '../../src/config/words.ts';
import { started } from '../support/conversation.ts';
import { runPara, type RunOptions } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;

beforeAll(async () => {
  repo = tempRepo();
  await runPara(repo, 'start alpha');
  await runPara(repo, 'start beta');
  await runPara(repo, 'start over');
  await runPara(repo, ['finish', 'Done', 'over']);
  await started(repo, 'docker', 'boxed');
});
afterAll(() => {
  repo.remove();
});

/** What completes the last of these words. */
async function complete(words: readonly string[], options: RunOptions = {}): Promise<readonly string[]> {
  const { code, stdout, stderr } = await runPara(repo, ['completion', 'words', '--', ...words], options);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  return stdout.split('\n').filter((line) => line !== '');
}

describe('words', () => {
  test('every command of the table can be reached, word by word', async () => {
    const first = [...new Set(COMMANDS.map(({ words }) => words.split(' ')[0] ?? ''))];
    expect(await complete([''])).toEqual(first);
    for (const group of ['docker', 'config'])
      expect(await complete([group, ''])).toEqual(
        COMMANDS.filter(({ words }) => words.startsWith(`${group} `)).map(
          ({ words }) => words.split(' ')[1] ?? '',
        ),
      );
  });

  test.each([['start'], ['list'], ['doctor'], ['config', 'path'], ['nonsense'], ['docker', 'nonsense']])(
    'nothing follows %s %s',
    async (...words) => {
      expect(await complete([...words.filter((word) => typeof word === 'string'), ''])).toEqual([]);
    },
  );

  test.each([
    ['queue', ['list', 'result', 'wait', 'cancel', 'signal']],
    ['network', ['log', 'learn']],
    ['pool', ['fill', 'drain']],
  ])('what docker %s does, and takes', async (command, actions) => {
    expect(await complete(['docker', command, ''])).toEqual(actions);
    const { stderr } = await runPara(repo, ['docker', command, 'nonsense']);
    expect(stderr).toContain(`is ${oneOf(actions)}, not "nonsense"`);
  });

  test('the shells', async () => {
    expect(await complete(['completion', ''])).toEqual(['bash', 'zsh', 'fish']);
  });
});

test('settings, and branches to start from', async () => {
  for (const verb of ['get', 'set', 'unset']) {
    const settings = await complete(['config', verb, '']);
    expect(settings).toEqual(
      expect.arrayContaining([
        'docker',
        'docker.enabled',
        'docker.default_resource_limits.memory_limit',
        'git.push',
      ]),
    );
    expect(settings).not.toContain('$schema');
  }
  expect(await complete(['config', 'set', 'docker.enabled', ''])).toEqual([]);
  repo.run(['branch', 'release/1']);
  repo.run(['update-ref', 'refs/remotes/origin/next', 'HEAD']);
  const branches = await complete(['start', 'new', '--base', '']);
  expect(branches).toEqual(expect.arrayContaining(['main', 'release/1', 'origin/next', 'para/alpha']));
  expect(await complete(['start', '--base', ''], { cwd: repo.base })).toEqual([]);
});

describe('flags', () => {
  test.each(COMMANDS.map(({ words }) => words))('all that %s takes, as its help has them', async (words) => {
    const entry = COMMANDS.find((each) => each.words === words);
    const own = (await entry?.load())?.default.flags ?? [];
    const offered = await complete([...words.split(' '), '--']);
    expect(offered).toEqual(expect.arrayContaining(own.map(({ word }) => word)));
    expect(offered).toEqual(
      expect.arrayContaining(['--json', '--quiet', '-q', '--engine', '--no-color', '--help', '-h']),
    );
    expect(new Set(offered).size).toBe(offered.length);
  });

  test('every option of start and finish, with what says no', async () => {
    const start = await complete(['start', '-']);
    expect(start).toEqual(
      expect.arrayContaining([
        ...['--docker', '--no-docker', '--container', '-c', '--image', '--docker-image', '--env'],
        ...['--env-file', '--port', '--volume', '--cpus', '--memory', '--base', '--dry-run'],
      ]),
    );
    expect(start).not.toContain('--no-dry-run');
    expect(await complete(['finish', 'x', '-'])).toEqual(
      expect.arrayContaining(['--branch', '-b', '--push', '--no-push', '--no-container']),
    );
  });

  test('before a command: those that stand everywhere', async () => {
    expect(await complete(['--'])).toContain('--engine');
    expect(await complete(['--'])).not.toContain('--image');
  });

  test('the value of a flag: its choices, or nothing that para knows', async () => {
    expect(await complete(['start', '--engine', ''])).toEqual(['auto', 'docker', 'podman']);
    expect(await complete(['start', '--engine', '=', 'do'])).toEqual(['auto', 'docker', 'podman']);
    expect(await complete(['start', '--image', ''])).toEqual([]);
  });
});

describe('sessions', () => {
  test.each([['docker', 'start'], ['resume'], ['cancel'], ['finish', 'A message of words']])(
    'follow %s %s, but for those that are finished',
    async (...words) => {
      expect(await complete([...words, ''])).toEqual(['alpha', 'beta', 'boxed']);
    },
  );

  test.each(['attach', 'exec', 'logs', 'stop', 'sync', 'queue list', 'network log'])(
    'follow docker %s, when they have a container',
    async (verb) => {
      expect(await complete(['docker', ...verb.split(' '), ''])).toEqual(['boxed']);
    },
  );

  test('flags and their values in between do not matter', async () => {
    expect(await complete(['--engine', 'docker', 'docker', '--quiet', 'exec', ''])).toEqual(['boxed']);
    expect(await complete(['finish', '-b', 'x/y', 'Message', ''])).toEqual(['alpha', 'beta', 'boxed']);
  });

  test('one is enough, a message comes before, and after -- para knows nothing', async () => {
    expect(await complete(['docker', 'exec', 'alpha', ''])).toEqual([]);
    expect(await complete(['finish', ''])).toEqual([]);
    expect(await complete(['finish', 'Message', 'alpha', ''])).toEqual([]);
    expect(await complete(['docker', 'exec', 'alpha', '--', ''])).toEqual([]);
    expect(await complete(['docker', 'exec', '--', '--'])).toEqual([]);
  });

  test('outside a repository: none, and no error', async () => {
    expect(await complete(['docker', 'exec', ''], { cwd: repo.base })).toEqual([]);
  });
});

describe('scripts', () => {
  const script = async (shell: string): Promise<string> =>
    (await runPara(repo, ['completion', shell])).stdout;
  const isInstalled = (shell: string): boolean => spawnSync(shell, ['-c', ':']).status === 0;

  test.each(['bash', 'zsh', 'fish'].filter(isInstalled))('%s finds no fault with its own', async (shell) => {
    const { status, stderr } = spawnSync(shell, ['-n'], { input: await script(shell), encoding: 'utf8' });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  test('bash: completes through para, by what was typed', async () => {
    const typed = 'COMP_WORDS=(para docker st); COMP_CWORD=2; _para; printf "%s\\n" "${COMPREPLY[@]}"';
    // Says what it was asked, and answers as para would.
    const para = 'para() { echo "$@" >&2; printf "start\\nstop\\nexec\\n"; }';
    const lines = `${para}\n${(await script('bash')).replace('2>/dev/null', '')}\n${typed}`;
    const { stdout, stderr } = spawnSync('bash', ['-c', lines], { encoding: 'utf8' });
    expect(stdout).toBe('start\nstop\n');
    expect(stderr).toBe('completion words -- docker st\n');
  });

  test.each([
    ['bash', 'complete -o default -F _para para'],
    ['zsh', 'compdef _para para'],
    ['fish', 'complete -c para'],
  ])('%s: registers itself for para', async (shell, line) => {
    expect(await script(shell)).toContain(line);
  });

  test('another shell: usage', async () => {
    const { code, stderr } = await runPara(repo, 'completion powershell');
    expect(stderr).toContain('↳ para completion bash|zsh|fish');
    expect(code).toBe(2);
  });

  test('--json', async () => {
    const { stdout } = await runPara(repo, 'completion bash --json');
    expect(JSON.parse(stdout)).toEqual({
      ...{ schema: 1, ok: true, shell: 'bash' },
      script: (await script('bash')).trimEnd(),
    });
  });
});
