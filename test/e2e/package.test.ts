/** What `npm pack` makes: complete, small and without surprises; installed by itself it does the main job. */
import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages } from '../support/engines.ts';
import { committedBlobs, sessionTraces, walk } from '../support/look.ts';
import { makeWorld, type Ended, type World } from '../support/para.ts';

const PROJECT = join(import.meta.dirname, '../..');
const NOT_COPIED = ['node_modules', '.git', 'dist', '.para', 'coverage'];
/** Everything that may be in the package. */
const EXPECTED =
  /^(dist\/([\w.-]+\.m?js|(proxy|check)\.cjs|package\.json)|schemas\/\w+\.schema\.json|docs\/[\w-]+\.md|(README|CHANGELOG|SECURITY)\.md|LICENSE|package\.json)$/;

interface Manifest {
  readonly version: string;
  readonly dependencies?: object;
  readonly optionalDependencies?: object;
  readonly peerDependencies?: object;
}

describe('the package', () => {
  const engine = testEngines()[0]!;
  let world: World;
  let source: string;
  let unpacked: string;
  let prefix: string;
  const npm = (cwd: string, ...args: string[]): string =>
    execFileSync('npm', [...args, '--offline', '--no-audit', '--no-fund', '--loglevel=error'], {
      cwd,
      encoding: 'utf8',
      env: {
        PATH: process.env['PATH'],
        HOME: join(world.dir, 'npm-home'),
        npm_config_cache: join(world.dir, 'npm-cache'),
        npm_config_update_notifier: 'false',
      },
    });
  /** The installed command, by its name alone. */
  const para = (cwd: string, ...args: string[]): Promise<Ended> =>
    world.run(['para', ...args], {
      cwd,
      env: { PATH: `${join(prefix, 'bin')}:${process.env['PATH'] ?? ''}` },
    });

  beforeAll(() => {
    world = makeWorld(engine);
    source = join(world.dir, 'source');
    cpSync(PROJECT, source, {
      recursive: true,
      filter: (path) => path === PROJECT || !NOT_COPIED.includes(basename(path)),
    });
    // Links cost nothing; a copy where the two are on different disks.
    const modules = [join(PROJECT, 'node_modules'), join(source, 'node_modules')];
    execFileSync('sh', ['-c', 'cp -al "$@" 2>/dev/null || { rm -rf "$2"; cp -a "$@"; }', 'sh', ...modules]);
    npm(source, 'pack');
    const tarballs = readdirSync(source).filter((name) => name.endsWith('.tgz'));
    expect(tarballs).toHaveLength(1);
    const tarball = join(source, tarballs[0]!);
    const target = join(world.dir, 'unpacked');
    mkdirSync(target);
    execFileSync('tar', ['-xzf', tarball, '-C', target]);
    unpacked = join(target, 'package');
    prefix = join(world.dir, 'prefix');
    npm(world.dir, 'install', '--global', '--prefix', prefix, tarball);
    execFileSync('chmod', ['-R', 'a+rX', prefix]);
  });
  afterAll(() => world.remove());

  test('holds the build, the schemas and what a person reads, and nothing else', () => {
    const files = walk(unpacked);
    expect(files.filter((path) => !EXPECTED.test(path))).toEqual([]);
    expect(files).toEqual(
      expect.arrayContaining([
        'dist/main.js',
        'schemas/config.schema.json',
        'schemas/docker.schema.json',
        'README.md',
        'LICENSE',
        'CHANGELOG.md',
        'SECURITY.md',
      ]),
    );
    expect(files.length).toBeLessThan(40);
    const size = files.reduce((sum, path) => sum + statSync(join(unpacked, path)).size, 0);
    // The live view is a quarter of it.
    expect(size).toBeLessThan(3_000_000);
  });

  test('says nothing of the machine it was made on', () => {
    // Root has its home there on every machine.
    const everywhere = ['/', '/root'];
    const telling = [source, PROJECT, homedir(), 'sourceMappingURL'].filter(
      (text) => !everywhere.includes(text),
    );
    const found = walk(unpacked).flatMap((path) => {
      const text = readFileSync(join(unpacked, path), 'utf8');
      return telling.filter((word) => text.includes(word)).map((word) => `${path}: ${word}`);
    });
    expect(found).toEqual([]);
  });

  test('what was compiled is kept for the user alone, and a broken or open cache does no harm', () => {
    const home = join(world.dir, 'cache-home');
    mkdirSync(home);
    const list = (): string =>
      execFileSync(process.execPath, [join(unpacked, 'dist/main.js'), 'config', 'path'], {
        env: { HOME: home, PATH: process.env['PATH'] },
        encoding: 'utf8',
      });
    const said = list();
    const all = join(home, '.cache/para/code');
    const [build = ''] = readdirSync(all);
    const cache = join(all, build);
    expect(statSync(cache).mode & 0o777).toBe(0o700);
    const kept = walk(cache);
    expect(kept.sort()).toEqual(['para', 'lists', 'rest'].map((name) => `config-path.${name}.js.bin`).sort());
    expect(list()).toBe(said);
    for (const name of kept) writeFileSync(join(cache, name), 'broken');
    expect(list()).toBe(said);
    rmSync(cache, { recursive: true });
    mkdirSync(cache);
    chmodSync(cache, 0o777);
    expect(list()).toBe(said);
    expect(readdirSync(cache)).toEqual([]);
    rmSync(all, { recursive: true });
    writeFileSync(all, '');
    expect(list()).toBe(said);
  });

  test('needs nothing at run time but node', () => {
    const manifest = JSON.parse(readFileSync(join(unpacked, 'package.json'), 'utf8')) as Manifest;
    const { dependencies, optionalDependencies, peerDependencies } = manifest;
    expect({ ...dependencies, ...optionalDependencies, ...peerDependencies }).toEqual({});
    const modules = join(prefix, 'lib', 'node_modules');
    expect(readdirSync(modules).filter((name) => !name.startsWith('.'))).toEqual(['para']);
    expect(existsSync(join(modules, 'para', 'node_modules'))).toBe(false);
  });

  test('says its version and explains itself', async () => {
    const { version } = JSON.parse(readFileSync(join(PROJECT, 'package.json'), 'utf8')) as Manifest;
    expect(await para(world.dir, '--version')).toMatchObject({ code: 0, stdout: `${version}\n`, stderr: '' });
    const help = await para(world.dir, '--help');
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const command of ['start', 'finish', 'list', 'docker', 'config', 'doctor', 'completion'])
      expect(help.stdout).toMatch(new RegExp(`^ +para ${command}\\b`, 'm'));
    const schema = await para(world.dir, 'config', 'schema');
    expect(schema.code).toBe(0);
    expect(JSON.parse(schema.stdout)).toHaveProperty('properties.docker');
  });

  test('does the main job, without a container and with one', async () => {
    const repo = await world.repo();
    expect(await para(repo, 'start', 'plain')).toMatchObject({ code: 0 });
    await world.out(['sh', '-c', 'echo plain >plain.txt'], { cwd: `${repo}/.para/worktrees/plain` });
    expect(await para(repo, 'finish', 'Plain', 'plain')).toMatchObject({ code: 0 });

    const started = await para(repo, 'start', 'boxed', '--docker', '--image', testImages().base);
    expect(started).toMatchObject({ code: 0 });
    const work = 'echo boxed >boxed.txt && git add . && git commit -qm boxed';
    expect(await para(repo, 'docker', 'exec', 'boxed', '--', 'sh', '-c', work)).toMatchObject({ code: 0 });
    expect(await para(repo, 'finish', 'Boxed', 'boxed')).toMatchObject({ code: 0 });

    expect(Object.keys(await committedBlobs(world, repo, 'para/plain'))).toContain('plain.txt');
    expect(Object.keys(await committedBlobs(world, repo, 'para/boxed'))).toContain('boxed.txt');
    expect(await sessionTraces(world, repo)).toMatchObject({ worktrees: [], docker: [], registered: 0 });
  });
});
