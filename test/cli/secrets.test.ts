/** Secrets from the command line on: who gets them, when, and that nothing of them is left or said. */
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Conversation, WHICH, type Which } from '../support/conversation.ts';
import { footprint } from '../support/footprint.ts';
import { detection, runPara, type EngineCall, type RunOptions } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

const TOKEN = 'tok-0123456789-abcdef';
const LOGIN = 'login "of" many\nlines-and-words\n';
let repo: TempRepo;
beforeEach(() => {
  repo = tempRepo();
  writeFileSync(join(repo.base, 'login'), LOGIN);
});
afterEach(() => {
  repo.remove();
});

const LOGIN_SETTING = { source: 'file:$HOME/../login', as_env: 'LOGIN' };
function settings(secrets: object = { token: 'env:TOKEN', login: LOGIN_SETTING }, more: object = {}): void {
  const home = join(repo.env['HOME'] ?? '', '.config/para');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, 'config.json'), JSON.stringify({ secrets, ...more }));
}
function asks(secrets: readonly string[]): void {
  repo.write('.para/docker.json', JSON.stringify({ secrets }));
  repo.run(['add', '.para/docker.json']);
  repo.run(['commit', '-qm', 'asks']);
}
const run = (line: string, options: RunOptions = {}): ReturnType<typeof runPara> =>
  runPara(repo, line, { ...options, env: { TOKEN, ...options.env } });
const talkTo = (which: Which): Conversation => new Conversation(repo, which);
/** What is said on the way to a container; `told` gets what the engine's client is told on stdin. */
function toContainer(talk: Conversation, told: (input: string) => void = () => undefined): EngineCall[] {
  const secrets = talk.secrets({ effect: (input) => told(input as string) });
  return [talk.imageThere(), talk.networkThere(), talk.create({ secrets: true }), talk.start(), secrets];
}
const held = (): boolean => existsSync(join(repo.root, '.para/state/docker/fix/cmd/held'));

/** Nothing of a value, in any of its forms, is in the text. */
function expectNone(text: string): void {
  for (const value of [TOKEN, ...LOGIN.trim().split('\n')])
    for (const form of [value, JSON.stringify(value).slice(1, -1), Buffer.from(value).toString('base64')])
      expect(text).not.toContain(form);
}

describe.each(WHICH)('%s', (which) => {
  test('they go in over stdin after each start, and are nowhere else', async () => {
    settings();
    const talk = talkTo(which);
    const told: string[] = [];
    const calls = [...detection(which), ...toContainer(talk, (input) => told.push(input))];
    const start = await run(`start fix --docker --verbose --engine ${talk.engine}`, { calls });
    expect(start).toMatchObject({ code: 0 });
    expect(told).toEqual([
      [
        '=token',
        `+${TOKEN}`,
        '=login',
        '+login\\040\\042of\\042\\040many\\012lines-and-words\\012',
        '.',
        '',
      ].join('\n'),
    ]);
    const again = await run('docker start fix --verbose', {
      calls: [talk.wake(), talk.secrets({ effect: (input) => told.push(input as string) })],
    });
    expect({ code: again.code, same: told[0] === told[1], held: held() }).toEqual({
      ...{ code: 0, same: true, held: false },
    });
    expectNone(start.stdout + start.stderr + again.stdout + again.stderr + everything());
    const record = readFileSync(join(repo.root, '.para/state/fix.state'), 'utf8');
    expect(JSON.parse(record)).toMatchObject({
      container: { made_with: { secrets: [{ name: 'token' }, { name: 'login', as_env: 'LOGIN' }] } },
    });
  });
});

/** Every file of the repository and every object of git. */
function everything(): string {
  const files = readdirSync(repo.root, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'latin1'));
  return [...files, repo.run(['cat-file', '--batch-all-objects', '--batch'])].join('\n');
}

test('one that can not be had stops everything before it begins', async () => {
  settings({ token: 'env:NOT_SET' });
  const before = footprint(repo);
  for (const line of ['start fix --docker', 'dispatch fix task --docker']) {
    settings({ token: 'env:NOT_SET' }, { agent: { command: ['sh', '{prompt}'] } });
    const calls = line.startsWith('start') ? detection('docker') : [];
    const { code, stderr } = await run(`${line} --engine docker`, { calls });
    expect({ code, stderr }).toEqual({
      code: 5,
      stderr: expect.stringContaining('the secret token: the variable NOT_SET is not set'),
    });
  }
  expect(footprint(repo)).toEqual(before);
});

