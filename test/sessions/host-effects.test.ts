import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DEFAULTS, type Config } from '../../src/config/defaults.ts';
import type { ConfigFile, DockerFile } from '../../src/config/generated/types.ts';
import { hostEffects, withoutContainer } from '../../src/sessions/host-effects.ts';

let base: string;
beforeAll(() => {
  base = realpathSync(mkdtempSync(join(tmpdir(), 'para-effects-')));
  for (const dir of ['home/.ssh', 'repo', 'data', 'other']) mkdirSync(join(base, dir), { recursive: true });
  symlinkSync(join(base, 'other'), join(base, 'repo/link'));
});
afterAll(() => {
  rmSync(base, { recursive: true });
});

type Docker = NonNullable<ConfigFile['docker']>;

/** What is asked, in words. */
async function asked(
  project: Docker,
  file: DockerFile | undefined,
  own: Partial<Config['docker']> = {},
): Promise<readonly string[]> {
  const mine = { ...DEFAULTS, docker: { ...DEFAULTS.docker, ...own } } as Config;
  const [repo, home] = [join(base, 'repo'), join(base, 'home')];
  const worktree = join(repo, '.para/worktrees/s');
  const mountContext = { repo, home, worktree, allowed: mine.docker.allowed_mounts };
  const effects = await hostEffects({ own: mine, project: { docker: project }, file, mountContext });
  return effects.map((effect) => `${effect.file} ${effect.text}`);
}

describe('what a repository may ask for by itself', () => {
  test.each<[string, Docker, DockerFile]>([
    ['nothing', {}, {}],
    ['an image', { default_image: 'a', image_mappings: { node: 'b' } }, { image: 'c' }],
    ['the worktree', {}, { volumes: [{ source: '$WORKTREE', target: '/workspace' }] }],
    ['ports on loopback', {}, { ports: [{ host_port: 80, container_port: 80, host_ip: '::1' }] }],
    ['environment and health', { default_environment: { A: '1' } }, { health_check: { command: 'x' } }],
    ['a tighter box', { hardening: 'strict', limits: 'required', network: { mode: 'none' } }, {}],
    ['less of the machine', { default_resource_limits: { memory_limit: '1g', cpu_limit: 1 } }, {}],
    ['an engine, where the user has no wish', { engine: 'podman' }, {}],
    ['a container', { enabled: true }, {}],
  ])('%s', async (_name, project, file) => {
    expect(await asked(project, file)).toEqual([]);
  });

  test('a directory that the user allows', async () => {
    const file = { volumes: [{ source: join(base, 'data'), target: '/data' }] };
    expect(await asked({}, file, { allowed_mounts: [base] })).toEqual([]);
  });
});

describe('what needs approval', () => {
  test.each<[Docker, DockerFile | undefined, Partial<Config['docker']>, RegExp]>([
    [{ hardening: 'off' }, undefined, {}, /config\.json sets docker\.hardening to "off", which is "default"/],
    [{ hardening: 'default' }, undefined, { hardening: 'strict' }, /hardening to "default"/],
    [{ limits: 'best-effort' }, undefined, { limits: 'required' }, /limits need not hold/],
    [
      { network: { mode: 'bridge' } },
      undefined,
      { network: { ...DEFAULTS.docker.network, mode: 'none' } },
      /config\.json asks for more network .* mode bridge/,
    ],
    [{ network: { create_custom_network: false } }, undefined, {}, /shares a network/],
    [{ engine: 'docker' }, undefined, { engine: 'podman' }, /docker\.engine to "docker"/],
    [{ default_resource_limits: { memory_limit: '64g' } }, undefined, {}, /raises .*memory_limit to 64g/],
    [{ default_resource_limits: { pids_limit: 4096 } }, undefined, {}, /raises .*pids_limit to 4096/],
    [{}, { image: 'evil/x' }, { allowed_images: [] }, /docker\.json uses the image evil\/x/],
    [{ default_image: 'evil/x' }, undefined, { allowed_images: ['node'] }, /config\.json uses the image/],
    [
      {},
      { ports: [{ host_port: 80, container_port: 80, host_ip: '0.0.0.0' }] },
      {},
      /publishes port 80 on 0\.0\.0\.0/,
    ],
  ])('%j %j over %j', async (project, file, own, words) => {
    const found = await asked(project, file, own);
    expect(found).toEqual([expect.stringMatching(words)]);
  });

  test('mounts, with links resolved, from both files', async () => {
    const source = '$REPO/link';
    const project = { default_volumes: [{ source, target: '/a', read_only: true }] };
    expect(await asked(project, { volumes: [{ source: join(base, 'data'), target: '/b' }] })).toEqual([
      `.para/config.json mounts ${join(base, 'other')} at /a, to read`,
      `.para/docker.json mounts ${join(base, 'data')} at /b, to read and write`,
    ]);
  });

  test('characters that can not be seen are written out', async () => {
    mkdirSync(join(base, 'data\u202e\n'));
    const file = { volumes: [{ source: join(base, 'data\u202e\n'), target: '/b' }] };
    expect(await asked({}, file)).toEqual([expect.stringContaining('/data\\u202e\\u000a at /b')]);
  });

  test('no container, where the user wants one', () => {
    const own = { ...DEFAULTS, docker: { ...DEFAULTS.docker, enabled: true } } as Config;
    expect(withoutContainer(own, { docker: { enabled: false } })).toHaveLength(1);
    expect(withoutContainer(DEFAULTS as Config, { docker: { enabled: false } })).toEqual([]);
    expect(withoutContainer(own, {})).toEqual([]);
  });
});

test('what nobody gets is refused, approved or not', async () => {
  await expect(asked({}, { volumes: [{ source: '~/.ssh', target: '/keys' }] })).rejects.toMatchObject({
    code: 'MOUNT_REFUSED',
  });
});
