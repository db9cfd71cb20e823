/** Secrets on real engines: they are there for what runs inside, after each start, and nowhere else. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testImages, type TestEngine } from '../support/engines.ts';
import { makeWorld, repoId, type Ended, type World } from '../support/para.ts';
import { wrap, type Wrapper } from '../support/wrapper.ts';

const TOKEN = 'tok-4f7d0c2b-e2e-of-secrets';
const KEY = `-----BEGIN TEST KEY-----\n${'k3y"%s\\n$(id)`'.repeat(40)}\n-----END TEST KEY-----\n`;
const SPOKEN = 'spoken-by-a-program-9d1e';
/** What would give one away: the values, their lines, and both in base64 and as JSON has them. */
const FORMS = [TOKEN, ...KEY.trim().split('\n'), SPOKEN].flatMap((value) => [
  ...[value, JSON.stringify(value).slice(1, -1), Buffer.from(value).toString('base64').replace(/=+$/, '')],
]);
const sum = (text: string): string => createHash('sha256').update(text).digest('hex');

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  let calls: Wrapper;
  /** All that para has printed. */
  const printed: string[] = [];
  const state = (name: string): string => join(repo, '.para/state/docker/s', name);
  const name = (): string => `para-${repoId(repo)}-s`;

  async function para(...args: readonly string[]): Promise<Ended> {
    const ended = await world.para(repo, args, { env: { ...calls.env, E2E_TOKEN: TOKEN } });
    printed.push(ended.stdout, ended.stderr);
    return ended;
  }
  async function done(...args: readonly string[]): Promise<string> {
    const ended = await para(...args);
    expect({ args, code: ended.code, stderr: ended.code === 0 ? '' : ended.stderr }).toEqual({
      ...{ args, code: 0, stderr: '' },
    });
    return ended.stdout;
  }
  /** What a program inside sees of them. */
  const SEEN =
    'cd /run/secrets; stat -c "%a %u %n" . *; sha256sum *; env | grep -c AGENT_ || :; grep -c " /run/secrets tmpfs " /proc/mounts';
  async function expectAllThere(): Promise<void> {
    const uid = String(engine.uid);
    expect((await done('docker', 'exec', 's', '--', 'sh', '-c', SEEN)).trimEnd().split('\n')).toEqual([
      ...[`700 ${uid} .`, `400 ${uid} key`, `400 ${uid} said`, `400 ${uid} token`],
      ...[`${sum(KEY)}  key`, `${sum(SPOKEN)}  said`, `${sum(TOKEN)}  token`, '0', '1'],
    ]);
  }

  const secretsOf = async (): Promise<string | undefined> => {
    const listed = JSON.parse(await done('docker', 'list', '--json')) as Listed;
    return listed.containers[0]?.box.secrets;
  };

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    calls = wrap(world, engine.engine);
    const key = join(world.dir, 'work/key');
    writeFileSync(key, KEY, { mode: 0o644 });
    // So that the program's own text does not hold what it prints.
    const words = ['printf', '%s-%s\n', 'spoken-by', SPOKEN.slice('spoken-by-'.length)];
    await done('config', 'set', 'secrets.token', '{"source": "env:E2E_TOKEN", "as_env": "AGENT_TOKEN"}');
    await done('config', 'set', 'secrets.key', `file:${key}`);
    await done('config', 'set', 'secrets.said', `cmd:${JSON.stringify(words)}`);
    // A read-only root has the place for them too.
    await done('config', 'set', 'docker.hardening', engine.id === 'podman' ? 'default' : 'strict');
    const agent = 'printf %s "$AGENT_TOKEN" | sha256sum; cat /run/secrets/key | sha256sum';
    await done('config', 'set', 'agent.command', JSON.stringify(['sh', '-c', agent, 'sh', '{prompt}']));
  });
  afterAll(() => world.remove());

  test('the agent has its own as variables, and everything inside the files', async () => {
    await done('dispatch', 's', 'Use it', '--docker', '--image', testImages().busybox, '--verbose');
    for (let tries = 0; !existsSync(state('logs/agent-1.end')) && tries < 200; tries += 1) await sleep(50);
    expect(readFileSync(state('logs/agent-1.log'), 'utf8')).toBe(`${sum(TOKEN)}  -\n${sum(KEY)}  -\n`);
    await expectAllThere();
  });

  test('they are there again after a stop, and in a container that is made again', async () => {
    await done('docker', 'stop', 's', '--grace', '1');
    await done('docker', 'start', 's', '--verbose');
    await expectAllThere();
    expect(await secretsOf()).toBe('given');
    await world.engine('restart', '-t', '1', name());
    for (let tries = 0; (await secretsOf()) !== 'missing' && tries < 100; tries += 1) await sleep(100);
    expect(await secretsOf()).toBe('missing');
    await done('docker', 'start', 's');
    expect(await secretsOf()).toBe('given');
    await expectAllThere();
    await world.engine('rm', '-f', name());
    await done('recover', 's', '--verbose');
    await expectAllThere();
  });

  test('nothing of them is anywhere else', async () => {
    // An error of each kind: a source that is not there, a command that fails beside them, a container that is gone.
    await done('config', 'set', 'secrets.gone', 'env:NOT_SET_ANYWHERE');
    expect(await para('start', 'x', '--docker', '--verbose')).toMatchObject({ code: 5 });
    await done('config', 'unset', 'secrets.gone');
    await para('docker', 'exec', 's', '--', 'no-such-program', '--verbose');
    await done('config', 'show', '--origin');
    await done('list', '--json');
    const inspected = await world.engine('inspect', name());
    const exported = await world.out([
      'sh',
      '-c',
      `${engine.engine} export "$0" | od -An -c -v | tr -d ' \\n'`,
      name(),
    ]);
    const told = [await eventsOf(world, name()), ...(await execsOf(world, engine, name()))];
    await done('docker', 'stop', 's', '--grace', '1');
    await done('cancel', 's', '--verbose');
    const objects = await world.run(['git', 'cat-file', '--batch-all-objects', '--batch'], { cwd: repo });
    const files = await world.run(
      ['grep', '-rlF', ...FORMS.flatMap((form) => ['-e', form]), '--exclude=key', world.dir],
      { cwd: world.dir },
    );
    const argv = calls.calls();
    expect(argv.some((line) => line.startsWith('exec -i'))).toBe(true);
    expect(inspected).toContain('/run/secrets');
    expect({
      argv: hits(argv.join('\n')),
      inspect: hits(inspected) + hits(told.join('\n')),
      export: hits(exported.replaceAll('\\n', '\n')),
      files: files.stdout,
      git: hits(objects.bytes.toString('latin1')),
      output: hits(printed.join('\n')),
    }).toEqual({ argv: 0, inspect: 0, export: 0, files: '', git: 0, output: 0 });
  });
});

