import { describe, expect, test } from '@jest/globals';
import { digestOf, fitsImage } from '../../src/docker/image-pattern.ts';

const DIGEST = `sha256:${'a'.repeat(64)}`;

describe('an image that fits', () => {
  test.each([
    ['node', 'node'],
    ['node', 'node:22'],
    ['node', `node@${DIGEST}`],
    ['node', 'docker.io/library/node:22'],
    ['docker.io/library/node', 'node'],
    ['docker.io/team/app', 'index.docker.io/team/app:1'],
    ['node:22', 'node:22'],
    ['node:22*', 'node:22-alpine'],
    ['node:latest', 'node'],
    ['team/app', 'docker.io/team/app'],
    ['ghcr.io/acme/*', 'ghcr.io/acme/tool:1'],
    ['ghcr.io/acme/**', 'ghcr.io/acme/a/b:1'],
    ['localhost:5000/*', 'localhost:5000/app'],
    ['**', 'anything.example/at/all:1'],
    [`node@${DIGEST}`, `node:22@${DIGEST}`],
  ])('%s takes %s', (pattern, image) => {
    expect(fitsImage(['no/such', pattern], image)).toBe(true);
  });
});

describe('one that does not', () => {
  test.each([
    ['node', 'nodejs'],
    ['node', 'evil/node'],
    ['node', 'evil.example/library/node'],
    ['node', 'evil.example/docker.io/library/node'],
    ['node:22', 'node'],
    ['node:22', 'node:220'],
    // The tag beside a digest says nothing of what is taken.
    ['node:22', `node:22@${DIGEST}`],
    ['node.js', 'nodexjs'],
    ['ghcr.io/acme/*', 'ghcr.io/acme/a/b'],
    ['ghcr.io/acme/*', 'ghcr.io/acme-evil/tool'],
    ['ghcr.io/acme*', 'ghcr.io/acme-evil/tool'],
    ['ghcr.io/acme/*', 'ghcr.io.evil.example/acme/tool'],
    ['*', 'team/app'],
    ['*/*', 'ghcr.io/acme/tool'],
    [`node@${DIGEST}`, 'node'],
    [`node@${DIGEST}`, `node@sha256:${'b'.repeat(64)}`],
  ])('%s leaves %s', (pattern, image) => {
    expect(fitsImage([pattern], image)).toBe(false);
  });

  test('no pattern takes none', () => {
    expect(fitsImage([], 'node')).toBe(false);
  });
});

test('of the names with a digest the image’s own is taken, or any: the bytes are the same', () => {
  const own = `docker.io/library/node@${DIGEST}`;
  const other = `localhost:5000/copy@${DIGEST}`;
  expect(digestOf('node:22', [other, own])).toBe(own);
  expect(digestOf('localhost:5000/copy:1', [own, other])).toBe(other);
  expect(digestOf('node:22', [other])).toBe(other);
  expect(digestOf('node:22', [])).toBeUndefined();
});
