import { afterEach, beforeEach, expect, test } from '@jest/globals';
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endpointOf } from '../../src/docker/endpoint.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'para-endpoint-'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

function context(name: string, host: string): void {
  const id = createHash('sha256').update(name).digest('hex');
  const dir = join(home, '.docker/contexts/meta', id);
  mkdirSync(dir, { recursive: true });
  writeFileSync(
    join(dir, 'meta.json'),
    JSON.stringify({ Name: name, Endpoints: { docker: { Host: host } } }),
  );
}
function use(name: string): void {
  mkdirSync(join(home, '.docker'), { recursive: true });
  writeFileSync(join(home, '.docker/config.json'), JSON.stringify({ currentContext: name }));
}

test('a variable wins; nothing at all is the local engine', async () => {
  context('far', 'ssh://far');
  use('far');
  expect(await endpointOf('docker', { HOME: home, DOCKER_HOST: 'unix:///x' })).toBe('unix:///x');
  expect(await endpointOf('podman', { HOME: home, CONTAINER_HOST: 'tcp://y' })).toBe('tcp://y');
  expect(await endpointOf('podman', { HOME: home })).toBe('local');
  expect(await endpointOf('docker', { HOME: join(home, 'nobody') })).toBe('local');
});

test("a context is followed to its address, the variable's before the one in use", async () => {
  context('far', 'ssh://far');
  context('near', 'unix:///near.sock');
  use('far');
  expect(await endpointOf('docker', { HOME: home })).toBe('ssh://far');
  expect(await endpointOf('docker', { HOME: home, DOCKER_CONTEXT: 'near' })).toBe('unix:///near.sock');
  expect(await endpointOf('docker', { HOME: home, DOCKER_CONTEXT: 'default' })).toBe('local');
  expect(await endpointOf('docker', { DOCKER_CONFIG: join(home, '.docker') })).toBe('ssh://far');
});

test.each(['not JSON', '[]', '{"currentContext": 7}', 'null'])(
  'a config.json of %s means the local engine',
  async (text) => {
    mkdirSync(join(home, '.docker'));
    writeFileSync(join(home, '.docker/config.json'), text);
    expect(await endpointOf('docker', { HOME: home })).toBe('local');
  },
);

test('a context without a readable address is named, and the client will say what is wrong with it', async () => {
  use('gone');
  expect(await endpointOf('docker', { HOME: home })).toBe('context gone');
});