interface Listed {
  readonly containers: readonly { readonly box: { readonly secrets: string } }[];
}

function hits(text: string): number {
  return FORMS.filter((form) => text.includes(form)).length;
}

/** What the engine noted of the container, as far as it does. */
async function eventsOf(world: World, name: string): Promise<string> {
  const engine = world.env['PARA_ENGINE'] ?? 'docker';
  const until = engine === 'docker' ? ['--until', '0s'] : ['--stream=false'];
  const args = ['events', '--since', '10m', ...until, '--filter', `container=${name}`];
  return (await world.run([engine, ...args, '--format', '{{json .}}'])).stdout;
}

/** Docker's own record of each exec; podman keeps none of one that has ended. */
async function execsOf(world: World, { id, env }: TestEngine, name: string): Promise<readonly string[]> {
  if (id !== 'docker') return [];
  const events = await eventsOf(world, name);
  const ids = [...new Set([...events.matchAll(/"execID":"([0-9a-f]{64})"/g)].map(([, exec = '']) => exec))];
  const socketPath = (env['DOCKER_HOST'] ?? '').replace('unix://', '');
  return Promise.all(
    ids.map(
      (exec) =>
        new Promise<string>((resolve, reject) => {
          get({ socketPath, path: `/exec/${exec}/json` }, (answer) => {
            let text = '';
            answer.on('data', (chunk: Buffer) => (text += chunk.toString()));
            answer.on('end', () => {
              resolve(text);
            });
          }).on('error', reject);
        }),
    ),
  );
}
