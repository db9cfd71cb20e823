import { expect, test } from '@jest/globals';
import { checkSessionRecord } from '../../src/config/records.ts';

const container = {
  name: 'para-1-a',
  engine: 'docker',
  binary: '/usr/bin/docker',
  endpoint: 'unix:///var/run/docker.sock',
  image: 'node:22',
  image_source: 'default_image',
  network: 'none',
  hardening: 'default',
  git: 'sealed',
};
const record = {
  schema: 1,
  uuid: 'u',
  name: 'a',
  branch: 'para/a',
  base: 'a'.repeat(40),
  base_ref: 'main',
  worktree_path: '/w',
  created_at: '2026-01-01T00:00:00Z',
  status: 'active',
  operation: null,
  container,
};

test('accepts a record with and without a container', () => {
  expect(checkSessionRecord(record)).toBeUndefined();
  expect(checkSessionRecord({ ...record, container: null })).toBeUndefined();
});

test.each([
  [[], 'expected an object, found an array'],
  [{ ...record, schema: 2 }, 'schema: expected 1, found 2'],
  [{ ...record, name: 'A b' }, 'name: expected a session name, found "A b"'],
  [{ ...record, base: 'main' }, 'base: expected a commit id, found "main"'],
  [
    { ...record, status: 'activ' },
    'status: expected "starting", "active", "finishing", "review", "cancelling" or "recovering", found "activ"; did you mean "active"?',
  ],
  [{ ...record, operation: 3 }, 'operation: expected null or an object, found 3'],
  [{ ...record, uuid: 'u'.repeat(65) }, 'uuid: expected at most 64 characters, found 65'],
  [
    { ...record, container: { ...container, engine: 'lxc' } },
    'container.engine: expected "docker" or "podman", found "lxc"',
  ],
  [{ ...record, container: { ...container, git: undefined } }, 'container: the key "git" is missing'],
])('says what is wrong with a record: %#', (data, problem) => {
  expect(checkSessionRecord(JSON.parse(JSON.stringify(data)))).toBe(problem);
});
