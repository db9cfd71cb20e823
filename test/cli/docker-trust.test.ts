import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { Conversation, mount, type Wanted } from '../support/conversation.ts';
import { footprint } from '../support/footprint.ts';
import { detection, runPara, type Ran } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
let data: string;
beforeEach(() => {
  repo = tempRepo();
  data = join(repo.base, 'data');
  mkdirSync(data);
});
afterEach(() => {
  repo.remove();
});

const store = (): string => join(repo.base, 'home/.local/state/para/trust');
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Commits files, so that a session starts with them. */
function commit(files: Readonly<Record<string, string>>, cwd = repo.root): void {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(join(cwd, path, '..'), { recursive: true });
    writeFileSync(join(cwd, path), text);
  }
  repo.run(['add', '-f', ...Object.keys(files)], { cwd });
  repo.run(['commit', '-qm', 'settings'], { cwd });
}

const mounting = (source = data): string => JSON.stringify({ volumes: [{ source, target: '/data' }] });

function approve(text: string, ...more: readonly string[]): Promise<Ran> {
  return runPara(repo, ['docker', 'trust', ...more, '--yes', '--sha256', hash(text)]);
}

/** Starts `fix`, and holds para to the container that was wanted. */
async function starts(line: string, wanted: Wanted): Promise<Ran> {
  const docker = new Conversation(repo);
  const known = existsSync(join(repo.base, 'home/.cache/para'));
  const ran = await runPara(repo, line, {
    calls: [
      ...(known ? [] : detection('docker')),
      ...[docker.imageThere(wanted.image), docker.networkThere(), docker.create(wanted), docker.start()],
    ],
  });
  expect(ran).toMatchObject({ code: 0 });
  return ran;
}

/** A start is refused before anything is made, and names the command. */
async function refused(line: string, words: string): Promise<Ran> {
  const before = footprint(repo);
  const ran = await runPara(repo, line);
  expect(ran.stderr).toContain(words);
  expect(ran.stderr).toContain('para docker trust');
  expect(ran.code).toBe(10);
  expect(footprint(repo)).toEqual(before);
  return ran;
}

describe('a mount that a repository asks for', () => {
  test('is shown, approved by its hash, used; and asked anew when a byte changes', async () => {
    commit({ '.para/docker.json': mounting() });
    await refused('start fix --docker', `.para/docker.json mounts ${data} at /data`);

    const shown = await runPara(repo, 'docker trust --show');
    expect(shown).toMatchObject({ code: 0, stdout: expect.stringContaining(hash(mounting())) as unknown });
    expect(shown.stdout).toContain(`not approved`);
    expect(shown.stdout).toContain(`  mounts ${data} at /data, to read and write`);
    expect(existsSync(store())).toBe(false);

    expect(await approve(mounting())).toMatchObject({ code: 0 });
    const [file = ''] = readdirSync(store());
    expect(statSync(join(store(), file)).mode & 0o777).toBe(0o600);
    await starts('start fix --docker', { volumes: mount(data, '/data') });

    commit({ '.para/docker.json': `${mounting()}\n` });
    await refused('start other --docker', 'which you have not approved');
  });

  test('a link that leads elsewhere since is another mount', async () => {
    symlinkSync(data, join(repo.root, 'link'));
    commit({ '.para/docker.json': mounting('$REPO/link') });
    expect(await approve(mounting('$REPO/link'))).toMatchObject({ code: 0 });
    mkdirSync(join(repo.base, 'private'));
    rmSync(join(repo.root, 'link'));
    symlinkSync(join(repo.base, 'private'), join(repo.root, 'link'));
    await refused('start fix --docker', `mounts ${join(repo.base, 'private')} at /data`);
  });

  test('what nobody gets can not be approved', async () => {
    mkdirSync(join(repo.base, 'home/.ssh'));
    const text = mounting('~/.ssh');
    commit({ '.para/docker.json': text });
    expect(await approve(text)).toMatchObject({
      code: 10,
      stderr: expect.stringContaining('credentials') as unknown,
    });
    expect(existsSync(store())).toBe(false);
  });

  test('an approval is of one repository, one file and these bytes', async () => {
    commit({ '.para/docker.json': mounting() });
    await approve(mounting());
    const [file = ''] = readdirSync(store());
    const path = join(store(), file);
    const good = JSON.parse(readFileSync(path, 'utf8')) as Record<string, unknown>;
    for (const lie of [
      { repository: '/elsewhere' },
      { file: '.para/config.json' },
      { sha256: hash('') },
      { effects: [] },
      { schema: 2 },
    ]) {
      writeFileSync(path, JSON.stringify({ ...good, ...lie }));
      await refused('start fix --docker', 'which you have not approved');
    }
    renameSync(path, `${path}.real`);
    writeFileSync(`${path}.real`, JSON.stringify(good));
    symlinkSync(`${path}.real`, path);
    await refused('start fix --docker', 'which you have not approved');
  });
});

