import { expect, test } from '@jest/globals';
import type { ContainerSpec } from '../../src/docker/driver.ts';
import { docker } from '../../src/docker/drivers/docker.ts';
import { podman } from '../../src/docker/drivers/podman.ts';
import { parseImageReference } from '../../src/docker/image-ref.ts';
import { parseEnv, parsePort } from '../../src/docker/publish.ts';

const SPEC: ContainerSpec = {
  name: 'para-1-a',
  hostname: 'a',
  image: 'node:22',
  workdir: '/workspace',
  labels: { 'para.schema': '1' },
  env: { A: '1' },
  mounts: [{ source: '/a,"b', target: '/workspace', readOnly: true }],
  ports: [{ hostIp: '127.0.0.1', hostPort: 0, containerPort: 80, protocol: 'tcp' }],
  memoryBytes: 1024,
  cpus: 1.5,
  pids: 512,
  network: { mode: 'bridge', name: 'n' },
  user: { kind: 'user', uid: 1, gid: 2 },
  hardening: 'default',
  command: ['sleep', 'infinity'],
};
const line = (dialect: string, user: string): string =>
  `create --pull never --init --name para-1-a --hostname a --workdir /workspace --label para.schema=1 --cap-drop ALL ` +
  `--security-opt no-new-privileges --pids-limit 512 --memory 1024 --cpus 1.5 --ipc private ${dialect}--log-driver json-file ` +
  `--restart no ${user} --network n --mount type=bind,"source=/a,""b","target=/workspace",readonly -p 127.0.0.1::80 -e A=1 --entrypoint sleep -- node:22 infinity`;

test('create', () => {
  expect(docker.create(SPEC).args.join(' ')).toBe(line('--ulimit core=0 ', '--user 1:2'));
  expect(podman.create({ ...SPEC, user: { kind: 'keep-id' } }).args.join(' ')).toBe(
    line('', '--userns keep-id'),
  );
  expect(docker.create({ ...SPEC, hardening: 'strict' }).args).toContain('--read-only');
  const open = docker.create({ ...SPEC, hardening: 'off' }).args;
  expect(open).not.toContain('--cap-drop');
  expect(open).toContain('--pids-limit');
});

test.each([docker, podman])('exec and remove of $name', (driver) => {
  const exec = driver.exec({
    container: 'c',
    argv: ['ls', '-l'],
    tty: true,
    stdin: true,
    workdir: '/w',
    env: { K: 'v' },
  });
  expect(exec.args).toEqual(['exec', '-i', '-t', '-w', '/w', '-e', 'K=v', '--', 'c', 'ls', '-l']);
  expect(driver.remove('c').args).toEqual(
    driver.name === 'podman' ? ['rm', '-f', '-t', '0', '--', 'c'] : ['rm', '-f', '--', 'c'],
  );
});

test.each([
  'node',
  'node:22',
  'localhost:5000/a/b:1',
  `a@sha256:${'0'.repeat(64)}`,
  '[::1]:5000/x',
  'a__b/c-d.e',
])('image %s', (text) => {
  expect(parseImageReference(text)).toBe(text);
});
test.each([
  '',
  '-x',
  'A/B',
  'a b',
  'a:',
  'a@sha256:1',
  'a//b',
  '/a',
  'a:b:c',
  'x'.repeat(256),
  `a:${'t'.repeat(129)}`,
])('no image: %s', (text) => {
  expect(() => parseImageReference(text)).toThrow(/is not an image/);
});

test('ports', () => {
  const port = { hostIp: '127.0.0.1', hostPort: 0, containerPort: 80, protocol: 'tcp' };
  expect(parsePort('80')).toEqual(port);
  expect(parsePort('8080:80')).toEqual({ ...port, hostPort: 8080 });
  expect(parsePort('0.0.0.0:8080:80/udp')).toEqual({
    hostIp: '0.0.0.0',
    hostPort: 8080,
    containerPort: 80,
    protocol: 'udp',
  });
  for (const bad of ['', '0', '70000', 'a:b', '1:2:3', '300.0.0.1:1:2', '80/x'])
    expect(() => parsePort(bad)).toThrow();
});

test('environment', () => {
  expect(parseEnv('A=b=c')).toEqual({ name: 'A', value: 'b=c' });
  expect(parseEnv('A')).toEqual({ name: 'A', value: undefined });
  expect(() => parseEnv('1A=b')).toThrow(/not a variable name/);
});
