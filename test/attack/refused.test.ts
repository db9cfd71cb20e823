/**
 * What a name, an image, a path or a variable may not smuggle in (A26–A29, A36, A40): refused before any engine makes
 * anything, so one engine, the fake one, stands for all.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import { paraHere } from '../fault/para-here.ts';
import { faultWorld, type FaultWorld } from '../fault/world.ts';
import { attack, attacks } from './cases.ts';

/** Shells and JSON write it otherwise than it is. */
const TOKEN = `tok-9d2f'41"c0\\7be5`;
let at: FaultWorld;
let work: string;
let server: Server;

beforeAll(async () => {
  at = await faultWorld();
  work = join(at.world.dir, 'work');
  mkdirSync(join(work, 'run'));
  server = createServer().listen(join(work, 'run/engine.sock'));
  symlinkSync(join(work, 'run/engine.sock'), join(work, 'innocent'));
  symlinkSync('/etc', join(work, 'link'));
  symlinkSync('/', join(work, 'root'));
  mkdirSync(join(at.world.dir, 'home/.ssh'), { recursive: true });
  writeFileSync(join(at.world.dir, 'home/.ssh/id'), 'k');
});
afterAll(() => {
  server.close();
  at.remove();
});

/** Refused with one of the codes, and nothing was made. */
async function refused(
  id: string,
  args: readonly string[],
  { codes, env = {} }: { codes: readonly number[]; env?: Readonly<Record<string, string>> },
): Promise<void> {
  await attack({ attack: id, on: 'host', under: args[0] ?? '' }, async () => {
    const ended = await paraHere(at.repo, args, { ...at.world.env, ...at.fake.env, ...env });
    expect([args, codes.includes(ended.code), ended.code, ended.stderr]).toEqual([
      args,
      true,
      ended.code,
      expect.stringMatching(/^✗ \S/m),
    ]);
    expect(at.fake.calls().filter(([, verb]) => verb === 'create' || verb === 'network')).toEqual([]);
    expect(await at.git('for-each-ref', 'refs/heads/para', 'refs/para')).toBe('');
  });
}
const boxed = (...flags: readonly string[]): readonly string[] => ['start', 's', '--docker', ...flags];

test('A26: images that are options', () =>
  attacks(
    ['-v/etc:/h', '--privileged', '--', '-', 'x --network=host', 'x\n--privileged', '../x', 'x@sha256:1', ''],
    (image) => refused('A26', boxed(`--image=${image}`), { codes: [2] }),
  ));

test('A27: names that lead elsewhere', () =>
  attacks(
    [
      ...[
        '-x',
        '../x',
        'a/../../b',
        'a\nb',
        'a'.repeat(300),
        'con',
        'nul',
        'HEAD',
        'а',
        'ａ',
        'a\u200bb',
        'a.lock',
      ],
      ...['.', '..', '.git', 'a b', '$(id)', '`id`', 'a;id', 'a\u0000b', '~root', '@{-1}', 'refs/heads/main'],
    ],
    async (name) => {
      await refused('A27', ['start', '--', name], { codes: [2] });
      await refused('A27', ['finish', '-b', name, '--', 'm', 's'], { codes: [1, 2, 3, 4, 10] });
    },
  ));

test('A28: sources that lead out', () =>
  attacks(
    [
      ...[
        '$HOME',
        '~',
        '~root',
        '${IFS}',
        '$WORKTREE/../..',
        '$WORKTREE/..',
        '$REPO/..',
        '$REPO',
        '$PWD',
        '$(pwd)',
      ],
      ...[
        '/',
        '//',
        '/.',
        '/../',
        '/etc/..',
        '%/link',
        '%/link/ssh',
        '%/root',
        '%/root/etc',
        '$HOME/.ssh',
        '~/.ssh/id',
      ],
    ],
    async (source) => {
      const volume = `${source.replace('%', work)}:/data`;
      await refused('A28', boxed('--volume', volume), { codes: [2, 7, 10] });
      if (/HOME|~/.test(source))
        await refused('A28', boxed('--volume', volume), { codes: [2, 7, 10], env: { HOME: '/' } });
    },
  ));

test('A29: sockets of engines', () =>
  attacks(
    ['/var/run', '/run', '/var/run/docker.sock', '/run/podman', '%/run/engine.sock', '%/innocent'],
    (source) => refused('A29', boxed('--volume', `${source.replace('%', work)}:/sock`), { codes: [7, 10] }),
  ).then(() =>
    // Wherever DOCKER_HOST says that the engine is.
    refused('A29', boxed('--volume', `${work}/run:/sock`), {
      codes: [10],
      env: { DOCKER_HOST: `unix://${work}/run/engine.sock` },
    }),
  ));

test('A36: secrets that would stand in argv', () =>
  attacks(['AGENT_TOKEN', 'MY_API_KEY', 'DB_PASSWORD', 'AWS_SECRET_ACCESS_KEY'], (name) =>
    refused('A36', boxed('--env', name), { codes: [2, 10], env: { [name]: TOKEN } }),
  ));

test('A40: what is told of each call', () =>
  attack({ attack: 'A40', on: 'host', under: '--verbose' }, async () => {
    const env = { ...at.world.env, ...at.fake.env, AGENT_TOKEN: TOKEN };
    const line = [
      '--verbose',
      'start',
      's',
      '--docker',
      '--image',
      'busybox',
      '--env',
      `AGENT_TOKEN=${TOKEN}`,
    ];
    const told = [await paraHere(at.repo, line, env)];
    for (const args of [
      ['--verbose', 'docker', 'exec', '-e', `OTHER_SECRET=${TOKEN}`, 's', '--', 'false'],
      ['--verbose', 'docker', 'exec', '-e', `OTHER_SECRET=${TOKEN}`, 'nobody', '--', 'false'],
      ['--verbose', 'start', 't', '--docker', '--image', 'no-such-image', '--env', `AGENT_TOKEN=${TOKEN}`],
      ['--json', 'docker', 'exec', '-e', `OTHER_SECRET=${TOKEN}`, TOKEN, '--', 'false'],
      ['--json', 'start', '--image', TOKEN, 'u'],
    ])
      told.push(await paraHere(at.repo, args, env));
    expect(told[0]?.code).toBe(0);
    expect(told.map(({ stderr }) => stderr).join('\n')).toContain('create');
    // No part of it either, however it is written.
    for (const { stdout, stderr } of told) expect(stdout + stderr).not.toMatch(/9d2f|7be5/);
    // A value that para has from nowhere but the line.
    const pair = `NPM_TOKEN=${TOKEN.replace('tok', 'npm')}`;
    const given = await paraHere(at.repo, ['--verbose', 'start', 'v', '--docker', '--env', pair], env);
    expect(given.stderr).toContain('create');
    expect(given.stdout + given.stderr).not.toMatch(/9d2f|7be5/);
  }));
