import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Conversation, WHICH, type Which } from '../support/conversation.ts';
import { footprint } from '../support/footprint.ts';
import { detection, runPara, type EngineCall } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;
let before: readonly string[];

beforeEach(() => {
  repo = tempRepo();
  before = footprint(repo);
});
afterEach(() => {
  repo.remove();
});

/** What the engine says, by engine, and what para makes of it. */
interface Failure {
  readonly docker: string;
  readonly podman: string;
  readonly code: string;
  readonly exit: number;
}

const PULL: Failure = {
  docker: 'Error response from daemon: manifest unknown\n',
  podman:
    'Trying to pull docker.io/library/ubuntu:latest...\nError: reading manifest latest: manifest unknown\n',
  ...{ code: 'IMAGE_NOT_FOUND', exit: 8 },
};
const NETWORK: Failure = {
  docker: 'Error response from daemon: all predefined address pools have been fully subnetted\n',
  podman: 'Error: could not find free subnet from subnet pools\n',
  ...{ code: 'COMMAND_FAILED', exit: 1 },
};
const CREATE: Failure = {
  docker:
    'Error response from daemon: range of CPUs is from 0.01 to 2.00, as there are only 2 CPUs available\n',
  podman: 'Error: minimum memory limit allowed is 6MB\n',
  ...{ code: 'RESOURCE_LIMIT_EXCEEDED', exit: 7 },
};
const START: Failure = {
  docker:
    'Error response from daemon: driver failed programming external connectivity: Bind for 127.0.0.1:8080 failed: port is already allocated\n',
  podman: 'Error: cannot listen on the TCP port: listen tcp4 127.0.0.1:8080: bind: address already in use\n',
  ...{ code: 'PORT_IN_USE', exit: 7 },
};

describe.each<Which>(['docker', 'podman'])('%s: a step fails, what was made is unmade', (which) => {
  const talk = (): Conversation => new Conversation(repo, which);
  const said = (failure: Failure): { exitCode: number; stdout: string; stderr: string } => ({
    exitCode: which === 'docker' ? 1 : 125,
    ...{ stdout: '', stderr: which === 'docker' ? failure.docker : failure.podman },
  });

  const line = (): string => `start fix --docker --engine ${talk().engine}`;

  /** Runs the start into its failure. */
  async function fail(calls: readonly EngineCall[], wanted: { code: string; exit: number }): Promise<void> {
    const ran = await runPara(repo, `${line()} --json`, { calls: [...detection(which), ...calls] });
    expect({ code: ran.code, stderr: ran.stderr }).toEqual({ code: wanted.exit, stderr: '' });
    expect(JSON.parse(ran.stdout)).toMatchObject({ schema: 1, ok: false, error: { code: wanted.code } });
    expect(footprint(repo)).toEqual(before);
  }

  /** The same for people. @returns the lines of the story */
  async function story(calls: readonly EngineCall[]): Promise<string[]> {
    const ran = await runPara(repo, line(), { calls });
    expect(ran.stdout).toBe('');
    return ran.stderr.split('\n').filter((text) => /^[✓✗]/.test(text));
  }

  test('pull', async () => {
    const calls = [talk().imageAbsent(), talk().pull(undefined, said(PULL))];
    await fail(calls, PULL);
    expect((await story(calls)).slice(2)).toEqual([
      '✗ Getting the image',
      '✓ Undo: creating the worktree',
      '✓ Undo: recording the session',
      '✗ image ubuntu:latest does not exist',
    ]);
  });

  test('network create', async () => {
    const absent = talk().networkAbsent();
    await fail([talk().imageThere(), absent, talk().networkCreate(said(NETWORK)), absent], NETWORK);
  });

  test('create', async () => {
    const calls = [
      ...[talk().imageThere(), talk().networkAbsent(), talk().networkCreate()],
      ...[talk().create({}, said(CREATE)), talk().remove(), talk().networkRemove()],
    ];
    await fail(calls, CREATE);
    expect((await story(calls)).slice(5, -1)).toEqual([
      '✗ Creating the container',
      '✓ Undo: creating the container',
      '✓ Undo: preparing what the container sees',
      '✓ Undo: creating the network',
      '✓ Undo: creating the worktree',
      '✓ Undo: recording the session',
    ]);
  });

  test('create, with a network that was there: it stays', async () => {
    const create = talk().create({}, said(CREATE));
    await fail([talk().imageThere(), talk().networkThere(), create, talk().remove()], CREATE);
  });

  test('start', async () => {
    await fail(
      [
        ...[talk().imageThere(), talk().networkAbsent(), talk().networkCreate()],
        ...[talk().create(), talk().start(said(START)), talk().remove(), talk().networkRemove()],
      ],
      START,
    );
  });

  test('start succeeds, and the container dies', async () => {
    const calls = [
      ...[talk().imageThere(), talk().networkThere(), talk().create(), talk().start({})],
      ...[talk().status('exited', 97), talk().remove()],
    ];
    const { code, stderr } = await runPara(repo, line(), { calls: [...detection(which), ...calls] });
    expect(stderr).toContain('\n✗ the container of fix ended at once, with exit code 97\n');
    expect(code).toBe(7);
    expect(footprint(repo)).toEqual(before);
  });

  const taken = (): Failure => ({
    docker: `Error response from daemon: Conflict. The container name "/${talk().container}" is already in use by container "b1c0". You have to remove (or rename) that container to be able to reuse that name.\n`,
    podman: `Error: creating container storage: the container name "${talk().container}" is already in use by b1c0. You have to remove that container to be able to reuse that name: that name is already in use\n`,
    ...{ code: 'NAME_CONFLICT', exit: 7 },
  });
  const upToCreate = (): EngineCall[] => [
    ...[...detection(which), talk().imageThere(), talk().networkThere()],
    talk().create({}, said(taken())),
  ];

  test.each([
    ['was made by hand', 'created', false],
    ['has run', 'exited', true],
  ])('a container of this name is there, which %s: it is not touched', async (_why, state, isOurs) => {
    const calls = [...upToCreate().slice(detection(which).length), talk().status(state, 0, isOurs)];
    await fail(calls, taken());
  });

  test.each([
    ['of this session never ran', () => talk().status('created', 0, true)],
    ['left its name to nothing', () => talk().statusGone()],
  ])('a container %s: it is made anew', async (_why, found) => {
    const rest = [found(), talk().remove(), talk().create(), talk().start()];
    expect(await runPara(repo, line(), { calls: [...upToCreate(), ...rest] })).toMatchObject({ code: 0 });
  });

  test('the undo fails too: what is left is named, with the command that removes it', async () => {
    const stuck = { exitCode: 1, stderr: 'Error: something is stuck\n' };
    const { code, stderr } = await runPara(repo, line(), {
      calls: [
        ...[...detection(which), talk().imageThere(), talk().networkThere()],
        ...[talk().create(), talk().start(said(START)), talk().remove(stuck)],
      ],
    });
    // As what began it: START is a failure of the container.
    expect(code).toBe(7);
    expect(stderr).toContain('✗ Undo: creating the container\n');
    expect(stderr).toContain('not everything could be undone\n');
    expect(stderr).toContain(`↳ ${talk().engine} rm -f ${talk().container}\n`);
    // Whose it is stays known, and is settled when the engine is well again.
    const again = [talk().imageThere(), talk().networkThere(), talk().create(), talk().start()];
    const calls = [talk().statusGone(), talk().networkRemove(), ...again];
    expect(await runPara(repo, line(), { calls })).toMatchObject({ code: 0 });
  });
});

