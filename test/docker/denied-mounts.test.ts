import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { deniedBecause } from '../../src/docker/denied-mounts.ts';

const HOME = '/home/ann';
const because = (source: string, readOnly = false, home = HOME): Promise<string | undefined> =>
  deniedBecause(source, { home, repo: `${home}/src/app`, readOnly, storage: '/data/engine' });

describe('whether it can be written to or not', () => {
  test.each([
    ...['/var/lib/docker', '/var/lib/docker/volumes/x/_data', '/var/lib/containers/storage', '/var/lib'],
    ...['/var/lib/containerd', '/data/engine', '/data/engine/overlay2/x/diff', '/data', '~/.local'],
    ...['~/.local/share/containers', '~/.local/share/containers/storage/volumes', '~/.local/share/docker'],
  ])('%s: an engine’s', async (source) => {
    for (const readOnly of [true, false])
      expect(await because(source.replace('~', HOME), readOnly)).toMatch(/^an engine keeps its images/);
  });

  test.each([
    ...['.claude', '.claude/projects', '.claude.json', '.codex', '.gemini/oauth_creds.json', '.cursor'],
    ...['.local/share/opencode', '.config/opencode', '.npmrc', '.netrc', '.pypirc', '.config/gh', '.kube'],
    ...['.cargo', '.cargo/credentials', '.cargo/credentials.toml', '.m2', '.gradle', '.vault-token'],
    ...['.mozilla', 'Library', '.ssh', '.aws', '.docker', '.git-credentials', '.local/state/para'],
  ])('~/%s: credentials', async (name) => {
    for (const home of [HOME, '/home/bob'])
      expect(await because(`${home}/${name}`, true)).toMatch(/^~\/\S+ holds credentials$/);
  });

  test.each([
    ['/root', /another user/],
    ['/root/work', /another user/],
    ['/home/bob', /another user/],
    ['/home', /contains/],
    ['/var/spool/cron/crontabs', /belongs to the system/],
    ['/var/spool', /belongs to the system/],
  ])('%s', async (source, reason) => {
    expect(await because(source, true)).toMatch(reason);
  });
});

describe('only where it could be written to', () => {
  test.each([
    ...[
      '/usr',
      '/usr/bin',
      '/usr/sbin',
      '/usr/local',
      '/usr/local/bin',
      '/usr/local/sbin',
      '/usr/lib/systemd',
    ],
    ...['/lib', '/lib/systemd/system', '/bin', '/sbin', '/opt', '/nix/store', '~/.local/bin', '~/bin'],
    ...['~/.bashrc', '~/.cargo/bin', '~/.config/systemd/user', '~/.cache/para', '~/.cache', '~/.gitconfig'],
  ])('%s: programs', async (source) => {
    const path = source.replace('~', HOME);
    expect(await because(path)).toMatch(/^this machine runs what is in \/.*; it can be mounted read-only$/);
    expect(await because(path, true)).toBeUndefined();
  });
});

test.each([
  ...['/srv/data', '/home/bob/shared', '/var/lib/postgresql', '/usr/share/fonts', '/opt/app/data', '/mnt'],
  ...['~/.npm', '~/.cache/npm', '~/.cargo/registry', '~/.m2/repository', '~/.gradle/caches', '~/.claudette'],
  ...['~/src/app/lib', '~/src/other', '~/.config/nvim', '~/go/pkg'],
])('%s: a person may', async (source) => {
  expect(await because(source.replace('~', HOME))).toBeUndefined();
});

test('root’s own home is a home', async () => {
  expect(await because('/root/work', false, '/root')).toBeUndefined();
  expect(await because('/root/.npmrc', false, '/root')).toMatch(/credentials/);
});

describe('what is a link to somewhere', () => {
  let base: string;
  beforeAll(() => {
    base = realpathSync(mkdtempSync(join(tmpdir(), 'para-denied-')));
    for (const name of ['keys', 'tools', 'home/.local']) mkdirSync(join(base, name), { recursive: true });
    symlinkSync(join(base, 'keys'), join(base, 'home/.ssh'));
    symlinkSync(join(base, 'tools'), join(base, 'home/.local/bin'));
  });
  afterAll(() => {
    rmSync(base, { recursive: true });
  });

  test.each([
    ['keys', /~\/\.ssh holds credentials/],
    ['home/.ssh', /~\/\.ssh holds credentials/],
    ['tools', /this machine runs/],
  ])('%s', async (name, reason) => {
    expect(await because(join(base, name), false, join(base, 'home'))).toMatch(reason);
  });
});
