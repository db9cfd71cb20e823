/** What every engine must do for para, held against the fake engine and every real one that is up. */
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { randomUUID } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { detectEngine } from '../../src/docker/detect.ts';
import type { ContainerSpec, EngineName, PortMapping } from '../../src/docker/driver.ts';
import { addressIn } from '../../src/docker/subnet.ts';
import { createDockerService, type DockerService } from '../../src/docker/service.ts';
import { createRunner, type Runner, type RunRequest } from '../../src/sys/run.ts';
import { testEngines, testImages, testRegistry, type TestEngine } from '../support/engines.ts';
import { noteLabel } from '../support/run-dir.ts';
import { fakeEngine } from '../support/fake-engine.ts';

interface Subject {
  readonly id: string;
  readonly engine: EngineName;
  readonly env: Readonly<Record<string, string>>;
  readonly prefix: readonly string[];
  readonly caller: { readonly uid: number; readonly gid: number };
  readonly image: string;
  readonly registry: { readonly host: string; readonly image: string } | undefined;
  readonly remove: () => void;
}

const me = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };

function fakeSubject(engine: EngineName): Subject {
  const fake = fakeEngine();
  return {
    id: `fake ${engine}`,
    engine,
    env: fake.env,
    prefix: [],
    caller: me,
    image: 'localhost/para-test/busybox:1',
    registry: { host: 'registry.test', image: 'registry.test/busybox:1' },
    remove: fake.remove,
  };
}

/** None when the test engines are not up: then the last test says so. */
function realEngines(): readonly TestEngine[] {
  try {
    return testEngines();
  } catch {
    return [];
  }
}

function registryOrNone(): Subject['registry'] {
  try {
    return testRegistry();
  } catch {
    return undefined;
  }
}

const subjects: readonly Subject[] = [
  fakeSubject('docker'),
  fakeSubject('podman'),
  ...realEngines().map((real) => ({
    ...real,
    caller: { uid: real.uid, gid: real.gid },
    image: testImages().busybox,
    registry: registryOrNone(),
    remove: () => undefined,
  })),
];