test('one that can not be put in undoes the start', async () => {
  settings();
  const talk = talkTo('docker');
  const calls = [...toContainer(talk).slice(0, -1), talk.secrets({ exitCode: 2, stderr: `${TOKEN}\n` })];
  const { code, stderr } = await run('start fix --docker --engine docker', {
    calls: [...detection('docker'), ...calls, talk.remove()],
  });
  expect({ code, there: existsSync(join(repo.root, '.para/worktrees/fix')) }).toEqual({
    code: 1,
    there: false,
  });
  expect(stderr).toContain('the secrets could not be put into');
  expectNone(stderr);
});

test('a container that is started without its secrets keeps its queue waiting until it has them', async () => {
  settings();
  const talk = talkTo('docker');
  await run('start fix --docker --engine docker', { calls: [...detection('docker'), ...toContainer(talk)] });
  const failed = await run('docker start fix', { calls: [talk.wake(), talk.secrets({ exitCode: 2 })] });
  expect({ code: failed.code, held: held() }).toEqual({ code: 1, held: true });
  const { code } = await run('docker start fix', { calls: [talk.wake(), talk.secrets()] });
  expect({ code, held: held() }).toEqual({ code: 0, held: false });
  settings({ login: LOGIN_SETTING });
  const gone = await run('docker start fix');
  expect(gone).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('no secret token in your settings'),
  });
});

test('one that was started by hand runs without them: lists say so, and what gives them', async () => {
  settings();
  const talk = talkTo('docker');
  await run('start fix --docker --engine docker', { calls: [...detection('docker'), ...toContainer(talk)] });
  const list = async (): Promise<unknown> => {
    const calls = [talk.list([{ name: talk.container, state: 'running' }], ['label=para.role=dev'])];
    const { sessions } = JSON.parse((await run('list --json', { calls })).stdout) as Listed;
    return sessions.map(({ box, settle }) => ({ secrets: box.secrets, settle }));
  };
  expect(await list()).toEqual([{ secrets: 'given', settle: null }]);
  // What the container's main process does at each start.
  const later = new Date(Date.now() + 1000);
  utimesSync(join(repo.root, '.para/state/docker/fix/out/ready'), later, later);
  const missing = { secrets: 'missing', settle: 'para docker start fix' };
  expect(await list()).toEqual([missing]);
  const shown = await run('list', {
    calls: [talk.list([{ name: talk.container, state: 'running' }], ['label=para.role=dev'])],
    env: { COLUMNS: '80' },
  });
  expect(shown.stdout).toMatch(/^fix .*running .*no secr/m);
  expect(shown.stderr).toContain('fix runs without its secrets');
  expect(shown.stderr).toContain('to give it them: para docker start fix');
  const boxes = await run('docker list', {
    calls: [talk.list([{ name: talk.container, state: 'running' }])],
  });
  expect(boxes.stdout).toContain('no secrets');
  const past = new Date(0);
  utimesSync(join(repo.root, '.para/state/docker/fix/out/ready'), past, past);
  expect(await list()).toEqual([{ secrets: 'given', settle: null }]);
  writeFileSync(join(repo.root, '.para/state/docker/fix/cmd/held'), '');
  expect(await list()).toEqual([missing]);
});

interface Listed {
  readonly sessions: readonly {
    readonly box: { readonly secrets: string };
    readonly settle: string | null;
  }[];
}

test('--dry-run names them and reads none', async () => {
  settings({ token: 'env:NOT_SET', vault: 'op://v/i/f', login: LOGIN_SETTING });
  const line = 'start fix --docker --dry-run --engine docker';
  const { stdout } = await run(line, { calls: detection('docker') });
  expect(stdout).toContain(
    'with the secret token (env)\nwith the secret vault (op)\nwith the secret login (file)',
  );
  const { stdout: json } = await run(`${line} --json`);
  expect(JSON.parse(json)).toMatchObject({
    secrets: [
      { name: 'token', source: 'env' },
      { name: 'vault', source: 'op' },
      { name: 'login', source: 'file', as_env: 'LOGIN' },
    ],
  });
});