describe('refused before anything is made', () => {
  test.each<[string, string, number, RegExp]>([
    ['--env API_TOKEN', 'USAGE', 2, /API_TOKEN sounds like a secret/],
    ['--env AWS_SECRET_ACCESS_KEY', 'USAGE', 2, /sounds like a secret/],
    ['--env 1A=2', 'USAGE', 2, /"1A" is not a variable name/],
    ['--env-file absent.env', 'USAGE', 2, /absent\.env can not be read: no such file/],
    ['--port 99999', 'USAGE', 2, /99999 is not a port/],
    ['--port a:b', 'USAGE', 2, /--port "a:b": it is not/],
    ['--cpus many', 'USAGE', 2, /--cpus "many" is not a number of CPUs/],
    ['--cpus 4097', 'USAGE', 2, /--cpus 4097 is more than this machine has: \d+/],
    ['--cpus 0', 'USAGE', 2, /is not a number of CPUs/],
    ['--memory lots', 'USAGE', 2, /lots/],
    ['--image team/App', 'USAGE', 2, /is not an image: the name must be lower case/],
    ['--image --env A=1', 'USAGE', 2, /--image needs a value/],
    ['--volume /etc', 'USAGE', 2, /is not SOURCE:TARGET/],
    ['--base nowhere', 'NAME_INVALID', 2, /nowhere/],
  ])('%s', async (flags, code, exit, message) => {
    const env = { API_TOKEN: 'a-value-of-mine', AWS_SECRET_ACCESS_KEY: 'another-value' };
    const { stdout, ...ran } = await runPara(repo, `start fix --docker --json ${flags}`, { env });
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ schema: 1, ok: false },
      error: { code, message: expect.stringMatching(message) as unknown },
    });
    expect(stdout).not.toContain('a-value-of-mine');
    expect(ran).toEqual({ code: exit, stderr: '' });
    expect(footprint(repo)).toEqual(before);
  });

  test.each([
    ['--volume /etc:/x', /\/etc is not mounted into a container: it belongs to the system/],
    ['--volume $HOME:/x', /it holds far more than a session may see/],
    ['--volume /srv:/workspace', /only the worktree is mounted at \/workspace/],
  ])('%s', async (flags, message) => {
    const line = `start fix --docker ${flags}`;
    const { code, stderr } = await runPara(repo, line, { calls: detection('docker') });
    expect(stderr).toMatch(message);
    expect(code).toBe(10);
    expect(footprint(repo)).toEqual(before);
  });

  test('a name that is taken, and a branch that is there', async () => {
    await runPara(repo, 'start fix');
    repo.run(['branch', 'para/other']);
    const taken = footprint(repo);
    expect(await runPara(repo, 'start fix')).toMatchObject({ code: 1 });
    expect(await runPara(repo, 'start other')).toMatchObject({ code: 1 });
    expect(await runPara(repo, 'start Fix_Me')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('↳ para start fix-me') as unknown,
    });
    expect(footprint(repo)).toEqual(taken);
  });

  test('outside a repository', async () => {
    expect(await runPara(repo, 'start fix', { cwd: repo.base })).toMatchObject({ code: 4 });
  });
});

test.each(WHICH)('an image of this machine that is not there: %s is not asked to log in', async (which) => {
  const talk = new Conversation(repo, which);
  const stderr = 'Error: dial tcp [::1]:443: connect: connection refused\n';
  const image = 'localhost/nope:1';
  const calls = [
    ...detection(which),
    ...[talk.imageAbsent(image), talk.pull(image, { exitCode: 125, stderr })],
  ];
  const ran = await runPara(repo, `start fix --image ${image} --engine ${talk.engine}`, { calls });
  expect(ran.stderr).toContain(
    `✗ there is no image ${image} on this machine\n  │ ${stderr}  ↳ Build it, or take one of these:\n  ↳ ${talk.engine} images\n`,
  );
  expect(ran.code).toBe(8);
});