describe('the command', () => {
  test('without a terminal: refused, with what to type; and it is right', async () => {
    commit({ '.para/docker.json': mounting() });
    const ran = await runPara(repo, 'docker trust');
    expect(ran).toMatchObject({ code: 10, stdout: '' });
    const line = `docker trust --yes --sha256 ${hash(mounting())}`;
    expect(ran.stderr).toContain(`para ${line}`);
    expect(existsSync(store())).toBe(false);
    expect(await runPara(repo, line)).toMatchObject({ code: 0 });
    expect(await runPara(repo, 'docker trust')).toMatchObject({ code: 0 });
  });

  test.each([
    ['docker trust --yes', 2, '--yes and --sha256 go together'],
    ['docker trust --sha256 abc --yes', 2, 'not 64 hexadecimal digits'],
    [`docker trust --yes --sha256 ${hash('x')}`, 10, 'no file that waits for approval'],
    ['docker trust --show --revoke', 2, 'do not go together'],
    ['docker trust ./no/such', 2, 'neither a session nor a directory'],
    ['docker trust nobody', 3, 'no session nobody'],
  ])('%s', async (line, code, words) => {
    commit({ '.para/docker.json': mounting() });
    const ran = await runPara(repo, line);
    expect(ran.stderr).toContain(words);
    expect(ran.code).toBe(code);
    expect(existsSync(store())).toBe(false);
  });

  test('for scripts: a document; revoked, it is as before', async () => {
    commit({ '.para/docker.json': mounting() });
    const files = async (): Promise<unknown> =>
      (JSON.parse((await runPara(repo, 'docker trust --show --json')).stdout) as { files: unknown }).files;
    const text = `mounts ${data} at /data, to read and write`;
    const row = { file: '.para/docker.json', sha256: hash(mounting()), changed: false };
    const effects = [{ kind: 'mount', text }];
    expect(await files()).toEqual([{ ...row, approved: false, effects }]);
    await approve(mounting());
    expect(await files()).toEqual([{ ...row, approved: true, effects }]);
    const all = JSON.parse((await runPara(repo, 'docker trust --list --json')).stdout) as {
      approvals: readonly object[];
    };
    expect(all.approvals).toMatchObject([{ repository: repo.root, effects: [text] }]);
    expect(await runPara(repo, 'docker trust --list')).toMatchObject({ code: 0 });
    expect(await runPara(repo, 'docker trust --revoke')).toMatchObject({ code: 0 });
    expect(await files()).toEqual([{ ...row, approved: false, effects }]);
  });

  test('another base, and another directory', async () => {
    repo.run(['switch', '-qc', 'side']);
    commit({ '.para/docker.json': mounting() });
    repo.run(['switch', '-q', 'main']);
    expect((await runPara(repo, 'docker trust --show')).stdout).toContain('Nothing in');
    const ran = await refused('start fix --docker --base side', `mounts ${data}`);
    expect(ran.stderr).toContain('para docker trust --base side\n');
    const there = { cwd: repo.base };
    const line = ['docker', 'trust', './repo', '--base', 'side', '--yes', '--sha256', hash(mounting())];
    expect(await runPara(repo, line, there)).toMatchObject({ code: 0 });
    await starts('start fix --docker --base side', { volumes: mount(data, '/data') });
  });
});

