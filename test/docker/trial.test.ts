import { expect, test } from '@jest/globals';
import type { Engine } from '../../src/docker/driver.ts';
import { docker } from '../../src/docker/drivers/docker.ts';
import { podman } from '../../src/docker/drivers/podman.ts';
import { tryContainer } from '../../src/docker/trial.ts';
import { fakeRunner, type Answer } from './fake-runner.ts';
import { fixture } from './fixtures.ts';

const PODMAN: Engine = {
  driver: podman,
  binary: '/usr/bin/podman',
  version: '4.3.1',
  endpoint: 'local',
  capabilities: podman.info().parse(fixture('podman-4.3.1-rootless', 'info.json')),
};
const DOCKER: Engine = {
  ...PODMAN,
  driver: docker,
  binary: '/usr/bin/docker',
  capabilities: docker.info().parse(fixture('docker-cli28-srv28', 'info.json')),
};
const CALLER = { uid: 1000, gid: 1000 };
const ID = `${'a'.repeat(64)}\n`;

/** Answers `create`; the verb `failing` fails with `stderr`. */
function engine(failing?: string, stderr = ''): { runner: ReturnType<typeof fakeRunner>; verbs: string[] } {
  const verbs: string[] = [];
  const runner = fakeRunner((args): Answer => {
    verbs.push(args[0] ?? '');
    if (args[0] === failing) return { exitCode: 125, stderr };
    return { stdout: args[0] === 'create' ? ID : '' };
  });
  return { runner, verbs };
}

test.each([
  ['docker', DOCKER],
  ['podman', PODMAN],
])('%s: a container is tried, and everything is taken away again', async (_name, tried) => {
  const { runner, verbs } = engine();
  expect(await tryContainer(tried, runner, CALLER)).toBeUndefined();
  expect(verbs).toEqual(['import', 'create', 'start', 'rm', 'rmi']);
});

test('an init that finds no command has proven that containers run', async () => {
  const { runner } = engine(
    'start',
    'Error: runc: exec: "/para-trial": stat /para-trial: no such file or directory\n',
  );
  expect(await tryContainer(PODMAN, runner, CALLER)).toBeUndefined();
});

// The last lines are podman's own, from a machine that grants no rlimits and from issue threads.
test.each([
  [
    'error during container init: error setting rlimit type 7: operation not permitted: OCI permission denied',
    'default_ulimits',
  ],
  ['crun: setrlimit `RLIMIT_NPROC`: Operation not permitted: OCI permission denied', 'default_ulimits'],
  ['default OCI runtime "crun" not found: invalid argument', 'apt-get install crun'],
  [
    'container-init binary not found on the host: stat /usr/libexec/podman/catatonit: no such file or directory',
    'catatonit',
  ],
  ['exec: "docker-init": executable file not found in $PATH', 'tini'],
  ["could not find slirp4netns, the network namespace can't be configured", 'slirp4netns'],
  ['exec: "newuidmap": executable file not found in $PATH', 'uidmap'],
  ['cannot set limits without cgroups: OCI runtime error', 'cgroup_manager'],
  [
    'failed to mount runtime directory for rootless netns: no such file or directory',
    'podman system migrate',
  ],
  [
    'rootless netns: mount "/tmp/podman-run-1/libpod/tmp/rootless-netns/run" to "/run": no such file or directory',
    'podman system migrate',
  ],
])('%s: says that the engine runs no container, and what to change', async (said, fix) => {
  const { runner, verbs } = engine('start', `Error: unable to start container "x": ${said}\n`);
  const error = await tryContainer(PODMAN, runner, CALLER);
  expect(error).toMatchObject({ code: 'ENGINE_CANNOT_RUN', exit: 6 });
  expect(error?.hint).toContain(fix);
  expect(verbs.slice(-2)).toEqual(['rm', 'rmi']);
});