describe('a repository', () => {
  test('may ask for one by name', async () => {
    settings({ token: { source: 'env:TOKEN', repositories: [repo.root] } });
    asks(['token']);
    const calls = [...detection('docker'), ...toContainer(talkTo('docker'))];
    expect(await run('start fix --docker --engine docker', { calls })).toMatchObject({ code: 0 });
  });

  test('gets none that is for others, and none that there is not', async () => {
    settings({ token: { source: 'env:TOKEN', repositories: ['~/other'] } });
    const ask = (): ReturnType<typeof run> => run('start fix --docker --dry-run --engine docker --json');
    await run('start x --docker --dry-run --engine docker', { calls: detection('docker') });
    expect(JSON.parse((await ask()).stdout)).toMatchObject({ secrets: [] });
    asks(['token']);
    expect(await ask()).toMatchObject({
      code: 10,
      stdout: expect.stringContaining('which your settings give to other repositories only'),
    });
    const sha256 = createHash('sha256')
      .update(readFileSync(join(repo.root, '.para/docker.json')))
      .digest('hex');
    expect(await run(`docker trust --yes --sha256 ${sha256}`)).toMatchObject({ code: 0 });
    expect(JSON.parse((await ask()).stdout)).toMatchObject({ secrets: [{ name: 'token', source: 'env' }] });
    asks(['nothing']);
    expect(await ask()).toMatchObject({
      code: 5,
      stdout: expect.stringContaining('there is no secret nothing'),
    });
  });

  test('never says where one is', async () => {
    repo.write('.para/config.json', JSON.stringify({ secrets: { token: 'env:TOKEN' } }));
    expect(await run('start fix --docker')).toMatchObject({
      code: 5,
      stderr: expect.stringContaining('by name'),
    });
  });
});

test('a value in the place of its source is not told', async () => {
  for (const secrets of [{ token: TOKEN }, { token: { source: TOKEN } }, { token: `cmd:[${TOKEN}]` }]) {
    settings(secrets);
    const { code, stdout, stderr } = await run('config show --json');
    expect(code).toBe(5);
    expectNone(stdout + stderr);
  }
});

test('--env of what sounds like one says how it is done', async () => {
  const { code, stderr } = await run('start fix --env MY_TOKEN');
  expect({ code, stderr }).toEqual({
    code: 2,
    stderr: expect.stringContaining('para config set secrets.my_token env:MY_TOKEN'),
  });
});

describe.each(WHICH)(
  'a login that is renewed where it is used, and is in another live container: %s',
  (which) => {
    const LOGGED_OUT = 'too: when one of them renews it';
    const loggedIn = (talk: Conversation): EngineCall[] => [
      ...detection(which),
      talk.listLogin('login'),
      ...toContainer(talk).map((call) =>
        call.argv[1] === 'create' ? talk.create({ secrets: true, logins: ['login'] }) : call,
      ),
    ];
    beforeEach(() => {
      settings({ login: { ...LOGIN_SETTING, rotating: true }, token: 'env:TOKEN' });
    });

    test('it is said, of this repository', async () => {
      const talk = talkTo(which);
      const first = await run(`start fix --docker --engine ${talk.engine}`, { calls: loggedIn(talk) });
      expect(first).toMatchObject({ code: 0, stderr: expect.not.stringContaining('login') as unknown });
      const own = { name: talk.container, state: 'running' };
      const dry = `start other --docker --dry-run --engine ${talk.engine}`;
      const second = await run(dry, { calls: [talk.listLogin('login', [own])] });
      expect(second.stderr).toContain(
        `▲ the login login is in the container of fix ${LOGGED_OUT}, the other is logged out; a login of its own for each, or a key that stays the same, does not have this\n`,
      );
      expect(second.stderr).not.toContain('token');
      // It costs no call to wake one.
      const again = await run('docker start fix --dry-run');
      expect(again.stderr).not.toContain('login');
    });

    test('and of others, by a label', async () => {
      const talk = talkTo(which);
      const theirs = ['running', 'exited'].map((state, n) => ({ name: `para-0000000${String(n)}-s`, state }));
      const dry = `start fix --docker --dry-run --engine ${talk.engine}`;
      const calls = [...detection(which), talk.listLogin('login', theirs)];
      const { stderr } = await run(dry, { calls });
      expect(stderr).toContain(
        `▲ the login login is in para-00000000-s, of another repository, ${LOGGED_OUT}`,
      );
      expect(stderr).not.toContain('para-00000001-s');
    });

    test('an engine that does not answer that stops nothing by it', async () => {
      const talk = talkTo(which);
      const calls = [
        ...detection(which),
        { ...talk.listLogin('login'), exitCode: 1, stdout: '', stderr: 'no\n' },
      ];
      expect(await run(`start fix --docker --dry-run --engine ${talk.engine}`, { calls })).toMatchObject({
        code: 0,
      });
    });
  },
);