describe('a project’s settings', () => {
  test('looser than the user’s: refused, and as asked once approved', async () => {
    const text = '{"docker":{"hardening":"off"}}';
    commit({ '.para/config.json': text });
    await refused('start fix --docker', '.para/config.json sets docker.hardening to "off"');
    expect(await runPara(repo, 'list')).toMatchObject({ code: 0 });
    await approve(text);
    await starts('start fix --docker', { hardening: [] });
  });

  test('no container where the user wants one: nothing runs on this machine', async () => {
    const settings = join(repo.base, 'home/.config/para/config.json');
    mkdirSync(join(settings, '..'), { recursive: true });
    writeFileSync(settings, '{"docker":{"enabled":true}}');
    commit({ '.para/config.json': '{"docker":{"enabled":false}}' });
    await refused('start fix', 'sets docker.enabled to false');
    expect(await runPara(repo, 'start fix --no-docker')).toMatchObject({ code: 0 });
  });

  test('the user’s own volumes need no approval', async () => {
    const settings = join(repo.base, 'home/.config/para/config.json');
    mkdirSync(join(settings, '..'), { recursive: true });
    writeFileSync(settings, `{"docker":{"default_volumes":[{"source":"${data}","target":"/data"}]}}`);
    await starts('start fix --docker', { volumes: mount(data, '/data') });
  });

  test('only images of the user, whoever asks', async () => {
    const settings = join(repo.base, 'home/.config/para/config.json');
    mkdirSync(join(settings, '..'), { recursive: true });
    const user = { docker: { allow_custom_images: false, default_image: 'own:1', allowed_images: ['node'] } };
    writeFileSync(settings, JSON.stringify(user));
    const ran = await runPara(repo, 'start fix --docker --image other:1');
    expect(ran.stderr).toContain(`para config set docker.allowed_images '["node","other:1"]'`);
    expect(ran.code).toBe(10);
    await starts('start fix --docker --image node:22', { image: 'node:22' });
  });

  test('a setup script runs on this machine once it is approved, and no other one', async () => {
    const script = 'touch made-by-setup';
    commit({ '.para/setup.sh': script });
    const made = (session: string): boolean =>
      existsSync(join(repo.root, '.para/worktrees', session, 'made-by-setup'));
    expect((await runPara(repo, 'start one')).stderr).toContain('is not run');
    expect(made('one')).toBe(false);
    await approve(script);
    expect(await runPara(repo, 'start two')).toMatchObject({ code: 0 });
    expect(made('two')).toBe(true);
    repo.write('.para/setup.sh', `${script}; touch more`);
    expect((await runPara(repo, 'start three')).stderr).toContain('is not run');
    expect(made('three')).toBe(false);
  });
});

describe('a docker.json that was changed in a session', () => {
  const BEFORE = '{"image":"team/app:1"}';
  const worktree = (): string => join(repo.root, '.para/worktrees/fix');
  const file = (): string => join(worktree(), '.para/docker.json');

  beforeEach(async () => {
    commit({ '.para/docker.json': BEFORE });
    await runPara(repo, 'start fix');
  });

  test('is not used for its container, committed or not; then it is, once approved', async () => {
    const after = '{"image":"evil/app:1"}';
    commit({ '.para/docker.json': after }, worktree());
    const docker = new Conversation(repo);
    const ran = await runPara(repo, 'docker start fix --dry-run', { calls: detection('docker') });
    expect(ran.stdout).toContain('team/app:1');
    expect(ran.stderr).toContain('para docker trust fix');

    const shown = await runPara(repo, 'docker trust fix --show');
    expect(shown.stdout).toContain(`(sha256 ${hash(after)})`);
    expect(shown.stdout).toContain('is not the one that the session was started from');
    expect(await approve(after, 'fix')).toMatchObject({ code: 0 });
    const again = await runPara(repo, 'docker start fix', {
      calls: [
        docker.imageThere('evil/app:1'),
        docker.networkThere(),
        docker.create({ image: 'evil/app:1' }),
        docker.start(),
      ],
    });
    expect(again).toMatchObject({ code: 0 });
    expect(again.stderr).not.toContain('trust');
  });

  test.each(['a link', 'a directory', 'a link above', 'nothing'])('%s in its place', async (what) => {
    rmSync(join(worktree(), '.para'), { recursive: true });
    const elsewhere = join(repo.base, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'docker.json'), '{"image":"evil/app:1"}');
    if (what === 'a link above') symlinkSync(elsewhere, join(worktree(), '.para'));
    else mkdirSync(join(worktree(), '.para'));
    if (what === 'a link') symlinkSync(join(elsewhere, 'docker.json'), file());
    if (what === 'a directory') mkdirSync(file());
    const ran = await runPara(repo, 'docker start fix --dry-run', { calls: detection('docker') });
    expect(ran.stdout).toContain('team/app:1');
    expect(ran.stderr).toContain('para docker trust fix');
    await approve('{"image":"evil/app:1"}', 'fix');
    expect(existsSync(store())).toBe(false);
  });

  test('is told of when its container is started', async () => {
    const docker = new Conversation(repo);
    const calls = [
      ...detection('docker'),
      docker.imageThere('team/app:1'),
      docker.networkThere(),
      docker.create({ image: 'team/app:1' }),
      docker.start(),
    ];
    expect((await runPara(repo, 'docker start fix', { calls })).stderr).not.toContain('has changed');
    expect((await runPara(repo, 'docker start fix --dry-run')).stderr).toBe('');
    writeFileSync(file(), '{"image":"evil/app:1","ports":');
    const ran = await runPara(repo, 'docker start fix --dry-run');
    expect(ran.stderr).toContain('has changed; its container stays as it was made');
    expect(ran.code).toBe(0);
  });
});
