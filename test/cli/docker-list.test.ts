import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Conversation, started, WHICH } from '../support/conversation.ts';
import { detection, runPara } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;

beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

describe.each(WHICH)('%s', (which) => {
  test('each container of the repository, with its session and its ports; one engine call', async () => {
    const talk = await started(repo, which);
    const stray = talk.container.replace(/fix$/, 'stray');
    const call = talk.list([
      { name: talk.container, state: 'running' },
      { name: stray, state: 'exited' },
    ]);
    const { code, stdout, stderr } = await runPara(repo, 'docker list', { calls: [call] });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => line.split(/ {2,}/)),
    ).toEqual([
      ['SESSION', 'CONTAINER', 'ENGINE', 'IMAGE', 'STATE', 'STATUS', 'BOX', 'PORTS'],
      [
        ...['fix', talk.container, talk.engine, 'ubuntu:latest', 'running', 'S running'],
        ...['-', '127.0.0.1:8080->80/tcp'],
      ],
      ['(none)', stray, talk.engine, 'ubuntu:latest', 'exited', 'S exited', '-'],
    ]);
    const json = await runPara(repo, 'docker ls --json', { calls: [call] });
    expect(json.stderr).toBe('');
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ schema: 1, ok: true },
      containers: [
        {
          session: 'fix',
          name: talk.container,
          engine: talk.engine,
          ports: ['127.0.0.1:8080->80/tcp'],
          box: { network: 'bridge' },
        },
        { session: null, name: stray, state: 'exited', status: 'S exited', ports: [], box: null },
      ],
    });
  });

  test('no session has one: the engine that is wanted is asked', async () => {
    const talk = new Conversation(repo, which);
    const { code, stdout } = await runPara(repo, `docker list --engine ${talk.engine}`, {
      calls: [...detection(which), talk.list([])],
    });
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: 'No containers here. Start one:  para start NAME --docker\n',
    });
  });
});

test('the engine of a session does not answer: an error, not an empty list', async () => {
  const docker = await started(repo, 'docker');
  const stderr = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n';
  const ran = await runPara(repo, 'docker list', {
    calls: [{ ...docker.list([]), exitCode: 1, stdout: '', stderr }],
  });
  expect(ran).toMatchObject({ code: 6, stdout: '' });
  expect(ran.stderr).toContain('✗ docker is installed, but its engine does not answer\n');
});

test('what an engine prints that is no list: an error', async () => {
  const docker = await started(repo, 'docker');
  const ran = await runPara(repo, 'docker list', { calls: [{ ...docker.list([]), stdout: 'json\n' }] });
  expect(ran).toMatchObject({ code: 6, stdout: '' });
});

test('-q: names alone, in order; --engine: that one alone', async () => {
  const docker = await started(repo, 'docker');
  const rows = ['b', 'a'].map((name) => ({ name: `${docker.container}-${name}`, state: 'exited' }));
  const { code, stdout } = await runPara(repo, 'docker list -q', { calls: [docker.list(rows)] });
  expect({ code, stdout }).toEqual({ code: 0, stdout: `${docker.container}-a\n${docker.container}-b\n` });
  const podman = new Conversation(repo, 'podman');
  const other = await runPara(repo, 'docker list --engine podman -q', {
    calls: [...detection('podman'), podman.list([])],
  });
  expect(other).toMatchObject({ code: 0, stdout: '' });
});
