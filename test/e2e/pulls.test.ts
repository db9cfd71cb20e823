/** An image that is not there yet: pulled as a step of its own, or a start that says why not and is undone. */
import { createServer, type AddressInfo, type Server } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { testEngines, testRegistry } from '../support/engines.ts';
import { engineTraces, mainCheckout, NO_TRACES, sessionTraces } from '../support/look.ts';
import { inBackground, makeWorld, printed, type World } from '../support/para.ts';

/** A port of loopback on which `server` listens. */
function listen(server: Server): Promise<number> {
  return new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      resolve((server.address() as AddressInfo).port);
    });
  });
}

describe.each(testEngines().map((engine) => [engine.id, engine] as const))('pulls on %s', (_id, engine) => {
  let world: World;
  let repo: string;
  const image = testRegistry().image;
  const forget = (): Promise<unknown> => world.run([engine.engine, 'rmi', image]);
  const start = (name: string, from: string): ReturnType<World['para']> =>
    world.para(repo, ['start', name, '--docker', '--image', from]);
  /** Nothing of a session is in the repository or on the engine. */
  const expectNothing = async (): Promise<void> => {
    expect(await sessionTraces(world, repo)).toEqual(NO_TRACES);
    expect(await engineTraces(world, repo)).toEqual([]);
  };

  beforeAll(async () => {
    world = makeWorld(engine);
    repo = await world.repo();
    await forget();
  });
  afterEach(forget);
  afterAll(() => world.remove());

  test('an absent image is pulled, a line saying so, and used', async () => {
    const started = await start('fresh', image);
    expect(started).toMatchObject({ code: 0 });
    const row = /^✓ Getting the image: (.*)$/m.exec(started.stderr)?.[1];
    // The last the engine said about the pull, not the image's name alone.
    expect(row).toMatch(/Status: Downloaded newer image|Writing manifest|Storing signatures/);
    expect(started.stderr.indexOf('Getting the image')).toBeLessThan(
      started.stderr.indexOf('Creating the container'),
    );
    const echo = await world.para(repo, ['docker', 'exec', 'fresh', '--', 'sh', '-c', 'echo works']);
    expect(echo).toMatchObject({ code: 0, stdout: 'works\n' });

    const again = await start('second', image);
    expect(again).toMatchObject({ code: 0 });
    expect(again.stderr).toContain(`✓ Getting the image: ${image}\n`);
    for (const name of ['fresh', 'second'])
      expect(await world.para(repo, ['finish', 'Done', name])).toMatchObject({ code: 0 });
  });

  test('a pinned image is taken by its digest, and again when the container is lost, whatever its tag is by then', async () => {
    const started = await world.para(repo, ['start', 'pinned', '--image', image, '--pin', '--json']);
    expect(started).toMatchObject({ code: 0 });
    const { container } = (
      JSON.parse(started.stdout) as { session: { container: { name: string; image: string } } }
    ).session;
    expect(container.image).toMatch(/^127\.0\.0\.1:\d+\/.*@sha256:[0-9a-f]{64}$/);
    const made = async (): Promise<string> =>
      world.out([engine.engine, 'inspect', '--format', '{{.Config.Image}}', container.name]);
    expect(await made()).toBe(container.image);
    await world.out([engine.engine, 'rm', '-f', container.name]);
    await world.out([engine.engine, 'rmi', container.image]);
    expect(await world.para(repo, ['recover', 'pinned'])).toMatchObject({ code: 0 });
    expect(await made()).toBe(container.image);
    expect(await world.para(repo, ['finish', 'Done', 'pinned'])).toMatchObject({ code: 0 });
    await world.run([engine.engine, 'rmi', container.image]);
  });

  describe('a pull that can not succeed', () => {
    let failing: string;
    let before: object;
    beforeAll(async () => {
      failing = await world.repo('failing');
      repo = failing;
      before = await mainCheckout(world, repo);
    });
    afterEach(async () => {
      await expectNothing();
      expect(await mainCheckout(world, repo)).toEqual(before);
    });

    test('a tag that the registry has not got: the image does not exist', async () => {
      const missing = image.replace(/:1$/, ':no-such-tag');
      const failed = await start('s', missing);
      expect(failed.code).toBe(8);
      expect(failed.stdout).toBe('');
      expect(failed.stderr).toContain(`image ${missing} does not exist`);
      expect(failed.stderr).toContain(`${engine.engine} pull ${missing}`);
      expect(failed.stderr).toContain('✓ Undo: creating the worktree');
      const json = await world.para(repo, ['start', 's', '--docker', '--image', missing, '--json']);
      expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, error: { code: 'IMAGE_NOT_FOUND' } });
    });

    test('nobody at the registry: it cannot be reached', async () => {
      const server = createServer();
      const port = await listen(server);
      await new Promise((resolve) => server.close(resolve));
      const away = `127.0.0.1:${String(port)}/para-test/busybox:1`;
      const failed = await start('s', away);
      expect(failed.code).toBe(8);
      expect(failed.stderr).toContain(`the registry of image ${away} cannot be reached`);
      const json = await world.para(repo, ['start', 's', '--docker', '--image', away, '--json']);
      expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, error: { code: 'REGISTRY_UNREACHABLE' } });
    });

    test('a registry that never answers: Ctrl-C ends the pull', async () => {
      const server = createServer();
      const port = await listen(server);
      const asked = new Promise((resolve) => server.on('connection', resolve));
      const silent = `127.0.0.1:${String(port)}/para-test/busybox:1`;
      const running = inBackground(world, ['start', 's', '--docker', '--image', silent], { cwd: repo });
      await printed(running, '✓ Creating the worktree', 'stderr');
      await asked;
      running.tell('SIGINT');
      const ended = await running.ended;
      server.close();
      expect(ended.code).toBe(130);
      expect(ended.stderr).toContain('✗ Getting the image');
      expect(ended.stderr).toContain('✓ Undo: creating the worktree');
    });
  });
});