/** Runs each call as the engine's user, in the engine's environment; its answer says what was asked for. */
function runnerOf({ prefix, env }: Subject): Runner {
  const base = { ...process.env, ...env };
  const plain = createRunner({ env: base });
  const wrap = (request: RunRequest): RunRequest =>
    prefix.length === 0
      ? request
      : { ...request, file: prefix[0] ?? '', args: [...prefix.slice(1), request.file, ...request.args] };
  return {
    capture: async (request) => ({
      ...(await plain.capture(wrap(request))),
      file: request.file,
      args: request.args,
    }),
    attach: (request, how) => plain.attach(wrap(request), how),
  };
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const KEEP_ALIVE = ': >"$PARA_OUT/ready"; trap "exit 0" TERM INT; while :; do sleep 86400 & wait $!; done';

describe.each(subjects)('$id', (subject) => {
  const run = randomUUID().slice(0, 8);
  const label = { 'para.test': run };
  const network = `para-test-${run}`;
  let service: DockerService;
  let dir: string;
  let made = 0;

  function spec(more: Partial<ContainerSpec> = {}): ContainerSpec {
    const { driver, capabilities } = service.engine;
    made += 1;
    const out = join(dir, `out ${String(made)}`);
    mkdirSync(out);
    chmodSync(out, 0o777);
    return {
      name: `para-test-${run}-${String(made)}`,
      hostname: 'contract',
      image: subject.image,
      workdir: '/run/para/out',
      labels: { ...label, 'para.session': `s${String(made)}`, 'para.odd': 'a,b=c {"d":1}' },
      env: { PARA_OUT: '/run/para/out', GREETING: 'hello' },
      mounts: [{ source: out, target: '/run/para/out', readOnly: false }],
      ports: [],
      memoryBytes: capabilities.memoryLimit ? 64 * 1024 * 1024 : 0,
      cpus: capabilities.cpuLimit ? 0.5 : 0,
      pids: capabilities.pidsLimit ? 64 : 0,
      network: { mode: 'none' },
      user: driver.userMapping(subject.caller, capabilities),
      hardening: 'default',
      command: ['sh', '-c', KEEP_ALIVE],
      ...more,
    };
  }

  async function ready(wanted: ContainerSpec): Promise<void> {
    const file = join(wanted.mounts[0]?.source ?? '', 'ready');
    for (let tries = 0; tries < 250 && !existsSync(file); tries += 1)
      await new Promise((resolve) => setTimeout(resolve, 20));
    expect(existsSync(file)).toBe(true);
  }

  async function started(more: Partial<ContainerSpec> = {}): Promise<ContainerSpec> {
    const wanted = spec(more);
    await service.createContainer(wanted);
    await service.startContainer(wanted.name);
    await ready(wanted);
    return wanted;
  }

  const exec = (container: string, argv: readonly string[], more = {}) =>
    service.execCapture({ container, argv, tty: false, stdin: false, ...more });

  beforeAll(async () => {
    noteLabel(`para.test=${run}`);
    dir = mkdtempSync(join(tmpdir(), 'para-contract-'));
    chmodSync(dir, 0o755);
    const runner = runnerOf(subject);
    const env = { ...process.env, ...subject.env };
    service = createDockerService(await detectEngine({ runner, env, wanted: subject.engine }), runner);
  });

  afterAll(async () => {
    for (const row of await service.list(label)) await service.removeContainer(row.name);
    await service.removeNetwork(network);
    expect(await service.list(label)).toEqual([]);
    rmSync(dir, { recursive: true, force: true });
    subject.remove();
  });

  test('answers, and says who it is', async () => {
    await service.healthCheck();
    expect(service.engine.driver.name).toBe(subject.engine);
    expect(service.engine.capabilities.serverVersion).toMatch(/^\d+\.\d+/);
  });

  describe('images', () => {
    test('one that is there is not pulled', async () => {
      expect(await service.imageExists(subject.image)).toBe(true);
      expect(await service.ensureImage(subject.image)).toBe(false);
    });

    test('one that is not there is pulled once', async () => {
      if (subject.registry === undefined) return; // no registry is up
      const { image } = subject.registry;
      if (!(await service.imageExists(image))) expect(await service.ensureImage(image)).toBe(true);
      expect(await service.ensureImage(image)).toBe(false);
    });

    test('one that the registry does not know is IMAGE_NOT_FOUND', async () => {
      if (subject.registry === undefined) return; // no registry is up
      const image = `${subject.registry.host}/para-test/missing:1`;
      await expect(service.ensureImage(image)).rejects.toMatchObject({ code: 'IMAGE_NOT_FOUND' });
      await expect(service.createContainer(spec({ image }))).rejects.toMatchObject({
        code: 'IMAGE_NOT_FOUND',
      });
    });

    test('a registry that does not answer is REGISTRY_UNREACHABLE', async () => {
      await expect(service.ensureImage('127.0.0.1:1/para-test/x:1')).rejects.toMatchObject({
        code: 'REGISTRY_UNREACHABLE',
        exit: 8,
      });
    });
  });

  describe('networks', () => {
    test('made once, found the second time', async () => {
      expect(await service.ensureNetwork(network, label)).toBe(true);
      expect(await service.ensureNetwork(network, label)).toBe(false);
      expect(await service.networks(label)).toMatchObject([{ name: network, labels: label }]);
      expect(await service.networks({ ...label, 'para.test.other': 'x' })).toEqual([]);
    });

    // Docker takes a name twice when two ask at once; the callers' lock prevents that (start-steps.ts).
    test('made by someone else meanwhile, it is found', async () => {
      if (subject.id === 'docker') return;
      await service.removeNetwork(network);
      const answers = await Promise.all([1, 2, 3].map(() => service.ensureNetwork(network, label)));
      expect(answers.filter((madeIt) => madeIt)).toHaveLength(1);
    });

    test('removing an absent one is fine', async () => {
      await service.removeNetwork(network);
      await service.removeNetwork(network);
    });

    describe('closed ones', () => {
      const [closed, other] = [`${network}-closed`, `${network}-other`];
      const make = (name: string, pool: string): Promise<void> =>
        service.createClosedNetwork({ name, labels: label, pool });
      afterAll(async () => {
        for (const name of [closed, other]) await service.removeNetwork(name);
      });

      test('are made where there is room, and only there', async () => {
        // Two subnets, of which each takes one; the engines of this run need not share them.
        const pool = `10.${String(232 + subjects.indexOf(subject))}.8.0/27`;
        expect(await service.network(closed)).toBeUndefined();
        await make(closed, pool);
        expect(await service.network(closed)).toMatchObject({ name: closed, labels: label, isClosed: true });
        await make(other, pool);
        await expect(make(`${network}-third`, pool)).rejects.toMatchObject({
          code: 'SUBNET_IN_USE',
          exit: 7,
        });
        await service.ensureNetwork(network, label);
        expect(await service.network(network)).toMatchObject({ isClosed: false });
      });

      test('hold what is in them to its address, and know it before it runs', async () => {
        const [subnet = ''] = (await service.network(closed))?.subnets ?? [];
        const [proxy, address] = [addressIn(subnet, 2), addressIn(subnet, 3)];
        const between = spec({ network: { mode: 'between', name: network, closed, address: proxy } });
        await service.createContainer(between);
        expect((await service.status(between.name))?.networks.toSorted()).toEqual(
          [network, closed].toSorted(),
        );
        await service.startContainer(between.name);
        const inside = { network: { mode: 'closed', name: closed, address, proxy } } as const;
        const first = await started(inside);
        expect(await service.status(first.name)).toMatchObject({ networks: [closed] });
        const second = spec(inside);
        await service.createContainer(second);
        await expect(service.startContainer(second.name)).rejects.toMatchObject({ code: 'ADDRESS_IN_USE' });
        for (const { name } of [between, first, second]) await service.removeContainer(name);
      });
    });

    test('a container on a network that is gone is NETWORK_NOT_FOUND', async () => {
      const lost = spec({ network: { mode: 'bridge', name: `para-test-${run}-none` } });
      const making = service.createContainer(lost).then(() => service.startContainer(lost.name));
      await expect(making).rejects.toMatchObject({ code: 'NETWORK_NOT_FOUND' });
    });
  });

  describe('the life of a container', () => {
    let first: ContainerSpec;
    let id: string;

    test('that never ran gets another name, and still never ran', async () => {
      const { name, ...rest } = spec();
      const id = await service.createContainer({ ...rest, name });
      await service.renameContainer(name, `${name}-b`);
      expect(await service.status(name)).toBeUndefined();
      expect(await service.status(`${name}-b`)).toMatchObject({
        id,
        state: 'created',
        pid: 0,
        startedAt: undefined,
      });
      await service.createContainer({ ...rest, name });
      await expect(service.renameContainer(name, `${name}-b`)).rejects.toThrow();
      for (const one of [name, `${name}-b`]) await service.removeContainer(one);
    });

    test('is created, with all that was asked for', async () => {
      first = spec();
      id = await service.createContainer(first);
      expect(id).toMatch(/^[0-9a-f]{64}$/);
      const info = await service.status(first.name);
      expect(info).toEqual({
        id,
        name: first.name,
        image: subject.image,
        state: 'created',
        exitCode: 0,
        pid: 0,
        oomKilled: false,
        error: '',
        createdAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT[\d:.]+(Z|[+-]\d\d:\d\d)$/),
        startedAt: undefined,
        finishedAt: undefined,
        health: 'none',
        restartCount: 0,
        ports: [],
        mounts: [{ source: first.mounts[0]?.source, target: '/run/para/out', writable: true }],
        labels: expect.objectContaining(first.labels),
        memoryBytes: first.memoryBytes,
        cpus: first.cpus,
        pids: service.engine.capabilities.pidsLimit ? first.pids : expect.any(Number),
        networks: [],
      });
    });

    test('starts; starting again is fine; its files are the caller’s', async () => {
      await service.startContainer(first.name);
      await ready(first);
      await service.startContainer(first.name);
      const info = await service.status(first.name);
      expect(info).toMatchObject({ id, state: 'running', finishedAt: undefined });
      expect(Date.parse(info?.startedAt ?? '')).not.toBeNaN();
      const { uid, gid } = statSync(join(first.mounts[0]?.source ?? '', 'ready'));
      expect({ uid, gid }).toEqual(subject.caller);
    });

    test('is found by its labels, all of which must fit', async () => {
      const labels = { ...label, 'para.session': first.labels['para.session'] ?? '' };
      expect(await service.list(labels)).toMatchObject([
        {
          id,
          name: first.name,
          image: subject.image,
          state: 'running',
          status: expect.stringMatching(/^Up /),
        },
      ]);
      expect(await service.list({ ...labels, 'para.odd': 'other' })).toEqual([]);
      // An empty value asks for the label alone.
      expect(await service.list({ ...label, 'para.odd': '' })).toContainEqual(
        expect.objectContaining({ id }),
      );
    });

    test('inspect gives those that exist', async () => {
      const found = await service.inspect([first.name, `para-test-${run}-none`]);
      expect(found.map((info) => info.name)).toEqual([first.name]);
      expect(await service.inspect([`para-test-${run}-none`])).toEqual([]);
      expect(await service.inspect([])).toEqual([]);
      expect(await service.status(`para-test-${run}-none`)).toBeUndefined();
    });

    test('stops within its grace, and once more is fine', async () => {
      const before = performance.now();
      await service.stopContainer(first.name, 5);
      expect(performance.now() - before).toBeLessThan(5_000);
      await service.stopContainer(first.name, 5);
      const info = await service.status(first.name);
      expect(info).toMatchObject({ state: 'exited', exitCode: 0 });
      expect(Date.parse(info?.finishedAt ?? '')).not.toBeNaN();
    });

    test('starts again and keeps its files', async () => {
      rmSync(join(first.mounts[0]?.source ?? '', 'ready'));
      await service.startContainer(first.name);
      await ready(first);
      expect(await service.status(first.name)).toMatchObject({ id, state: 'running' });
    });

    test('is removed at once while it runs; absent is fine', async () => {
      const before = performance.now();
      await service.removeContainer(first.name);
      expect(performance.now() - before).toBeLessThan(3_000);
      expect(await service.status(first.name)).toBeUndefined();
      await service.removeContainer(first.name);
    });
  });

  describe('exec', () => {
    let name: string;
    beforeAll(async () => {
      ({ name } = await started());
    });

    test('gives exit code, stdout and stderr apart', async () => {
      expect(await exec(name, ['sh', '-c', 'echo out; echo err >&2; exit 7'])).toMatchObject({
        exitCode: 7,
        stdout: 'out\n',
        stderr: expect.stringMatching(/^err\n/),
      });
    });

    test('passes arguments untouched', async () => {
      const odd = ['a b', '', '$HOME', "it's", '-x', '--', '日本'];
      const answer = await exec(name, ['sh', '-c', 'for a; do printf "<%s>" "$a"; done', 'sh', ...odd]);
      expect(answer.stdout).toBe(odd.map((word) => `<${word}>`).join(''));
    });

    test('hands stdin in, to its end', async () => {
      const answer = await service.execCapture(
        { container: name, argv: ['cat'], tty: false, stdin: true },
        { input: 'one\ntwo' },
      );
      expect(answer).toMatchObject({ exitCode: 0, stdout: 'one\ntwo' });
    });

    test('without stdin, the command finds none', async () => {
      expect((await exec(name, ['cat'])).stdout).toBe('');
    });

    test('sets environment and directory', async () => {
      const answer = await exec(name, ['sh', '-c', 'echo "$GREETING $WHO"; pwd'], {
        env: { WHO: 'two words' },
        workdir: '/usr',
      });
      expect(answer.stdout).toBe('hello two words\n/usr\n');
    });

    test('an exit code that engines use themselves is still an answer', async () => {
      for (const code of [1, 125, 126, 127])
        expect((await exec(name, ['sh', '-c', `exit ${String(code)}`])).exitCode).toBe(code);
    });

    test('a command that does not exist ends with 126 or 127', async () => {
      expect([126, 127]).toContain((await exec(name, ['no-such-command'])).exitCode);
    });
  });

  describe('failures', () => {
    test('a name that is taken is NAME_CONFLICT, and the first is untouched', async () => {
      const wanted = spec();
      const id = await service.createContainer(wanted);
      await expect(service.createContainer(wanted)).rejects.toMatchObject({ code: 'NAME_CONFLICT', exit: 7 });
      expect(await service.status(wanted.name)).toMatchObject({ id });
    });

    test('a missing mount source is MOUNT_INVALID, and is not made', async () => {
      const source = join(dir, 'absent');
      const wanted = spec({ mounts: [{ source, target: '/x', readOnly: false }] });
      await expect(service.createContainer(wanted)).rejects.toMatchObject({ code: 'MOUNT_INVALID' });
      expect(existsSync(source)).toBe(false);
      expect(await service.status(wanted.name)).toBeUndefined();
    });

    test('a host port that is taken is PORT_IN_USE', async () => {
      await service.ensureNetwork(network, label);
      const port: PortMapping = {
        ...{ hostIp: '127.0.0.1', hostPort: await freePort(), containerPort: 80, protocol: 'tcp' },
      };
      const published = { ports: [port], network: { mode: 'bridge', name: network } } as const;
      const owner = await started(published);
      expect(await service.status(owner.name)).toMatchObject({ ports: [port] });
      const second = spec(published);
      await service.createContainer(second);
      await expect(service.startContainer(second.name)).rejects.toMatchObject({ code: 'PORT_IN_USE' });
      await service.removeContainer(owner.name);
      await service.removeContainer(second.name);
    });

    test('an exec in a stopped container is CONTAINER_NOT_RUNNING', async () => {
      const wanted = spec();
      await service.createContainer(wanted);
      await expect(exec(wanted.name, ['true'])).rejects.toMatchObject({ code: 'CONTAINER_NOT_RUNNING' });
      await expect(service.killContainer(wanted.name, 'TERM')).rejects.toMatchObject({
        code: 'CONTAINER_NOT_RUNNING',
      });
    });

    test('anything with a container that does not exist is CONTAINER_NOT_FOUND', async () => {
      const none = `para-test-${run}-none`;
      const calls = [
        () => service.startContainer(none),
        () => service.stopContainer(none, 1),
        () => service.killContainer(none, 'TERM'),
        () => service.logs({ container: none, follow: false, timestamps: false }),
        () => exec(none, ['true']),
      ];
      for (const call of calls)
        await expect(call()).rejects.toMatchObject({ code: 'CONTAINER_NOT_FOUND', exit: 7 });
    });
  });
});

test('real engines are up (scripts/engines.sh up)', () => {
  expect(subjects.length).toBeGreaterThan(2);
});
