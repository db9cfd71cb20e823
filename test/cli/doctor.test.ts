import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { chmodSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Diagnosis } from '../../src/sessions/doctor.ts';
import { ID, type Ending, type Which } from '../support/conversation.ts';
import { footprint } from '../support/footprint.ts';
import { detection, runPara, type EngineCall, type RunOptions } from '../support/run-para.ts';
import { tempRepo, type TempRepo } from '../support/temp-repo.ts';

let repo: TempRepo;

beforeEach(() => {
  repo = tempRepo();
});
afterEach(() => {
  repo.remove();
});

/** doctor's trial: a container without files, whose command does not exist. */
function trial(which: Which, ending: Ending = {}): readonly EngineCall[] {
  const engine = which === 'docker' ? 'docker' : 'podman';
  const [name, image] = ['para-doctor-TRIAL', 'localhost/para-doctor:para-doctor-TRIAL'];
  const uid = `${String(process.getuid?.())}:${String(process.getgid?.())}`;
  const create = [
    ...['create', '--pull', 'never', '--init', '--name', name, '--hostname', 'trial', '--workdir', '/'],
    ...['--label', 'para.schema=1', '--label', 'para.role=trial'],
    ...['--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    ...['--pids-limit', '64', '--memory', '67108864', '--cpus', '1', '--ipc', 'private'],
    ...(which === 'docker' ? ['--ulimit', 'core=0'] : []),
    ...['--log-driver', 'json-file', '--restart', 'no'],
    ...(which === 'rootless' ? ['--userns', 'keep-id'] : ['--user', uid]),
    ...['--network', 'none', '--entrypoint', '/para-trial', '--', image],
  ];
  const stderr = 'exec: "/para-trial": stat /para-trial: no such file or directory\n';
  const now = which === 'docker' ? [] : ['-t', '0'];
  return [
    { argv: [engine, 'import', '-', image] },
    { argv: [engine, ...create], stdout: `${ID}\n` },
    { argv: [engine, 'start', '--', name], exitCode: 127, stderr, ...ending },
    { argv: [engine, 'rm', '-f', ...now, '--', name] },
    { argv: [engine, 'rmi', image] },
  ];
}

const all = (which: Which): readonly EngineCall[] => [...detection(which), ...trial(which)];

/** docker's answer to `info`, changed. */
function dockerInfo(change: (info: Record<string, unknown>) => void): readonly EngineCall[] {
  return detection('docker').map((call, i) => {
    if (i === 0) return call;
    const info = JSON.parse(call.stdout ?? '') as Record<string, unknown>;
    change(info);
    return { ...call, stdout: JSON.stringify(info) };
  });
}

const diagnosis = (stdout: string): Diagnosis => JSON.parse(stdout) as Diagnosis;
const factsOf = (stdout: string, subject: string): Record<string, string> =>
  Object.fromEntries(
    (diagnosis(stdout).checks.find((check) => check.subject === subject)?.facts ?? []).map((fact) => [
      fact.name,
      fact.value,
    ]),
  );

test('every engine there is: what it is, and what it enforces', async () => {
  const { code, stdout, stderr } = await runPara(repo, 'doctor --json', {
    calls: [...all('docker'), ...all('podman')],
  });
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(diagnosis(stdout)).toMatchObject({ schema: 1, ok: true, usable: true });
  expect(diagnosis(stdout).checks.map((check) => check.subject)).toEqual([
    'git',
    'settings',
    'sessions',
    'docker',
    'podman',
  ]);
  const uid = `--user ${String(process.getuid?.())}:${String(process.getgid?.())}`;
  expect(factsOf(stdout, 'docker')).toMatchObject({
    binary: expect.stringMatching(/fixtures\/bin\/docker$/) as unknown,
    ...{ version: '28.5.2 (server 28.5.2+dfsg4)', endpoint: 'local', mode: 'root', 'user mapping': uid },
  });
  expect(factsOf(stdout, 'podman')).toMatchObject({ version: '4.3.1', mode: 'root', 'user mapping': uid });
});

test('for people: marks, facts and remedies', async () => {
  const { stdout } = await runPara(repo, 'doctor', { calls: [...all('docker'), ...all('rootless')] });
  expect(stdout).toMatch(/^git\n {2}version {9}\d/);
  expect(stdout).toMatch(/^docker\n {2}binary {10}\//m);
  expect(stdout).toContain('  ✓ runs containers\n');
  expect(stdout).toContain('\n\npodman\n');
  expect(stdout).toMatch(/mode {12}rootless\n/);
  expect(stdout).toMatch(/user mapping {4}--userns keep-id\n/);
});

test('a rootless engine that can limit nothing says so, and what helps', async () => {
  const { code, stdout } = await runPara(repo, 'doctor --json', {
    calls: [...all('docker'), ...all('rootless')],
  });
  expect(code).toBe(0);
  expect(factsOf(stdout, 'podman')['limits']).toBe(
    'memory NOT enforced, cpu NOT enforced, pids NOT enforced',
  );
  expect(diagnosis(stdout).checks[4]?.findings).toContainEqual({
    level: 'warn',
    text: 'limits on memory, cpu, pids are not enforced: a session can use all of the machine',
    fix: expect.stringContaining('cgroup v1') as unknown,
  });
});

test('Docker Desktop: asked for its version, which may be known for a way out', async () => {
  const info = dockerInfo((found) => {
    found['OperatingSystem'] = 'Docker Desktop';
  });
  const version = (stdout: string): EngineCall => ({
    ...{ argv: ['docker', 'version', '--format', '{{json .}}'], stdout },
  });
  const server = { Server: { Platform: { Name: 'Docker Desktop 4.43.2 (199162)' } } };
  for (const [said, known] of [
    [JSON.stringify(server), true],
    [JSON.stringify({ Client: {} }), false],
    ['no JSON', false],
  ] as const) {
    const calls = [...info, ...trial('docker'), version(said)];
    const { code, stdout } = await runPara(repo, 'doctor --engine docker', { calls });
    expect(stdout.includes('▲ Docker Desktop 4.43.2 is known for CVE-2025-9074: a container could')).toBe(
      known,
    );
    expect(code).toBe(0);
  }
});

test('asks anew each time, changes nothing, and works outside a repository', async () => {
  const before = footprint(repo);
  await runPara(repo, 'doctor', { calls: [...all('docker'), ...all('podman')] });
  await runPara(repo, 'doctor', { calls: [...all('docker'), ...all('podman')], cwd: repo.base });
  expect(footprint(repo)).toEqual(before);
});

test('--engine: that one alone', async () => {
  const { code, stdout } = await runPara(repo, 'doctor --engine podman --json', {
    calls: all('podman'),
  });
  expect(code).toBe(0);
  expect(diagnosis(stdout).checks.map((check) => check.subject)).toEqual([
    'git',
    'settings',
    'sessions',
    'podman',
  ]);
});

test('one of two does not answer: how to mend it; the other will do', async () => {
  const stderr = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n';
  const down = detection('docker').map((call, i) =>
    i === 0 ? call : { ...call, exitCode: 1, stdout: '', stderr },
  );
  const { code, stdout } = await runPara(repo, 'doctor', { calls: [...down, ...all('podman')] });
  expect(stdout).toContain(
    'docker\n  ✗ docker is installed, but its engine does not answer\n      ↳ Start it',
  );
  expect(code).toBe(0);
});

test('none is installed: what to install, and 6', async () => {
  const empty = join(repo.base, 'bin');
  mkdirSync(empty);
  writeFileSync(join(empty, 'git'), '#!/bin/sh\nexec /usr/bin/git "$@"\n');
  chmodSync(join(empty, 'git'), 0o755);
  const { code, stdout, stderr } = await runPara(repo, 'doctor --json', { env: { PATH: empty } });
  expect({ code, stderr }).toEqual({ code: 6, stderr: '' });
  expect(diagnosis(stdout)).toMatchObject({ usable: false });
  const todo = diagnosis(stdout).checks.at(-1);
  expect(todo?.subject).toBe('what to do');
  const debian = /debian/i.test(readFileSync('/etc/os-release', 'utf8'));
  expect(todo?.findings[0]?.fix).toMatch(debian ? /apt-get install -y podman$/ : /podman/);
});

test('one that answers but shifts user ids: files would not be ours, so it is none', async () => {
  const shifted = dockerInfo((info) => {
    info['SecurityOptions'] = ['name=seccomp,profile=builtin', 'name=userns'];
  });
  const { code, stdout } = await runPara(repo, 'doctor --engine docker', {
    calls: [...shifted, ...trial('docker')],
  });
  expect(stdout).toContain('✗ the daemon shifts user ids (userns-remap)');
  expect(stdout).toContain('↳ Remove "userns-remap"');
  expect(code).toBe(6);
});

test('one that answers but can run no container: why, and 6', async () => {
  const stderr =
    'Error response from daemon: failed to create task for container: OCI runtime create failed: runc create failed: unable to apply cgroup configuration: mkdir /sys/fs/cgroup: read-only file system\n';
  const calls = [...detection('docker'), ...trial('docker', { exitCode: 1, stderr })];
  const { code, stdout } = await runPara(repo, 'doctor --engine docker --json', { calls });
  expect(diagnosis(stdout).usable).toBe(false);
  expect(diagnosis(stdout).checks[3]?.findings[0]).toMatchObject({
    level: 'fail',
    text: expect.stringContaining('read-only file system') as unknown,
  });
  expect(code).toBe(6);
});

test('what it prints is no answer: broken, not a crash', async () => {
  const odd = detection('docker').map((call, i) => (i === 0 ? call : { ...call, stdout: 'json\n' }));
  const { code, stdout } = await runPara(repo, 'doctor --engine docker', { calls: odd });
  expect(stdout).toMatch(/^docker\n {2}✗ .*docker/m);
  expect(code).toBe(6);
});

test('too old, or on another machine', async () => {
  const [version] = detection('docker');
  const old = { ...version, stdout: 'Docker version 19.03.15, build 99e3ed8919\n' } as EngineCall;
  const first = await runPara(repo, 'doctor --engine docker', { calls: [old] });
  expect(first.stdout).toContain('✗ docker 19.03.15 is older than 20.10.0\n      ↳ Update docker.');
  const env = { DOCKER_HOST: 'ssh://elsewhere' };
  const second = await runPara(repo, 'doctor --engine docker', { env });
  expect(second.stdout).toContain('docker points at another machine (ssh://elsewhere)');
  expect([first.code, second.code]).toEqual([6, 6]);
});

test('docker is dead, and no other one is there: it is mended, nothing is installed', async () => {
  const stderr = 'Cannot connect to the Docker daemon at unix:///var/run/docker.sock. Is it running?\n';
  const [version, info] = detection('docker');
  const calls = [version, { ...info, exitCode: 1, stdout: '', stderr }] as readonly EngineCall[];
  const { stdout } = await runPara(repo, 'doctor --engine docker', { calls });
  expect(stdout).toContain('✗ docker does not work here; sessions without a container still work\n');
  expect(stdout).toContain('↳ Do what is said above, then: para doctor');
  expect(stdout).not.toMatch(/apt-get|dnf|pacman/);
});

describe('what is here besides the engines', () => {
  const findings = async (subject: string, options: RunOptions = {}): Promise<unknown> => {
    const calls = all('podman');
    const { stdout } = await runPara(repo, 'doctor --engine podman --json', { ...options, calls });
    return diagnosis(stdout).checks.find((check) => check.subject === subject)?.findings;
  };

  test('all is well', async () => {
    expect(await findings('git')).toEqual([{ level: 'ok', text: 'new enough' }]);
    expect(await findings('settings')).toEqual([{ level: 'ok', text: 'the settings files are valid' }]);
    expect(await findings('sessions')).toEqual([{ level: 'ok', text: 'nothing is half done' }]);
    expect(await findings('sessions', { cwd: repo.base })).toBeUndefined();
  });

  test('no git: 4, and where to get it', async () => {
    const { code, stdout } = await runPara(repo, 'doctor --engine podman', { env: { PATH: '/nowhere' } });
    expect(stdout).toMatch(/^git\n {2}✗ git was not found on PATH\n {6}↳ Install git 2\.31/);
    expect(code).toBe(4);
  });

  test('a settings file that is broken, a worktree that is missing, a session that is half done', async () => {
    await runPara(repo, 'start fix');
    await runPara(repo, 'start half');
    rmSync(join(repo.root, '.para/worktrees/fix'), { recursive: true });
    const record = join(repo.root, '.para/state/half.state');
    const data = JSON.parse(readFileSync(record, 'utf8')) as object;
    writeFileSync(record, JSON.stringify({ ...data, status: 'cancelling' }));
    repo.write('.para/config.json', '{ "git": { "psuh": 1 } }');
    expect(await findings('settings')).toEqual([
      expect.objectContaining({
        level: 'fail',
        text: expect.stringContaining('did you mean "push"') as unknown,
      }),
    ]);
    expect(await findings('sessions')).toEqual([
      { level: 'warn', text: 'fix: worktree missing; to mend it: para recover fix' },
      {
        level: 'warn',
        text: 'half is half done (cancel) and nobody is at it; to settle it: para recover half',
      },
    ]);
  });
});
